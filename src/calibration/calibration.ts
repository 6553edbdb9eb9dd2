/** A calibration: what the maps learned from one person's, or one study's, ratings. */
import type { AlignmentThresholds } from '../quality/alignmentScore.ts';
import type { PerceptualBounds, QualityWordFeatures } from '../quality/perceptualMap.ts';
import type { RatingScale } from './ratings.ts';

/** What a CLIP is known again by, whatever precision it was compiled to. */
export interface ClipIdentity {
  /** Length of a feature. */
  readonly dim: number;
  /** Width of the text transformer. */
  readonly textWidth: number;
  /** κ. */
  readonly logitScale: number;
  /** Some of its weights, as `fingerprint` of the encoder picks them. */
  readonly fingerprint: Float32Array;
}

/** How well scores agree with ratings; NaN where one of the two is constant. */
export interface Agreement {
  /** Spearman's rank correlation. */
  readonly srcc: number;
  /** Pearson's linear correlation. */
  readonly plcc: number;
  /** Kendall's rank correlation, tau-b. */
  readonly krcc: number;
}

/** Agreement on images that the calibration was not made from, with the words as they were and as learned. */
export interface HeldOut {
  /** Images held out. */
  readonly images: number;
  readonly before: Agreement;
  readonly after: Agreement;
}

/** Whether held-out images say that a calibration is better: `uncertain` may be chance. */
export type Verdict = 'helps' | 'uncertain' | 'doesNotHelp';

/** What cross-validation has shown. */
export interface CalibrationReport {
  readonly verdict: Verdict;
  readonly folds: readonly HeldOut[];
  /** Mean over the folds. */
  readonly before: Agreement;
  readonly after: Agreement;
}

/** What is learned, and from how much. */
export interface Calibration {
  /** As the user named it. */
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly madeAt: number;
  /** Name of the model it was made with; shown. */
  readonly modelName: string;
  readonly clip: ClipIdentity;
  /** Side in pixels that images were encoded at. */
  readonly imageSize: number;
  /** Features of the four pairs, `[2, dim]` each, rows of unit length, good first. */
  readonly words: QualityWordFeatures;
  /** B_k of eq. 3. */
  readonly bounds: PerceptualBounds;
  /** Eq. 5's threshold and slope; null: as they were. */
  readonly alignment: AlignmentThresholds | null;
  /** Images with ratings. */
  readonly images: number;
  readonly scale: RatingScale;
  readonly seed: number;
  readonly quality: CalibrationReport;
  /** Null: no ratings of alignment, or none that could be used. */
  readonly match: CalibrationReport | null;
}

/** A kept calibration as the interface lists it. */
export interface CalibrationSummary extends Pick<Calibration, 'name' | 'madeAt' | 'modelName' | 'images'> {
  readonly id: string;
  readonly verdict: Verdict;
  /** Whether it was made with the CLIP of the pack in use. */
  readonly fits: boolean;
  /** Whether it sets the threshold of matches, too. */
  readonly hasAlignment: boolean;
}

/** Largest relative difference of two copies of a weight, one of them in half precision. */
const fingerprintTolerance = 0.005;

/** Whether two identities are those of one CLIP. */
export function isSameClip(a: ClipIdentity, b: ClipIdentity): boolean {
  if (a.dim !== b.dim || a.textWidth !== b.textWidth || a.fingerprint.length !== b.fingerprint.length) return false;
  if (Math.abs(a.logitScale / b.logitScale - 1) > fingerprintTolerance) return false;
  const largest = b.fingerprint.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return a.fingerprint.every(
    (value, i) => Math.abs(value - (b.fingerprint[i] as number)) <= fingerprintTolerance * largest,
  );
}
