/** People's ratings of images, as read from a table. */
import type { PerceptualFactor } from '../quality/qualityResults.ts';

/** The factors that may have ratings of their own; the rating as a whole is what eq. 3 combines them to. */
export type RatedFactor = Exclude<PerceptualFactor, 'overall'>;

/** The rated factors in the paper's order. */
export const ratedFactors: readonly RatedFactor[] = ['technical', 'rationality', 'naturalness'];

/** What may be rated of an image. */
export type RatedQuality = 'rating' | RatedFactor | 'alignment';

/** Everything that may be rated, in the order shown. */
export const ratedQualities: readonly RatedQuality[] = ['rating', ...ratedFactors, 'alignment'];

/** One image's ratings on the table's own scale, higher is better; null: not rated. */
export interface ImageRatings extends Readonly<Record<RatedQuality, number | null>> {
  /** As the table names the image. */
  readonly file: string;
  /** What it was generated from; null: not told. */
  readonly prompt: string | null;
}

/** A table of ratings. */
export interface RatingsTable {
  readonly images: readonly ImageRatings[];
  /** The table's name of each column that is used. */
  readonly columns: Readonly<Partial<Record<RatedQuality | 'file' | 'prompt', string>>>;
  /** Columns that mean nothing here. */
  readonly ignored: readonly string[];
  /** Sentences for the user. */
  readonly hints: readonly string[];
}

/** Fewest rated images that anything is learned from: fewer could not show whether it helps. */
export const fewestImages = 20;

/** Lowest and highest rating that could be given. */
export type RatingScale = readonly [low: number, high: number];

/** Scales in use, the narrowest first. */
const usualScales: readonly RatingScale[] = [
  [0, 1],
  [1, 5],
  [0, 5],
  [1, 7],
  [1, 10],
  [0, 10],
  [1, 100],
  [0, 100],
];

/**
 * The scale that ratings were probably given on [ours]: the narrowest usual one that holds them all and of which they take up
 * more than half; else from the lowest to the highest.
 *
 * @throws RangeError without any rating
 */
export function guessScale(ratings: readonly number[]): RatingScale {
  if (ratings.length === 0) throw new RangeError('No ratings');
  const low = ratings.reduce((a, b) => Math.min(a, b));
  const high = ratings.reduce((a, b) => Math.max(a, b));
  const usual = usualScales.find(([from, to]) => low >= from && high <= to && high - from > (to - from) / 2);
  return usual ?? [low, high];
}

/** A rating as 0..1 of its scale; what lies outside counts as its end. */
export function onScale(rating: number, [low, high]: RatingScale): number {
  return Math.min(1, Math.max(0, (rating - low) / (high - low)));
}
