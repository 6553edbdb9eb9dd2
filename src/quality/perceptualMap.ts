/**
 * PQ-Map: where an image looks bad, and how good it looks as a whole (G-Refine eq. 2 and 3, spec "PQ-Map").
 */
import { sigmoid } from '../math/softmax.ts';
import { minMaxNormalise } from '../math/statistics.ts';
import { difference, dot } from '../math/vectors.ts';
import type { ClipImageFeatures } from '../pipeline/ports.ts';
import type { QualityMap } from './qualityMap.ts';
import type { PerceptualFactor, PerceptualMode, PerceptualResult } from './qualityResults.ts';

/** The factors in the paper's order. */
export const perceptualFactors: readonly PerceptualFactor[] = ['overall', 'technical', 'rationality', 'naturalness'];

/** B_k of eq. 3: a factor above its bound adds nothing (the paper's "cask effect"). */
export type PerceptualBounds = Readonly<Record<Exclude<PerceptualFactor, 'overall'>, number>>;

/** How much each factor counts, 0..1: a bound is the mean rating of a database times this [paper]. */
export const perceptualImportance: PerceptualBounds = { technical: 1, rationality: 0.6, naturalness: 0.8 };

/**
 * B_k [code]: a factor above its bound adds nothing (the paper's "cask effect"). Means of the AGIN database times the
 * factor's importance: 0.935 · 1, 0.892 · 0.6, 0.826 · 0.8.
 */
export const perceptualBounds: PerceptualBounds = {
  technical: 0.935,
  rationality: 0.535,
  naturalness: 0.661,
};

/** Text features of each factor's pair: `[2, dim]`, rows of unit length, good first. */
export type QualityWordFeatures = Readonly<Record<PerceptualFactor, Float32Array>>;

/** Eq. 3: overall quality, lowered by every factor below its bound. Used for the score and, cell by cell, for the map. */
function combineFactors(values: Readonly<Record<PerceptualFactor, number>>, bounds: PerceptualBounds): number {
  return (
    values.overall *
    Math.min(values.technical / bounds.technical, 1) *
    Math.min(values.rationality / bounds.rationality, 1) *
    Math.min(values.naturalness / bounds.naturalness, 1)
  );
}

/**
 * Scores and maps of perceptual quality.
 *
 * q_k and P_k(x) are the softmax over the pair k of κ · cosine, on CLS and on patch x. Q_P and M_P combine the four
 * (eq. 3) [score: code; map: paper, "combined with four logits"].
 *
 * `released` draws what the authors' released `PQ-Map.py` draws, for comparison: the map is min-max of the overall good
 * logit L_0 alone, and every factor is divided by the *first* bound, their bug. Their other faults are not reproduced:
 * swapped width and height, features normalised over tokens instead of channels, text features of any length, no logit
 * scale, bilinear instead of the paper's bicubic drawing.
 *
 * @param words text features of the pairs
 * @param options.logitScale κ of the CLIP in use
 * @param options.bounds others than {@link perceptualBounds}, where they were fitted for the contexts in use
 */
export function perceptualMap(
  features: ClipImageFeatures,
  words: QualityWordFeatures,
  {
    mode,
    logitScale,
    bounds = perceptualBounds,
  }: { readonly mode: PerceptualMode; readonly logitScale: number; readonly bounds?: PerceptualBounds },
): PerceptualResult {
  const { gridWidth, gridHeight, cls, patchFeatures } = features;
  const dim = cls.length;
  const cells = gridWidth * gridHeight;
  const asMap = (values: Float32Array): QualityMap => ({ gridWidth, gridHeight, values });

  const rate = (factor: PerceptualFactor) => {
    const pair = words[factor];
    // Softmax over two logits is the sigmoid of their difference: one dot product instead of two.
    const direction = difference(pair.subarray(0, dim), pair.subarray(dim, 2 * dim));
    const good = (image: Float32Array, row: number) =>
      sigmoid(logitScale * dot(image, direction, { rowA: row * dim, dim }));
    return { whole: good(cls, 0), map: Float32Array.from({ length: cells }, (_, cell) => good(patchFeatures, cell)) };
  };
  const overall = rate('overall');
  const technical = rate('technical');
  const rationality = rate('rationality');
  const naturalness = rate('naturalness');

  const factors = {
    overall: overall.whole,
    technical: technical.whole,
    rationality: rationality.whole,
    naturalness: naturalness.whole,
  };
  const factorMaps = {
    overall: asMap(overall.map),
    technical: asMap(technical.map),
    rationality: asMap(rationality.map),
    naturalness: asMap(naturalness.map),
  };
  if (mode === 'released') {
    const first = perceptualBounds.technical;
    const good = words.overall.subarray(0, dim);
    const logits = Float32Array.from({ length: cells }, (_, cell) =>
      dot(patchFeatures, good, { rowA: cell * dim, dim }),
    );
    return {
      mode,
      score: combineFactors(factors, { technical: first, rationality: first, naturalness: first }),
      factors,
      map: asMap(minMaxNormalise(logits)),
      factorMaps,
    };
  }
  const combined = Float32Array.from({ length: cells }, (_, cell) =>
    combineFactors(
      {
        overall: overall.map[cell] as number,
        technical: technical.map[cell] as number,
        rationality: rationality.map[cell] as number,
        naturalness: naturalness.map[cell] as number,
      },
      bounds,
    ),
  );
  return { mode, score: combineFactors(factors, bounds), factors, map: asMap(combined), factorMaps };
}
