import type { RgbaImage } from '../image/rgbaImage.ts';
import { imageRows, type RowSource } from '../image/rowSource.ts';
import { largestPsnr } from './measures.ts';

/** Rows read at once. */
const BAND = 64;

/**
 * PSNR of two pictures in dB, over all three colours: 10 log₁₀(255² / mean squared difference), at most {@link largestPsnr}.
 * @throws RangeError where the sizes differ
 */
export function peakSignalToNoise(a: RgbaImage | RowSource, b: RgbaImage | RowSource): number {
  const { width, height } = a;
  if (b.width !== width || b.height !== height) {
    throw new RangeError(`Pictures of ${width}x${height} and ${b.width}x${b.height} cannot be compared`);
  }
  const [sourceA, sourceB] = [a, b].map((image) => ('rows' in image ? image : imageRows(image))) as [
    RowSource,
    RowSource,
  ];
  let squares = 0;
  for (let start = 0; start < height; start += BAND) {
    const end = Math.min(start + BAND, height);
    const p = sourceA.rows(start, end);
    const q = sourceB.rows(start, end);
    // Alpha is 255 in both.
    for (let i = 0; i < p.length; i++) squares += ((p[i] as number) - (q[i] as number)) ** 2;
  }
  if (squares === 0) return largestPsnr;
  return Math.min(largestPsnr, 10 * Math.log10((255 ** 2 * 3 * width * height) / squares));
}
