import { kendall, pearson, spearman } from '../math/correlation.ts';
import { type AlignmentThresholds, defaultAlignmentThresholds } from '../quality/alignmentScore.ts';
import { alignmentOf, learnThresholds, type PromptStanding } from './alignmentLearning.ts';
import type { Agreement, CalibrationReport, HeldOut, Verdict } from './calibration.ts';
import { type LearningStart, learnWords, others, perceptualScores, subset } from './learnWords.ts';
import type { RatedFeatures } from './wordObjective.ts';

/** Agreement of scores with ratings. */
export function agreement(scores: ArrayLike<number>, ratings: ArrayLike<number>): Agreement {
  return { srcc: spearman(scores, ratings), plcc: pearson(scores, ratings), krcc: kendall(scores, ratings) };
}

/**
 * What learning from these ratings is worth: in turns the words are learned from all folds but one, choice of strength included,
 * and compared with the model's own on that one.
 */
export async function crossValidateWords(
  data: RatedFeatures,
  { folds, ...start }: LearningStart & { readonly folds: readonly (readonly number[])[] },
): Promise<CalibrationReport> {
  const { initial, initialBounds, logitScale, groups } = start;
  const results: HeldOut[] = [];
  for (const heldOut of folds) {
    const training = others(data.rating.length, heldOut);
    const learned = await learnWords(subset(data, training), {
      ...start,
      groups: training.map((image) => groups[image] ?? null),
    });
    const test = subset(data, heldOut);
    const before = perceptualScores(test, { words: initial, bounds: initialBounds, logitScale });
    const after = perceptualScores(test, { ...learned, logitScale });
    results.push({
      images: heldOut.length,
      before: agreement(before, test.rating),
      after: agreement(after, test.rating),
    });
  }
  return reportOf(results);
}

/** The same for eq. 5's threshold and slope; folds are indices into `standings`. */
export function crossValidateThresholds(
  standings: readonly PromptStanding[],
  { ratings, folds }: { readonly ratings: readonly number[]; readonly folds: readonly (readonly number[])[] },
): CalibrationReport {
  const pick = <T>(values: readonly T[], images: readonly number[]) => images.map((image) => values[image] as T);
  return reportOf(
    folds.map((heldOut) => {
      const training = others(standings.length, heldOut);
      const learned = learnThresholds(pick(standings, training), pick(ratings, training));
      const truth = pick(ratings, heldOut);
      const judge = (thresholds: AlignmentThresholds) =>
        agreement(
          pick(standings, heldOut).map((one) => alignmentOf(one, thresholds)),
          truth,
        );
      return {
        images: heldOut.length,
        before: judge(defaultAlignmentThresholds),
        after: judge(learned ?? defaultAlignmentThresholds),
      };
    }),
  );
}

/** Means over folds, and what they say. */
export function reportOf(folds: readonly HeldOut[]): CalibrationReport {
  const mean = (of: (fold: HeldOut) => number) => folds.reduce((sum, fold) => sum + orZero(of(fold)), 0) / folds.length;
  const meanOf = (side: 'before' | 'after'): Agreement => ({
    srcc: mean((fold) => fold[side].srcc),
    plcc: mean((fold) => fold[side].plcc),
    krcc: mean((fold) => fold[side].krcc),
  });
  return { folds, before: meanOf('before'), after: meanOf('after'), verdict: verdictOf(folds) };
}

/** 95 % quantiles of Student's t, one-sided, for 1 to 9 degrees of freedom. */
const studentT = [6.314, 2.92, 2.353, 2.132, 2.015, 1.943, 1.895, 1.86, 1.833];

/** Smallest mean gain in correlation worth speaking of. */
const smallestGain = 0.005;

/**
 * Whether it helps: the gain, and what is reached, are both more than chance (each the mean of SRCC and PLCC; a calibration that is
 * merely less wrong than words which happened to run against the ratings is none).
 */
function verdictOf(folds: readonly HeldOut[]): Verdict {
  const reached = (side: 'before' | 'after') =>
    folds.map((fold) => (orZero(fold[side].srcc) + orZero(fold[side].plcc)) / 2);
  const after = reached('after');
  const before = reached('before');
  const gains = after.map((value, i) => value - (before[i] as number));
  const gain = gains.reduce((a, b) => a + b, 0) / gains.length;
  if (!(gain > smallestGain)) return 'doesNotHelp';
  return isAboveChance(gains) && isAboveChance(after) ? 'helps' : 'uncertain';
}

/**
 * Student's t over the folds, one-sided, with the variance corrected for their sharing most of what they learn from (Nadeau and
 * Bengio 2003, "Inference for the Generalization Error").
 */
function isAboveChance(values: readonly number[]): boolean {
  const k = values.length;
  const mean = values.reduce((a, b) => a + b, 0) / k;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (k - 1);
  const error = Math.sqrt(variance * (1 / k + 1 / (k - 1)));
  return mean > error * (studentT[k - 2] ?? Number.POSITIVE_INFINITY);
}

/** Equal scores rank nothing: they agree with no rating. */
function orZero(value: number): number {
  return Number.isNaN(value) ? 0 : value;
}
