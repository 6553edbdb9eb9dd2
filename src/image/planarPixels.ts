/**
 * Pixels between the two forms the refiner needs: RGBA bytes, as images are kept, and planes of floats, as models read them.
 */
import type { RgbaImage } from './rgbaImage.ts';

/** Range of a channel: autoencoders read −1..1, PASD's condition is 0..1. */
export type ChannelRange = 'minusOneToOne' | 'zeroToOne';

/**
 * RGB planes of an image.
 *
 * @returns `Float32Array [3, height, width]`, alpha dropped
 */
export function planarFromRgba({ width, height, data }: RgbaImage, range: ChannelRange): Float32Array<ArrayBuffer> {
  const area = width * height;
  // One rounding per value: v / 255 in double, then float32, as numpy and torch do it on float32 input within half an ulp.
  const table = Float32Array.from({ length: 256 }, (_, value) =>
    range === 'zeroToOne' ? value / 255 : (value / 255) * 2 - 1,
  );
  const planes = new Float32Array(3 * area);
  for (let i = 0; i < area; i++) {
    planes[i] = table[data[4 * i] as number] as number;
    planes[area + i] = table[data[4 * i + 1] as number] as number;
    planes[2 * area + i] = table[data[4 * i + 2] as number] as number;
  }
  return planes;
}

/**
 * An image of RGB planes in −1..1; values beyond are clamped (diffusers `VaeImageProcessor.denormalize`, then rounding to
 * the nearest byte). Undoes {@link planarFromRgba} exactly.
 *
 * @param planes `[3, height, width]`
 * @throws RangeError if the length does not fit
 */
export function rgbaFromPlanar(
  planes: Float32Array,
  { width, height }: { readonly width: number; readonly height: number },
): RgbaImage {
  const area = width * height;
  if (planes.length !== 3 * area)
    throw new RangeError(`${planes.length} values are no 3 x ${height} x ${width} pixels`);
  // The clamped array clips to 0..255 and rounds to the nearest.
  const data = new Uint8ClampedArray(4 * area);
  for (let i = 0; i < area; i++) {
    data[4 * i] = ((planes[i] as number) + 1) * 127.5;
    data[4 * i + 1] = ((planes[area + i] as number) + 1) * 127.5;
    data[4 * i + 2] = ((planes[2 * area + i] as number) + 1) * 127.5;
    data[4 * i + 3] = 255;
  }
  return { width, height, data };
}
