/** Pixels as a user sees them: RGBA, 8 bit, sRGB, upright (EXIF applied), alpha already composited over white. */
export interface RgbaImage {
  readonly width: number;
  readonly height: number;
  /** `[height, width, 4]`, alpha 255 throughout. */
  readonly data: Uint8ClampedArray;
}
