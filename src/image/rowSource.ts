import type { RgbaImage } from './rgbaImage.ts';

/**
 * An image that is read in bands of rows, top to bottom, so that one of 50 megapixels is scaled down without a second
 * full copy of its pixels. Pixels as in {@link RgbaImage}: RGBA, 8 bit, alpha 255.
 */
export interface RowSource {
  readonly width: number;
  readonly height: number;
  /**
   * Rows `[start, end)`, `[end - start, width, 4]`. Callers keep `0 <= start < end <= height`. The view may be reused by
   * the next call.
   */
  rows(start: number, end: number): Uint8ClampedArray;
}

/**
 * An image in memory as a {@link RowSource}; nothing is copied.
 *
 * @throws RangeError if the image has no pixels or its data has another length
 */
export function imageRows({ width, height, data }: RgbaImage): RowSource {
  if (!(Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0)) {
    throw new RangeError(`Image of ${width}x${height} pixels`);
  }
  if (data.length !== width * height * 4) {
    throw new RangeError(`Image of ${width}x${height} pixels has ${data.length} bytes`);
  }
  return { width, height, rows: (start, end) => data.subarray(start * width * 4, end * width * 4) };
}
