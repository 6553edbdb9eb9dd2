/** Results of a refinement, as plain data that crosses a worker boundary. */
import type { RefineSettings } from '../refine/refineSettings.ts';
import type { AnalysisEvent, AnalysisResult } from './analysis.ts';
import type { StrategyId } from './strategy.ts';

/** Stages of a refinement, in order. `decodeLatents` and `encodeLatents` are part of their stage. */
export type RefineStage = 'analyse' | 'inpaint' | 'restore' | 'analyseAgain' | 'gate';

/** What a refinement tells while it runs. */
export type RefineEvent =
  | { readonly type: 'before'; readonly event: AnalysisEvent }
  | { readonly type: 'loading'; readonly model: string; readonly doneBytes: number; readonly totalBytes: number }
  | {
      readonly type: 'step';
      readonly stage: RefineStage;
      /** Steps done and to do in this stage, over all its regions or tiles. */
      readonly done: number;
      readonly total: number;
      /** Which of the seeds is at work, from 0. */
      readonly seedIndex: number;
    }
  | {
      /** A rough picture of the latents at work, and the part of the image it shows, in the image's pixels. */
      readonly type: 'preview';
      readonly place: PixelRectangle;
      readonly width: number;
      readonly height: number;
      /** `[height, width, 4]`, sRGB, alpha 255. */
      readonly rgba: Uint8ClampedArray<ArrayBuffer>;
    }
  | { readonly type: 'notice'; readonly text: string };

export interface PixelRectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** One place that was worked on, and what the balance gate decided about it; without a gate everything is kept. */
export interface RegionOutcome {
  readonly place: PixelRectangle;
  readonly stage: 'inpaint' | 'restore';
  /** Mean quality 1 − D over the region, 0..1. */
  readonly before: number;
  readonly after: number;
  readonly kept: boolean;
  /** Why it was rejected, as a sentence; null where kept. */
  readonly reason: string | null;
  /** What it was painted from, weights in brackets. Absent: the prompt that everything was painted with. */
  readonly text?: string;
}

/** A finished refinement of one image with one seed. */
export interface RefineResult {
  /** What made it. */
  readonly strategy: StrategyId;
  /**
   * `refined`: changed; better than the original where the strategy has a gate, else as it came out, which may be worse.
   * `nothingToRepair`: the mask was empty or the image good enough; pixels are the
   * input's. `rejected`: nothing it tried was better; pixels are the input's.
   */
  readonly outcome: 'refined' | 'nothingToRepair' | 'rejected';
  readonly before: AnalysisResult;
  /** The same as `before` where no pixel changed. */
  readonly after: AnalysisResult;
  readonly regions: readonly RegionOutcome[];
  /** The prompt that was painted with: P′ (eq. 7) where the strategy emphasises. */
  readonly emphasisedPrompt: string;
  readonly seed: number;
  readonly settings: RefineSettings;
  readonly models: { readonly maps: string; readonly inpainting: string | null; readonly restoration: string | null };
  /** Sentences for the user: what fell back and why. */
  readonly hints: readonly string[];
}
