import { resizeBicubic } from './resizeBicubic.ts';
import type { RgbaImage } from './rgbaImage.ts';
import type { RowSource } from './rowSource.ts';

/** How a CLIP checkpoint wants its pixels (`preprocessor_config.json`). */
export interface ClipPreprocessing {
  /** Side of the square input in pixels. */
  readonly imageSize: number;
  /** Mean per channel, RGB in 0..1. */
  readonly mean: readonly [number, number, number];
  /** Standard deviation per channel, RGB in 0..1. */
  readonly std: readonly [number, number, number];
}

/**
 * The 256 values a channel can take after rescaling and normalising, in the order and precision of transformers'
 * `rescale` (in double, then float32) and `normalize` (in float32).
 */
function channelTable(mean: number, std: number): Float32Array {
  const table = new Float32Array(256);
  for (let value = 0; value < 256; value++) {
    table[value] = Math.fround(Math.fround(value * (1 / 255)) - Math.fround(mean)) / Math.fround(std);
  }
  return table;
}

/**
 * Pixels as CLIP reads them: transformers' CLIPImageProcessor (its Pillow implementation) with `do_center_crop=False`:
 * resized to a square without keeping the proportions, so that every part of the image is seen, rescaled, normalised.
 *
 * @param image an image in memory, or one that is read in bands
 * @returns `Float32Array [3, imageSize, imageSize]`
 * @throws RangeError if a standard deviation is not positive or the size is not a positive integer
 */
export function clipPixelValues(
  image: RgbaImage | RowSource,
  { imageSize, mean, std }: ClipPreprocessing,
): Float32Array<ArrayBuffer> {
  const size = { width: imageSize, height: imageSize, keptWidth: imageSize, keptHeight: imageSize };
  return freeSizePixelValues(image, { ...size, mean, std });
}

/**
 * The same of an image that need not become a square: resized to `width` and `height`, of which the left `keptWidth` and the upper
 * `keptHeight` are kept.
 *
 * @returns `Float32Array [3, keptHeight, keptWidth]`
 * @throws RangeError if a standard deviation is not positive, a size no positive integer, or more is to be kept than there is
 */
export function freeSizePixelValues(
  image: RgbaImage | RowSource,
  {
    width,
    height,
    keptWidth,
    keptHeight,
    mean,
    std,
  }: Omit<ClipPreprocessing, 'imageSize'> & {
    readonly width: number;
    readonly height: number;
    readonly keptWidth: number;
    readonly keptHeight: number;
  },
): Float32Array<ArrayBuffer> {
  if (!std.every((value) => value > 0)) throw new RangeError(`Standard deviation ${std.join(', ')}`);
  if (keptWidth > width || keptHeight > height) {
    throw new RangeError(`${keptWidth}x${keptHeight} of ${width}x${height} pixels`);
  }
  const { data } = resizeBicubic(image, { width, height });
  const pixelValues = new Float32Array(3 * keptWidth * keptHeight);
  let at = 0;
  for (let channel = 0; channel < 3; channel++) {
    const table = channelTable(mean[channel] as number, std[channel] as number);
    for (let y = 0; y < keptHeight; y++) {
      const row = y * width;
      for (let x = 0; x < keptWidth; x++) {
        pixelValues[at++] = table[data[(row + x) * 4 + channel] as number] as number;
      }
    }
  }
  return pixelValues;
}
