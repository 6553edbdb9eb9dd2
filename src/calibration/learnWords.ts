import { pearson, spearman } from '../math/correlation.ts';
import { minimise } from '../math/lbfgs.ts';
import { type PerceptualBounds, perceptualImportance, type QualityWordFeatures } from '../quality/perceptualMap.ts';
import { seededFolds } from './folds.ts';
import { ratedFactors } from './ratings.ts';
import { combine, factorScores, pointOf, type RatedFeatures, wordObjective, wordsOf } from './wordObjective.ts';

/** What learning starts from. */
export interface LearningStart {
  /** The pairs the model has. */
  readonly initial: QualityWordFeatures;
  /** Their B_k. */
  readonly initialBounds: PerceptualBounds;
  /** κ. */
  readonly logitScale: number;
  /** Images of one group are held out together; see `seededFolds`. */
  readonly groups: readonly (string | null)[];
  readonly seed: number;
  /** Called before each fit: lets messages in, throws to stop. */
  readonly beforeFit: () => Promise<void>;
}

/** What was learned. */
export interface LearnedWords {
  readonly words: QualityWordFeatures;
  readonly bounds: PerceptualBounds;
  /** How firmly the words were held; Infinity: they stayed as they were. */
  readonly strength: number;
}

/** How firmly the pairs are held near the model's own, from hardly movable to nearly free. */
export const strengths: readonly number[] = [30, 10, 3, 1, 0.3, 0.1];

/** Parts that the images are taken into to choose a strength. */
const innerFolds = 3;

/** A fit that gains so little is done: the next strength goes on from there. */
const limits = { iterations: 30, tolerance: 1e-3 };

/** Fits that one call of {@link learnWords} makes at most. */
export const fitsOfLearning = (innerFolds + 1) * strengths.length;

/**
 * Learns the pairs from ratings. How firmly they are held is chosen on images kept aside in turns: the firmest of those whose
 * scores agree best with the ratings (mean of SRCC and PLCC), "not moved at all" among them.
 *
 * @throws whatever `beforeFit` throws
 */
export async function learnWords(data: RatedFeatures, start: LearningStart): Promise<LearnedWords> {
  const { initial, initialBounds, logitScale, groups, seed, beforeFit } = start;
  const bounds = learnBounds(data, initialBounds);
  const gains = new Float64Array(strengths.length + 1);
  for (const heldOut of seededFolds(groups, { folds: innerFolds, seed: seed + 1 })) {
    const test = subset(data, heldOut);
    const train = subset(data, others(data.rating.length, heldOut));
    const agreement = (words: QualityWordFeatures) => {
      const scores = perceptualScores(test, { words, bounds, logitScale });
      return finite(spearman(scores, test.rating)) + finite(pearson(scores, test.rating));
    };
    gains[0] = (gains[0] as number) + agreement(initial);
    let at = 1;
    for await (const words of path(train, { initial, bounds, logitScale, beforeFit })) {
      gains[at] = (gains[at] as number) + agreement(words);
      at++;
    }
  }
  const best = gains.indexOf(gains.reduce((a, b) => Math.max(a, b)));
  let words = initial;
  let at = 0;
  if (best > 0) {
    for await (words of path(data, { initial, bounds, logitScale, beforeFit })) if (++at === best) break;
  }
  return { words, bounds, strength: strengths[best - 1] ?? Number.POSITIVE_INFINITY };
}

/**
 * B_k [ours]: those that the model's own words have, save for factors that have ratings: theirs is made as the authors made theirs, the ratings'
 * mean times the factor's importance. Without its ratings a factor's scores have no scale that a mean could be of.
 */
export function learnBounds(data: Pick<RatedFeatures, 'factors'>, initial: PerceptualBounds): PerceptualBounds {
  const bounds = ratedFactors.map((factor) => {
    const ratings = data.factors[factor].filter((rating) => !Number.isNaN(rating));
    const mean = ratings.reduce((a, b) => a + b, 0) / ratings.length;
    // A bound of nothing would be divided by.
    return [factor, ratings.length > 0 ? Math.max(mean * perceptualImportance[factor], 0.05) : initial[factor]];
  });
  return Object.fromEntries(bounds) as PerceptualBounds;
}

/** Q_P of eq. 3 for every image. */
export function perceptualScores(
  data: Pick<RatedFeatures, 'cls' | 'dim'>,
  { words, bounds, logitScale }: { words: QualityWordFeatures; bounds: PerceptualBounds; logitScale: number },
): Float64Array {
  const scores = factorScores(pointOf(words), data, { logitScale });
  return combine(
    scores,
    ratedFactors.map((factor) => bounds[factor]),
  );
}

/** The pairs for each strength, each begun where the firmer one ended. */
async function* path(
  data: RatedFeatures,
  {
    beforeFit,
    ...options
  }: {
    readonly initial: QualityWordFeatures;
    readonly bounds: PerceptualBounds;
    readonly logitScale: number;
    readonly beforeFit: () => Promise<void>;
  },
): AsyncGenerator<QualityWordFeatures> {
  let point = pointOf(options.initial);
  for (const strength of strengths) {
    await beforeFit();
    point = minimise(wordObjective(data, { ...options, strength }), point, limits).point;
    yield wordsOf(point, data.dim);
  }
}

/** Some of the images. */
export function subset({ cls, dim, rating, factors }: RatedFeatures, images: readonly number[]): RatedFeatures {
  const rows = new Float32Array(images.length * dim);
  images.forEach((image, i) => {
    rows.set(cls.subarray(image * dim, (image + 1) * dim), i * dim);
  });
  const pick = (values: Float64Array) => Float64Array.from(images, (image) => values[image] as number);
  return {
    cls: rows,
    dim,
    rating: pick(rating),
    factors: {
      technical: pick(factors.technical),
      rationality: pick(factors.rationality),
      naturalness: pick(factors.naturalness),
    },
  };
}

/** All images but some. */
export function others(count: number, images: readonly number[]): number[] {
  const left = new Set(images);
  return Array.from({ length: count }, (_, i) => i).filter((i) => !left.has(i));
}

function finite(value: number): number {
  return Number.isNaN(value) ? 0 : value;
}
