import type { AlignmentResult, PerceptualMode, PerceptualResult } from '../quality/qualityResults.ts';

/** Stages of an analysis, in order, for honest progress. */
export type AnalysisStage = 'decode' | 'loadModel' | 'preprocess' | 'encodeImage' | 'encodeWords' | 'encodePhrases';

/** What an analysis tells while it runs; every result is told as soon as it is ready. */
export type AnalysisEvent =
  | { readonly type: 'stage'; readonly stage: AnalysisStage; readonly done: number; readonly total: number }
  | { readonly type: 'perceptual'; readonly result: PerceptualResult }
  | { readonly type: 'alignment'; readonly result: AlignmentResult };

/** The whole analysis of one image; plain data that crosses a worker boundary. */
export interface AnalysisResult {
  readonly modelName: string;
  readonly imageWidth: number;
  readonly imageHeight: number;
  readonly prompt: string;
  readonly perceptual: PerceptualResult;
  /** Null where the prompt holds nothing that can be looked for; `hints` says so. */
  readonly alignment: AlignmentResult | null;
  /** Sentences for the user: what was done differently than expected and why. */
  readonly hints: readonly string[];
  readonly settings: AnalysisSettings;
}

/** Everything that decides an analysis besides image, prompt and model. Defaults: `analyse.ts`. */
export interface AnalysisSettings {
  /** Side in pixels the image is encoded at, one of the model's `imageSizes`; null: chosen by `analyse`. */
  readonly imageSize: number | null;
  /** `auto`: learned contexts where they fit the model, written words otherwise. */
  readonly perceptualMode: PerceptualMode | 'auto';
  /** Which calibration, for `calibrated`; by name for people, by id for the machine it is on. */
  readonly calibration?: { readonly id: string; readonly name: string } | null;
  /** T_n: a noun scoring below is missing, 0..1. */
  readonly nounThreshold: number;
  /** T_p: a phrase scoring below, its noun being there, has a wrong attribute, 0..1. */
  readonly phraseThreshold: number;
  /** B_a of eq. 8, 0..1. */
  readonly alignmentBound: number;
  /** τ: pixels whose merged defect D exceeds it belong to the mask, 0..1. */
  readonly maskThreshold: number;
}
