/**
 * S_i: how surely an image shows what a text says (G-Refine eq. 5, spec "AQ-Map"), from evidence to probability.
 *
 * Evidence is a difference of cosines: a text's similarity to the image minus the empty string's. With published CLIPs
 * cosines of an image and a text lie between 0.1 and 0.35, what is in the image stands out by 0.03 to 0.1, and κ ≈ 100
 * would turn almost every difference into 0 or 1. Nor is 0 the right boundary: the empty string's own similarity is
 * arbitrary, and differs between models and images. So evidence is calibrated before it becomes a probability.
 */
import { logit, sigmoid } from '../math/softmax.ts';
import { meanOfLargest, quantile } from '../math/statistics.ts';
import { dot } from '../math/vectors.ts';
import type { ClipImageFeatures } from '../pipeline/ports.ts';

/** How what CLS says and what the best patches say becomes one number. */
export type EvidenceRule =
  /** The stronger of the two; by how much the best patches lie above CLS for texts that do not describe the image, in cosine. */
  | { readonly patchOffset: number }
  /** Their mean; the weight of CLS, 0..1. */
  | { readonly wholeShare: number };

/** How evidence becomes a probability: `S = sigmoid(κ · scale · (evidence − bias))`. */
export type AlignmentCalibration = EvidenceRule & {
  /** Factor on κ, > 0. */
  readonly scale: number;
  /** Evidence of S = 0.5, in cosine. */
  readonly bias: number;
};

/** Share of the patches that count as a text's best: an object a tenth of the image wide and high. */
export const bestPatchShare = 0.01;

/** Number of patches that {@link bestPatchShare} is of a grid, at least one. */
export function bestPatchCount(cells: number): number {
  return Math.max(1, Math.round(bestPatchShare * cells));
}

/**
 * Eq. 5 on every patch: `C_I(I)_x · (C_T(p) − C_T(""))`, in cosine.
 * @param direction the difference of the two text features, `[dim]`
 * @returns `[gridHeight * gridWidth]`
 */
export function patchSimilarity(features: ClipImageFeatures, direction: Float32Array): Float32Array<ArrayBuffer> {
  const { gridWidth, gridHeight, patchFeatures } = features;
  const dim = direction.length;
  return Float32Array.from({ length: gridWidth * gridHeight }, (_, cell) =>
    dot(patchFeatures, direction, { rowA: cell * dim, dim }),
  );
}

/** What an image says for one text, in cosine. */
export interface AlignmentEvidence {
  /** On CLS: the image as a whole. */
  readonly whole: number;
  /** Mean over the best patches: small objects that CLS overlooks. */
  readonly best: number;
}

/** Evidence for one text; `similarity` is its {@link patchSimilarity}. */
export function alignmentEvidence(
  features: ClipImageFeatures,
  direction: Float32Array,
  { similarity }: { readonly similarity: Float32Array },
): AlignmentEvidence {
  return {
    whole: dot(features.cls, direction),
    best: meanOfLargest(similarity, bestPatchCount(similarity.length)),
  };
}

/**
 * The one number that is calibrated [ours]: the stronger of the two, once patches are brought to the level of CLS; or, where their weights
 * were fitted on images whose truth is known, their mean. A mean tells attributes better: the one may have a colour right where the other
 * has not.
 */
export function combinedEvidence({ whole, best }: AlignmentEvidence, rule: EvidenceRule): number {
  if ('wholeShare' in rule) return rule.wholeShare * whole + (1 - rule.wholeShare) * best;
  return Math.max(whole, best - rule.patchOffset);
}

/** S_i in 0..1. */
export function alignmentProbability(
  evidence: AlignmentEvidence,
  calibration: AlignmentCalibration,
  { logitScale }: { readonly logitScale: number },
): number {
  return calibratedProbability(combinedEvidence(evidence, calibration), calibration, { logitScale });
}

/** Combined evidence (or a difference of such), in cosine, as a probability. */
export function calibratedProbability(
  evidence: number,
  { scale, bias }: AlignmentCalibration,
  { logitScale }: { readonly logitScale: number },
): number {
  return sigmoid(logitScale * scale * (evidence - bias));
}

/** How surely a noun is there by itself and by its whole phrase: `S_iⁿ = sigmoid(scale · ((logit Sⁿ + logit S) / 2 − bias))`. */
export interface PresenceCalibration {
  /** > 0. */
  readonly scale: number;
  /** Mean of the two logits at 0.5. */
  readonly bias: number;
}

/** Probabilities of a bare noun and of the whole phrase, 0..1. */
export interface PresenceScores {
  readonly noun: number;
  readonly phrase: number;
}

/** What both texts say of whether a noun is there [ours], as a logit: one as much as the other. */
export function presenceEvidence({ noun, phrase }: PresenceScores): number {
  return (logit(noun) + logit(phrase)) / 2;
}

/**
 * S_iⁿ by both texts [ours], 0..1: of a red cube, "red cube" tells as well as "cube" whether there is a cube at all. On scenes whose truth
 * is known half as many things are wrongly thought missing as by the noun alone.
 */
export function presenceProbability(scores: PresenceScores, { scale, bias }: PresenceCalibration): number {
  return sigmoid(scale * (presenceEvidence(scores) - bias));
}

/**
 * Things seldom together in one image, as short as phrases of a prompt are: texts that, nearly all of them, do not
 * describe the image at hand.
 */
export const referenceTexts: readonly string[] = [
  'dog',
  'bicycle',
  'mountain',
  'coffee cup',
  'airplane',
  'piano',
  'strawberry',
  'tractor',
  'penguin',
  'laptop',
  'bridge',
  'umbrella',
  'pizza',
  'horse',
  'bookshelf',
  'lighthouse',
  'guitar',
  'wooden chair',
  'red shoes',
  'elephant',
  'candle',
  'football',
  'sailing boat',
  'clock',
  'robot',
  'bread',
  'waterfall',
  'baby',
  'telephone',
  'snake',
  'blue car',
  'spoon',
  'castle',
  'butterfly',
  'traffic light',
  'helmet',
  'microscope',
  'cactus',
  'train',
  'glass bottle',
];

/** Where and how steeply evidence turns from "not there" to "there", in deviations above texts that do not describe the image. */
export interface AlignmentThresholds {
  /** Deviations at which S is 0.5. */
  readonly middle: number;
  /** By how much the logit of S grows with each deviation, > 0. */
  readonly slope: number;
}

/** How many deviations above texts that do not describe the image S is 0.5: one such text in forty passes. */
export const undescribedDeviations = 2;
/** How many deviations above them S is 0.9: where things that are in an image usually lie. */
export const confidentDeviations = 3.5;
/** Smallest deviation believed, in cosine: below it is rounding of half precision. */
export const smallestDeviation = 0.002;

/** The thresholds unless ratings have taught others [ours]. */
export const defaultAlignmentThresholds: AlignmentThresholds = {
  middle: undescribedDeviations,
  slope: Math.log(9) / (confidentDeviations - undescribedDeviations),
};

/** The level that texts have in one image which do not describe it, in cosine. */
export interface ReferenceLevel {
  /** Median of their combined evidence. */
  readonly centre: number;
  /** Median deviation from it, as that of a normal distribution. */
  readonly deviation: number;
  /** See {@link EvidenceRule}. */
  readonly patchOffset: number;
}

/**
 * Measures that level [ours]. Median and median deviation, so that a few reference texts may describe the image after all.
 *
 * @param evidence of each of {@link referenceTexts}
 * @throws RangeError without any evidence
 */
export function referenceLevel(evidence: readonly AlignmentEvidence[]): ReferenceLevel {
  const patchOffset = quantile(
    evidence.map(({ whole, best }) => best - whole),
    0.5,
  );
  const combined = evidence.map((one) => combinedEvidence(one, { patchOffset }));
  const centre = quantile(combined, 0.5);
  const medianDeviation = quantile(
    combined.map((value) => Math.abs(value - centre)),
    0.5,
  );
  // 1.4826 makes the median deviation of a normal distribution its standard deviation.
  return { centre, deviation: Math.max(1.4826 * medianDeviation, smallestDeviation), patchOffset };
}

/** How far evidence stands above texts that do not describe the image, in their deviations. */
export function standing(evidence: AlignmentEvidence, level: ReferenceLevel): number {
  return (combinedEvidence(evidence, level) - level.centre) / level.deviation;
}

/**
 * Calibrates on the image itself [ours]: against texts that (nearly all) do not describe it. The default, because it needs
 * no measured table per model, and follows the level that similarities have in this very image.
 *
 * @param evidence of each of {@link referenceTexts}
 * @throws RangeError without any evidence
 */
export function calibrateOnReference(
  evidence: readonly AlignmentEvidence[],
  {
    logitScale,
    thresholds: { middle, slope } = defaultAlignmentThresholds,
  }: { readonly logitScale: number; readonly thresholds?: AlignmentThresholds },
): AlignmentCalibration {
  const { centre, deviation, patchOffset } = referenceLevel(evidence);
  return { bias: centre + middle * deviation, scale: slope / (logitScale * deviation), patchOffset };
}

/** What a prompt's alignment is made of: S of the whole prompt, and of each phrase that has a place and its noun, 0..1. */
export interface PromptScores {
  readonly prompt: number;
  readonly phrases: readonly { readonly score: number; readonly nounScore: number; readonly negated: boolean }[];
}

/**
 * Eq. 8: `Q_A = S(P) · Π min(S_i / B_a, 1)`, 0..1. [ours] for what is to be absent: the surer it is there, the worse.
 * @param bound B_a
 */
export function promptAlignment({ prompt, phrases }: PromptScores, bound: number): number {
  return phrases.reduce((product, { score, nounScore, negated }) => {
    const right = negated ? 1 - Math.min(score, nounScore) : score;
    return product * Math.min(right / bound, 1);
  }, prompt);
}

/**
 * Fits scale and bias to measured evidence: 0.5 separates matched from shuffled prompts best (largest balanced accuracy;
 * of equally good boundaries the one in the widest gap), and the slope makes the probabilities most likely, both classes
 * weighing the same, with Platt's smoothed targets so that separable data give no infinite slope.
 *
 * @param matched combined evidence of images with their own prompts, in cosine
 * @param shuffled the same of images with others' prompts
 * @throws RangeError if a list is empty or matched prompts do not lie higher
 */
export function calibrateAlignment(
  matched: readonly number[],
  shuffled: readonly number[],
  { logitScale }: { readonly logitScale: number },
): { scale: number; bias: number } {
  if (matched.length === 0 || shuffled.length === 0) throw new RangeError('Both lists need evidence');
  const bias = bestBoundary(matched, shuffled);

  const matchedTarget = (matched.length + 1) / (matched.length + 2);
  const shuffledTarget = 1 / (shuffled.length + 2);
  /** Derivative of the mean log likelihood by the slope; falls as the slope grows. */
  const gain = (slope: number) => {
    const part = (values: readonly number[], target: number) =>
      values.reduce((sum, e) => sum + (target - sigmoid(slope * (e - bias))) * (e - bias), 0) / values.length;
    return part(matched, matchedTarget) + part(shuffled, shuffledTarget);
  };
  let low = 0;
  let high = 1;
  if (!(gain(low) > 0)) throw new RangeError('Matched prompts have no more evidence than shuffled ones');
  while (gain(high) > 0) {
    low = high;
    high *= 2;
  }
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (gain(middle) > 0) low = middle;
    else high = middle;
  }
  return { scale: (low + high) / 2 / logitScale, bias };
}

/** The boundary between two classes with the largest balanced accuracy. */
function bestBoundary(above: readonly number[], below: readonly number[]): number {
  const values = [
    ...above.map((value) => ({ value, isAbove: true })),
    ...below.map((value) => ({ value, isAbove: false })),
  ].sort((a, b) => a.value - b.value);
  let missed = 0;
  let rejected = 0;
  let best = { accuracy: 0, gap: 0, boundary: Number.NaN };
  for (let i = 0; i + 1 < values.length; i++) {
    const { value, isAbove } = values[i] as { value: number; isAbove: boolean };
    if (isAbove) missed++;
    else rejected++;
    const gap = (values[i + 1] as { value: number }).value - value;
    const accuracy = (1 - missed / above.length + rejected / below.length) / 2;
    if (gap > 0 && (accuracy > best.accuracy || (accuracy === best.accuracy && gap > best.gap))) {
      best = { accuracy, gap, boundary: value + gap / 2 };
    }
  }
  if (!(best.accuracy > 0.5)) throw new RangeError('Matched prompts have no more evidence than shuffled ones');
  return best.boundary;
}
