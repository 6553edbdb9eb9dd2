import { gaussianWindow } from './gaussianWindow.ts';
import type { GrayImage } from './grayImage.ts';

/** The local window: 7 × 7 pixels, σ = 7/6 (BRISQUE's and NIQE's release). */
const WINDOW = gaussianWindow(7, 7 / 6);
const REACH = 3;

/** What lies outside the image: NIQE's release repeats the edge (imfilter 'replicate'), BRISQUE's sees zeros (filter2). */
export type OutsideImage = 'edge' | 'zero';

/** One row: normalised coefficients and local standard deviations, `[width]` each, overwritten by the next row. */
export type OnRow = (y: number, normalised: Float64Array, deviation: Float64Array) => void;

/**
 * Mean-subtracted contrast-normalised coefficients (Mittal 2012, eq. 1 to 3): `(I − μ) / (σ + 1)` with μ and σ of a Gaussian window. Told
 * row by row, top to bottom, so that no second image of them lies in memory.
 */
export function normalisedRows(
  { width, height, values }: GrayImage,
  { outside, onRow }: { readonly outside: OutsideImage; readonly onRow: OnRow },
): void {
  // Sums in doubles: the variance is a small difference of large numbers. Three more columns on each side.
  const mean = new Float64Array(width + 2 * REACH);
  const square = new Float64Array(width + 2 * REACH);
  const normalised = new Float64Array(width);
  const deviation = new Float64Array(width);
  for (let y = 0; y < height; y++) {
    mean.fill(0);
    square.fill(0);
    for (let k = -REACH; k <= REACH; k++) {
      const inside = Math.min(Math.max(y + k, 0), height - 1);
      if (inside !== y + k && outside === 'zero') continue;
      const tap = WINDOW[k + REACH] as number;
      const from = inside * width;
      for (let x = 0; x < width; x++) {
        const value = values[from + x] as number;
        mean[x + REACH] = (mean[x + REACH] as number) + tap * value;
        square[x + REACH] = (square[x + REACH] as number) + tap * value * value;
      }
    }
    if (outside === 'edge') {
      for (const sums of [mean, square]) {
        sums.fill(sums[REACH] as number, 0, REACH);
        sums.fill(sums[width + REACH - 1] as number, width + REACH);
      }
    }
    for (let x = 0; x < width; x++) {
      let mu = 0;
      let muSquare = 0;
      for (let k = 0; k < WINDOW.length; k++) {
        const tap = WINDOW[k] as number;
        mu += tap * (mean[x + k] as number);
        muSquare += tap * (square[x + k] as number);
      }
      const sigma = Math.sqrt(Math.abs(muSquare - mu * mu));
      deviation[x] = sigma;
      normalised[x] = ((values[y * width + x] as number) - mu) / (sigma + 1);
    }
    onRow(y, normalised, deviation);
  }
}
