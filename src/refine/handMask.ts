/** A mask drawn by the user, as plain data that crosses a worker boundary. */
export interface HandMask {
  /** Cells of its grid, which is stretched over the image; at most `largestMaskSide` of `repairMask.ts` a side. */
  readonly width: number;
  readonly height: number;
  /** `[height, width]`, 0 = keep, 255 = repaint; between them old and new are mixed. */
  readonly values: Uint8Array<ArrayBuffer>;
}
