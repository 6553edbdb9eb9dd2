import type { MeasureId } from '../measures/measures.ts';
import type { AnalysisSettings } from '../pipeline/analysis.ts';
import type { StrategyId } from '../pipeline/strategy.ts';
import type { RefineSettings } from '../refine/refineSettings.ts';

/** One image of a batch: where it lies, and by what its file is known again after a reload. */
export interface BatchImage {
  /** Inside the folder, with `/`, e.g. `cats/01.png`; among loose files the name. No two are the same. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** What a list beside the images says; null: no list names it. */
  readonly prompt: string | null;
}

/** What is done with every image. */
export type BatchWork =
  | { readonly kind: 'analyse' }
  | {
      readonly kind: 'refine';
      readonly strategy: StrategyId;
      readonly settings: RefineSettings;
      /** 0..2^32-1; the same for every image, so that a run can be repeated. */
      readonly seed: number;
    };

/** One pass over all images. */
export interface BatchTask {
  /** Unique in its batch; part of the names of its files: letters, digits and hyphens. */
  readonly id: string;
  /** As shown. */
  readonly title: string;
  readonly work: BatchWork;
  readonly analysis: AnalysisSettings;
  /** `maps`: what the maps give; `all`: also what is computed besides, which takes longer. */
  readonly measures: 'maps' | 'all';
}

/** An error as it is kept: its `name` (see `errors.ts`) and message. */
export interface BatchProblem {
  readonly name: string;
  readonly message: string;
}

/** Values by measure; what is missing was not measured. */
export type BatchValues = Readonly<Partial<Record<MeasureId, number>>>;

/** What came out of one image. */
export interface BatchResult {
  readonly width: number;
  readonly height: number;
  readonly prompt: string;
  /** `list`: a list beside the images; `file`: the image's own metadata; `typed`: what was typed for images without. */
  readonly promptFrom: 'list' | 'file' | 'typed' | 'none';
  /** The model of the maps. */
  readonly model: string;
  /** `analysed`: nothing else was asked for. Else as of `RefineResult`. */
  readonly outcome: 'analysed' | 'refined' | 'nothingToRepair' | 'rejected';
  readonly before: BatchValues;
  /** Null: only analysed. */
  readonly after: BatchValues | null;
  /** Regions tried, and those that were kept; null: only analysed. */
  readonly regions: { readonly tried: number; readonly kept: number } | null;
  /** Sentences for the user. */
  readonly hints: readonly string[];
}

/** How a task ended with an image. */
export type BatchOutcome =
  | {
      readonly state: 'done';
      readonly result: BatchResult;
      /** Milliseconds it took. */
      readonly took: number;
      /** Milliseconds since 1970. */
      readonly finishedAt: number;
    }
  | { readonly state: 'failed'; readonly problem: BatchProblem; readonly finishedAt: number }
  | { readonly state: 'skipped' };

/** State of an image in a task. */
export type BatchState = BatchOutcome['state'] | 'waiting' | 'working';
