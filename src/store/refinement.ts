import type { RefinedImage } from '../bridge/protocol.ts';
import type { AnalysisResult } from '../pipeline/analysis.ts';
import type { RefineResult } from '../pipeline/refinement.ts';
import type { StrategyId } from '../pipeline/strategy.ts';
import type { HandMask } from '../refine/handMask.ts';
import type { RefineSettings } from '../refine/refineSettings.ts';
import type { Problem } from './problem.ts';
import type { HistoryEntry, RefineHistory } from './refineHistory.ts';

/** One seed's outcome. The pixels stay in the compressed file: the store holds no pixel arrays. */
export interface Variant {
  readonly result: RefineResult;
  /** PNG; null: the pixels are the input's. */
  readonly file: File | null;
  /** What the stage draws where the file is too large for the page; null: the file itself. */
  readonly preview: ImageBitmap | null;
}

/** One finished refinement that changed the picture. */
export interface Refinement extends HistoryEntry {
  /** In the order of their seeds; at least one has a file. */
  readonly variants: readonly Variant[];
  /** Index of the variant that scores best. */
  readonly best: number;
  /** Index of the variant that is shown, saved and refined further. */
  readonly kept: number;
  /** Milliseconds since 1970. */
  readonly finishedAt: number;
  /** Milliseconds it took. */
  readonly took: number;
}

/** A finished refinement that changed nothing: nothing was bad, or nothing it tried was better. */
export interface UnchangedReport {
  readonly outcome: 'nothingToRepair' | 'rejected';
  /** What it started from. */
  readonly parent: HistoryEntry['parent'];
  readonly results: readonly RefineResult[];
}

/** What was asked for: kept until the job has ended well, so that it can be run again. */
export interface RefineRequest {
  readonly parent: HistoryEntry['parent'];
  readonly prompt: string;
  readonly strategy: StrategyId;
  /** What the user drew, where the strategy repaints that. */
  readonly handMask: HandMask | null;
  readonly settings: RefineSettings;
  readonly seeds: readonly number[];
}

/** What is being done about repairing an image. */
export type RefinementJob =
  | { readonly state: 'idle' }
  | { readonly state: 'waiting'; readonly request: RefineRequest }
  | {
      readonly state: 'refining';
      readonly request: RefineRequest;
      readonly jobId: string;
      /** `performance.now()` at the start. */
      readonly startedAt: number;
      readonly cancelling: boolean;
    }
  | { readonly state: 'failed'; readonly request: RefineRequest; readonly problem: Problem };

/** Everything about repairing one image. */
export interface Refinements {
  readonly job: RefinementJob;
  readonly history: RefineHistory<Refinement>;
  /** The latest refinement where it changed nothing; null: it changed something, or was dismissed. */
  readonly unchanged: UnchangedReport | null;
}

/** Of an image that was never refined. */
export const NO_REFINEMENTS: Refinements = {
  job: { state: 'idle' },
  history: { entries: [], currentId: null, visited: [] },
  unchanged: null,
};

/** Q_P · Q_A, 0..1: what variants are compared by; Q_P alone without a usable prompt. */
export function combinedScore({ perceptual, alignment }: AnalysisResult): number {
  return perceptual.score * (alignment?.score ?? 1);
}

/** The variant that is shown, saved and refined further. */
export function keptVariant({ variants, kept }: Refinement): Variant {
  return variants[kept] as Variant;
}

/** Index of the best variant that changed something; null: none did. */
export function bestVariant(images: readonly Pick<RefinedImage, 'result' | 'image'>[]): number | null {
  let best: number | null = null;
  let highest = Number.NEGATIVE_INFINITY;
  images.forEach(({ result, image }, i) => {
    if (image === null || result.outcome !== 'refined') return;
    const score = combinedScore(result.after);
    if (score > highest) {
      best = i;
      highest = score;
    }
  });
  return best;
}

/** A name for the picture after a file's: `dog.png` gives `dog-refined`. */
export function refinedName(original: string): string {
  return `${original.replace(/\.[^.]+$/, '') || 'image'}-refined`;
}
