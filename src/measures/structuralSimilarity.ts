import { gaussianWindow } from './gaussianWindow.ts';
import type { GrayImage } from './grayImage.ts';

/** Wang 2004: a window of 11 × 11 with σ = 1.5, K₁ = 0.01, K₂ = 0.03, values up to 255. */
const WINDOW = gaussianWindow(11, 1.5);
const C1 = (0.01 * 255) ** 2;
const C2 = (0.03 * 255) ** 2;

/**
 * Mean SSIM of two pictures of the same size (Wang 2004, eq. 13), over all places where the window lies wholly inside. 1 for
 * equal pictures.
 * @returns null for pictures smaller than the window
 * @throws RangeError where the sizes differ
 */
export function structuralSimilarity(a: GrayImage, b: GrayImage): number | null {
  const { width, height } = a;
  if (b.width !== width || b.height !== height) {
    throw new RangeError(`Pictures of ${width}x${height} and ${b.width}x${b.height} cannot be compared`);
  }
  const size = WINDOW.length;
  if (width < size || height < size) return null;
  // Windowed sums of a, b, a², b², ab down the columns of one row of windows.
  const sums = Array.from({ length: 5 }, () => new Float64Array(width)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const [sumA, sumB, sumAA, sumBB, sumAB] = sums;
  let total = 0;
  for (let y = 0; y + size <= height; y++) {
    for (const row of sums) row.fill(0);
    for (let k = 0; k < size; k++) {
      const tap = WINDOW[k] as number;
      const from = (y + k) * width;
      for (let x = 0; x < width; x++) {
        const p = a.values[from + x] as number;
        const q = b.values[from + x] as number;
        sumA[x] = (sumA[x] as number) + tap * p;
        sumB[x] = (sumB[x] as number) + tap * q;
        sumAA[x] = (sumAA[x] as number) + tap * p * p;
        sumBB[x] = (sumBB[x] as number) + tap * q * q;
        sumAB[x] = (sumAB[x] as number) + tap * p * q;
      }
    }
    for (let x = 0; x + size <= width; x++) {
      const meanA = windowed(sumA, x);
      const meanB = windowed(sumB, x);
      const varianceA = windowed(sumAA, x) - meanA * meanA;
      const varianceB = windowed(sumBB, x) - meanB * meanB;
      const covariance = windowed(sumAB, x) - meanA * meanB;
      total +=
        ((2 * meanA * meanB + C1) * (2 * covariance + C2)) /
        ((meanA * meanA + meanB * meanB + C1) * (varianceA + varianceB + C2));
    }
  }
  return total / ((width - size + 1) * (height - size + 1));
}

function windowed(row: Float64Array, x: number): number {
  let sum = 0;
  for (let k = 0; k < WINDOW.length; k++) sum += (WINDOW[k] as number) * (row[x + k] as number);
  return sum;
}
