import { mahalanobis } from '../math/mahalanobis.ts';
import type { GrayImage } from './grayImage.ts';
import { niqeFeatureCount, niqeFeatures } from './niqeFeatures.ts';

/** A multivariate Gaussian of the features of good photographs. */
export interface NiqeModel {
  /** `[36]` */
  readonly mean: readonly number[];
  /** `[36, 36]`, row-major. */
  readonly covariance: readonly number[];
}

/** Blocks with something in them that a Gaussian can be fitted to: below, the number would say little [ours]. */
export const fewestNiqeBlocks = 4;

/**
 * NIQE (Mittal 2013, eq. 10): the distance between the Gaussians of an image's blocks and of the model's. Lower is better.
 * @returns null for images of fewer than {@link fewestNiqeBlocks} blocks that are not flat
 */
export function niqe(gray: GrayImage, model: NiqeModel): number | null {
  const { features, blocks } = niqeFeatures(gray);
  const rows = Array.from({ length: blocks }, (_, i) =>
    features.subarray(i * niqeFeatureCount, (i + 1) * niqeFeatureCount),
  ).filter((row) => row.every(Number.isFinite));
  if (rows.length < fewestNiqeBlocks) return null;
  const { mean, covariance } = gaussianOf(rows);
  const away = mean.map((value, i) => value - (model.mean[i] as number));
  const distance = mahalanobis(
    away,
    covariance.map((value, i) => (value + (model.covariance[i] as number)) / 2),
  );
  return Number.isFinite(distance) ? distance : null;
}

/** Mean `[n]` and covariance `[n, n]` (of a sample: divided by one less than the rows). */
export function gaussianOf(rows: readonly Float64Array[]): {
  readonly mean: Float64Array;
  readonly covariance: Float64Array;
} {
  const size = rows[0]?.length ?? 0;
  const mean = Float64Array.from({ length: size }, (_, i) => sum(rows, (row) => row[i] as number) / rows.length);
  const covariance = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      const value =
        sum(rows, (row) => ((row[i] as number) - (mean[i] as number)) * ((row[j] as number) - (mean[j] as number))) /
        (rows.length - 1);
      covariance[i * size + j] = value;
      covariance[j * size + i] = value;
    }
  }
  return { mean, covariance };
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((all, item) => all + value(item), 0);
}
