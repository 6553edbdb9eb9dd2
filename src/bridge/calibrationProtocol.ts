/** The part of the workers' contract that learns from ratings: types only. See `protocol.ts` for the rules. */
import type { Calibration, CalibrationSummary } from '../calibration/calibration.ts';
import type { ImageRatings, RatingScale } from '../calibration/ratings.ts';
import type { PerceptualMode } from '../quality/qualityResults.ts';

export type { Calibration, CalibrationSummary };

/** Rated images to learn from. */
export interface CalibrationJob {
  readonly jobId: string;
  readonly name: string;
  readonly rated: readonly { readonly ratings: ImageRatings; readonly file: File }[];
  /** Lowest and highest rating that could be given; null: guessed from the ratings. */
  readonly scale: RatingScale | null;
  /** As for an analysis. */
  readonly imageSize: number | null;
  readonly seed: number;
}

/** How far learning is: images measured, then fits made. */
export interface CalibrationProgress {
  readonly stage: 'measure' | 'learn';
  readonly done: number;
  readonly total: number;
}

/** What was learned; not yet kept. */
export interface CalibrationOutcome {
  readonly calibration: Calibration;
  /** Images that could not be read, and why; they were left out. */
  readonly unread: readonly { readonly file: string; readonly reason: string }[];
  /** The words it started from and is compared with. */
  readonly startedFrom: PerceptualMode;
}

/** Calls about calibrations; part of `RefineWorkerApi`. All need a pack for the maps unless said otherwise. */
export interface CalibrationApi {
  /** Measures and learns; keeps nothing. Throws TableError, ImageError, PackMissingError. */
  calibrate(job: CalibrationJob, onProgress: (progress: CalibrationProgress) => void): Promise<CalibrationOutcome>;
  /** Those kept on this machine, the newest first; also without a pack. */
  listCalibrations(): Promise<readonly CalibrationSummary[]>;
  saveCalibration(calibration: Calibration): Promise<CalibrationSummary>;
  /** Throws TableError where the file is none, or made with another CLIP than the one in use. */
  importCalibration(file: File): Promise<CalibrationSummary>;
  /** Also without a pack. */
  exportCalibration(id: string): Promise<Blob>;
  /** Also without a pack. */
  deleteCalibration(id: string): Promise<void>;
}
