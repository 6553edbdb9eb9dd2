import { UserError } from '../errors.ts';
import type { AlignmentThresholds } from '../quality/alignmentScore.ts';
import { type PerceptualBounds, perceptualBounds, type QualityWordFeatures } from '../quality/perceptualMap.ts';
import { learnThresholds, type PromptStanding } from './alignmentLearning.ts';
import type { CalibrationReport } from './calibration.ts';
import { crossValidateThresholds, crossValidateWords } from './crossValidate.ts';
import { seededFolds } from './folds.ts';
import { fitsOfLearning, learnWords } from './learnWords.ts';
import {
  fewestImages,
  guessScale,
  type ImageRatings,
  onScale,
  type RatedFactor,
  type RatingScale,
  ratedFactors,
} from './ratings.ts';
import type { RatedFeatures } from './wordObjective.ts';

/** One image: what people and CLIP say of it. */
export interface MeasuredImage {
  readonly ratings: ImageRatings;
  /** CLS feature `[dim]`, unit length. */
  readonly cls: Float32Array;
  /** Null: no prompt, or none that can be looked for. */
  readonly standing: PromptStanding | null;
}

/** What is needed beside the images. */
export interface LearningJob {
  /** The pairs the model has. */
  readonly initial: QualityWordFeatures;
  /** Their B_k; the published ones by default. */
  readonly initialBounds?: PerceptualBounds;
  readonly logitScale: number;
  /** Null: {@link guessScale}. */
  readonly scale?: RatingScale | null;
  /** 0..2^53−2; the same ratings and seed give the same result. */
  readonly seed: number;
  /** Told before every fit. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Awaited before every fit: lets messages in. */
  readonly pause?: () => Promise<void>;
  readonly signal?: { throwIfAborted(): void };
}

/** What ratings have taught, and what it is worth. */
export interface LearningResult {
  readonly words: QualityWordFeatures;
  readonly bounds: PerceptualBounds;
  /** Null: as they were, since there were no ratings for them or held-out images did not gain. */
  readonly alignment: AlignmentThresholds | null;
  readonly scale: RatingScale;
  readonly quality: CalibrationReport;
  /** Null: too few ratings of alignment with a prompt. */
  readonly match: CalibrationReport | null;
}

/** Folds of the cross-validation, and the fewest images of one. */
const mostFolds = 5;
const fewestHeldOut = 5;

/**
 * Learns from ratings and tells by cross-validation what that is worth. The result is learned from all images; the report is of
 * images each fold had held out.
 *
 * @throws {UserError} `TableError`: too few images, or all rated the same; AbortError
 */
export async function learnFromRatings(images: readonly MeasuredImage[], job: LearningJob): Promise<LearningResult> {
  const { initial, initialBounds = perceptualBounds, logitScale, seed, onProgress, pause, signal } = job;
  const rated = images.filter(({ ratings }) => ratings.rating !== null);
  if (rated.length < fewestImages) {
    throw new UserError(
      'TableError',
      `Found ${rated.length} rated ${rated.length === 1 ? 'image' : 'images'}, expected ${fewestImages} or more: fewer cannot show whether learning from them helps. Rate more images.`,
    );
  }
  const values = rated.map(({ ratings }) => ratings.rating as number);
  if (values.every((value) => value === values[0])) {
    throw new UserError(
      'TableError',
      `All ${rated.length} images are rated ${values[0]}, so there is nothing to learn from them. Rate bad images lower and good ones higher.`,
    );
  }
  const scale = job.scale ?? guessScale(values);
  const data = featuresOf(rated, scale);
  const folds = foldCount(rated.length);
  const total = (folds + 1) * fitsOfLearning;
  let done = 0;
  const beforeFit = async () => {
    onProgress?.(Math.min(done++, total), total);
    await pause?.();
    signal?.throwIfAborted();
  };
  const groups = rated.map(({ ratings }) => ratings.prompt);
  const start = { initial, initialBounds, logitScale, groups, seed, beforeFit };
  const quality = await crossValidateWords(data, { ...start, folds: seededFolds(groups, { folds, seed }) });
  const { words, bounds } = await learnWords(data, start);
  onProgress?.(total, total);
  return { words, bounds, scale, quality, ...learnAlignment(images, { seed }) };
}

/** Eq. 5's thresholds; kept only where held-out images gain by them. */
function learnAlignment(
  images: readonly MeasuredImage[],
  { seed }: { readonly seed: number },
): Pick<LearningResult, 'alignment' | 'match'> {
  const usable = images.filter(({ ratings, standing }) => ratings.alignment !== null && standing !== null);
  if (usable.length < fewestImages) return { alignment: null, match: null };
  const values = usable.map(({ ratings }) => ratings.alignment as number);
  if (values.every((value) => value === values[0])) return { alignment: null, match: null };
  const scale = guessScale(values);
  const ratings = values.map((value) => onScale(value, scale));
  const standings = usable.map(({ standing }) => standing as PromptStanding);
  const groups = usable.map(({ ratings: { prompt } }) => prompt);
  const folds = seededFolds(groups, { folds: foldCount(usable.length), seed });
  const match = crossValidateThresholds(standings, { ratings, folds });
  return { match, alignment: match.verdict === 'helps' ? learnThresholds(standings, ratings) : null };
}

function foldCount(images: number): number {
  return Math.min(mostFolds, Math.floor(images / fewestHeldOut));
}

/** Images as rows of numbers, ratings on 0..1; each factor has the scale its own ratings seem to be on. */
function featuresOf(images: readonly MeasuredImage[], scale: RatingScale): RatedFeatures {
  const dim = images[0]?.cls.length ?? 0;
  const cls = new Float32Array(images.length * dim);
  images.forEach((image, i) => {
    cls.set(image.cls, i * dim);
  });
  const factor = (name: RatedFactor): [RatedFactor, Float64Array] => {
    const given = images.flatMap(({ ratings }) => ratings[name] ?? []);
    const own = given.length > 0 ? guessScale(given) : scale;
    // One rating, or the same for all, says nothing about differences.
    const isUsable = given.some((value) => value !== given[0]);
    return [
      name,
      Float64Array.from(images, ({ ratings }) => {
        const value = ratings[name];
        return value === null || !isUsable ? Number.NaN : onScale(value, own);
      }),
    ];
  };
  return {
    cls,
    dim,
    rating: Float64Array.from(images, ({ ratings }) => onScale(ratings.rating as number, scale)),
    factors: Object.fromEntries(ratedFactors.map(factor)) as RatedFeatures['factors'],
  };
}
