import type { RgbaImage } from './rgbaImage.ts';
import { imageRows, type RowSource } from './rowSource.ts';

/** A part of an image, in its pixels. */
export interface CropRectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Bytes of rows read at a time from an image that is read in bands. */
const bandBytes = 1 << 22;

/**
 * A copy of a part of an image, read in bands.
 *
 * @throws RangeError if the part is empty, lies outside, or is not of whole pixels
 */
export function cropImage(source: RgbaImage | RowSource, { x, y, width, height }: CropRectangle): RgbaImage {
  const rows = 'rows' in source ? source : imageRows(source);
  const whole = [x, y, width, height].every(Number.isInteger);
  if (!whole || x < 0 || y < 0 || width < 1 || height < 1 || x + width > rows.width || y + height > rows.height) {
    throw new RangeError(`${width}x${height} at ${x},${y} is no part of ${rows.width}x${rows.height} pixels`);
  }
  const data = new Uint8ClampedArray(width * height * 4);
  const rowBytes = rows.width * 4;
  const band = Math.max(1, Math.floor(bandBytes / rowBytes));
  for (let start = y; start < y + height; start += band) {
    const end = Math.min(y + height, start + band);
    const bytes = rows.rows(start, end);
    for (let row = start; row < end; row++) {
      const from = (row - start) * rowBytes + x * 4;
      data.set(bytes.subarray(from, from + width * 4), (row - y) * width * 4);
    }
  }
  return { width, height, data };
}

/** Index mirrored into `0..size-1` without repeating the border pixel (numpy's and torch's `reflect`), any distance away. */
export function mirroredIndex(index: number, size: number): number {
  if (size === 1) return 0;
  const period = 2 * (size - 1);
  const within = ((index % period) + period) % period;
  return within < size ? within : period - within;
}

/**
 * The image in the top left corner of a larger one, continued right and down by its mirror image: a model sees a scene that
 * goes on instead of a border it would paint into the picture.
 *
 * @returns the image itself where it has that size already
 * @throws RangeError if the size is smaller than the image
 */
export function padMirrored(
  image: RgbaImage,
  { width, height }: { readonly width: number; readonly height: number },
): RgbaImage {
  if (width === image.width && height === image.height) return image;
  if (width < image.width || height < image.height) {
    throw new RangeError(`Cannot pad ${image.width}x${image.height} to ${width}x${height}`);
  }
  // Views of four bytes: one copy per pixel.
  const from = new Uint32Array(image.data.buffer, image.data.byteOffset, image.width * image.height);
  const to = new Uint32Array(width * height);
  const columns = Int32Array.from({ length: width }, (_, x) => mirroredIndex(x, image.width));
  for (let y = 0; y < height; y++) {
    const row = mirroredIndex(y, image.height) * image.width;
    for (let x = 0; x < width; x++) to[y * width + x] = from[row + (columns[x] as number)] as number;
  }
  return { width, height, data: new Uint8ClampedArray(to.buffer) };
}
