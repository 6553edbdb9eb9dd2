/**
 * The contract between the page and its workers: types only, no code. The workers `satisfies` these interfaces; the page
 * reaches them through `client.ts` alone. An `AbortSignal` does not cross to a worker: a job is cancelled by `cancel(jobId)`.
 * Callbacks are comlink proxies. Errors arrive with `name` (see `errors.ts`) and `message`.
 */

import type { GenerationMetadata } from '../image/metadata/generationMetadata.ts';
import type { AnalysisEvent, AnalysisResult, AnalysisSettings } from '../pipeline/analysis.ts';
import type { BeforeAndAfter, ComputedMeasures } from '../pipeline/imageMeasures.ts';
import type { RefineEvent, RefineResult } from '../pipeline/refinement.ts';
import type { StrategyId } from '../pipeline/strategy.ts';
import type { HandMask } from '../refine/handMask.ts';
import type { RefineSettings } from '../refine/refineSettings.ts';
import type { RuntimeStatus, Tier } from '../runtime/status.ts';
import type { PackSummary } from '../storage/packManifest.ts';
import type { CalibrationApi } from './calibrationProtocol.ts';

export type { PackSummary };

/** Bytes done of bytes to do, in one named stage of a longer job. What was done on an earlier visit counts as done. */
export interface ByteProgress {
  /** `wait`: until another job ends, which `item` names where it is known; then no bytes are told. */
  readonly stage: 'wait' | 'download' | 'compile' | 'check' | 'copy' | 'load';
  /** The file or model at work; shown. */
  readonly item: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** What opening an image file tells before anything is analysed. */
export interface OpenedImage {
  readonly width: number;
  readonly height: number;
  /** Upright, sRGB, over white; at most `PREVIEW_SIDE` px a side: what the strip and the stage of huge images draw. */
  readonly preview: ImageBitmap;
  /** What the generator wrote into the file; null where it carries nothing. */
  readonly metadata: GenerationMetadata | null;
  /** Sentences for the user, e.g. that the metadata is damaged. */
  readonly hints: readonly string[];
}

/** What a long list shows of an image. */
export interface ImageSummary {
  readonly width: number;
  readonly height: number;
  /** JPEG, upright, sRGB, over white. */
  readonly thumbnail: Blob;
  /** Null where the file carries nothing. */
  readonly metadata: GenerationMetadata | null;
}

/** One heatmap to paint at full size for export. */
export interface HeatmapExport {
  readonly jobId: string;
  readonly map: { readonly gridWidth: number; readonly gridHeight: number; readonly values: Float32Array };
  readonly width: number;
  readonly height: number;
  readonly scale: 'absolute' | 'relative';
}

/** One image to refine, once per seed. */
export interface RefineJob {
  readonly jobId: string;
  /** The image as dropped, or an earlier result's. */
  readonly file: File;
  readonly prompt: string;
  readonly strategy: StrategyId;
  /** What the user drew, for `inpaintingByHand`; null: nothing. */
  readonly handMask: HandMask | null;
  readonly analysis: AnalysisSettings;
  readonly settings: RefineSettings;
  /** At least one; 0..2^53-1. The results come in this order. */
  readonly seeds: readonly number[];
}

/** What became of one seed. */
export interface RefinedImage {
  readonly result: RefineResult;
  /** PNG, 8 bit, lossless, without metadata: to show, to refine again, to save from. Null: the pixels are the input's. */
  readonly image: Blob | null;
}

/** One picture to measure beyond its maps. */
export interface MeasureImageJob {
  readonly jobId: string;
  readonly file: File;
  /** The picture before refining; null: `file` is one. */
  readonly input: File | null;
  readonly prompt: string;
  /** As in the analysis' settings. */
  readonly imageSize: number | null;
}

/** A finished picture to write to disk. */
export interface SaveRequest {
  readonly jobId: string;
  /** The pixels: a {@link RefinedImage}'s, or the original. */
  readonly image: Blob;
  /** Its metadata is kept byte for byte. */
  readonly original: File;
  readonly format: 'png' | 'jpeg' | 'webp';
  /** 0..1, for JPEG and WebP. */
  readonly quality: number;
  /** The `g-refine` record: every result between the original and the picture, oldest first. */
  readonly results: readonly RefineResult[];
  /** What was measured besides the maps, of the original and of the picture; null: nothing was. */
  readonly measured: BeforeAndAfter | null;
}

/** GPU memory that models may take. */
export interface MemoryBudget {
  readonly bytes: number;
  /** What would be chosen without the user. */
  readonly automaticBytes: number;
}

/** The worker that owns the runtime, the GPU and the pipeline. */
export interface RefineWorkerApi extends CalibrationApi {
  /** Detects tiers, self-tests and picks one. Call once before anything else; `preferred` is tried first. */
  start(preferred: Tier | null): Promise<RuntimeStatus>;
  /** Changes the tier; the open pack is loaded again on its next use. Throws TierUnavailableError. */
  selectTier(tier: Tier): Promise<RuntimeStatus>;
  /** Calls `onLost` with a sentence each time the GPU device is lost; the next job starts on a new device. */
  watchDevice(onLost: (reason: string) => void): Promise<void>;
  /** Makes the pack the one of its kind in use. Models load on first use. Throws PackMissingError, StorageError. */
  usePack(packId: string): Promise<PackSummary>;
  /** Memory that models may take together before those not in use leave; null: automatic. */
  setMemoryBudget(bytes: number | null): Promise<MemoryBudget>;
  /** Reads header, pixels and metadata of an image file. Throws ImageError. */
  openImage(file: File): Promise<OpenedImage>;
  /** As `openImage`, with no more of the picture than a thumbnail of at most `side` px a side. Throws ImageError. */
  summariseImage(file: File, side: number): Promise<ImageSummary>;
  /** Frees the pixels of an image that were kept for its next job; one that comes all the same decodes it again. */
  releaseImage(file: File): Promise<void>;
  /** Runs the maps; results are told through `onEvent` as soon as they are ready. */
  analyse(
    job: { readonly jobId: string; readonly file: File; readonly prompt: string; readonly settings: AnalysisSettings },
    onEvent: (event: AnalysisEvent) => void,
  ): Promise<AnalysisResult>;
  /** Measures a picture: CLIP-IQA and CLIPScore where a pack of maps is in use, and what needs no model. Throws ImageError. */
  measure(job: MeasureImageJob): Promise<ComputedMeasures>;
  /** Paints a heatmap as PNG at the image's size. */
  exportHeatmap(request: HeatmapExport): Promise<Blob>;
  /**
   * Refines an image once per seed with the strategy chosen. G-Refine: maps, stage 1, stage 2, maps again, balance gate; without
   * `restoration` stage 2 is skipped, and without `inpainting` stage 1, with a hint. Throws PackMissingError where a model that
   * the strategy needs is not there (`pipeline/strategy.ts`), or no `maps`.
   */
  refine(job: RefineJob, onEvent: (event: RefineEvent) => void): Promise<readonly RefinedImage[]>;
  /** Writes a picture with the original's metadata and our record. Throws ImageError. */
  saveImage(request: SaveRequest): Promise<Blob>;
  /** Stops a job at its next step; its promise rejects with AbortError. Unknown ids are ignored. */
  cancel(jobId: string): Promise<void>;
}
