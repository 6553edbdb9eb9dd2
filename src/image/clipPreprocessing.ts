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
  if (!std.every((value) => value > 0)) throw new RangeError(`Standard deviation ${std.join(', ')}`);
  const { data } = resizeBicubic(image, { width: imageSize, height: imageSize });
  const area = imageSize * imageSize;
  const pixelValues = new Float32Array(3 * area);
  for (let channel = 0; channel < 3; channel++) {
    const table = channelTable(mean[channel] as number, std[channel] as number);
    const to = channel * area;
    for (let i = 0; i < area; i++) pixelValues[to + i] = table[data[i * 4 + channel] as number] as number;
  }
  return pixelValues;
}
