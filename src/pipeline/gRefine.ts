/**
 * The whole story (G-Refine): an image and its prompt become two maps; where they find something bad, stage 1 repaints it from
 * the emphasised prompt and stage 2 restores gently; a gate after each keeps what got better.
 */
import { cropImage } from '../image/cropImage.ts';
import type { RgbaImage } from '../image/rgbaImage.ts';
import { emphasisedPrompt } from '../prompt/emphasis.ts';
import { lastGoodVersion, overallQuality, percents } from '../refine/balanceGate.ts';
import { isUserError, largestRestarts } from '../refine/denoiseImage.ts';
import type { RefineSettings } from '../refine/refineSettings.ts';
import { defectGrid, repairRegions } from '../refine/repairMask.ts';
import { type AnalysisJob, analyse, defaultAnalysisSettings } from './analyse.ts';
import type { AnalysisResult, AnalysisSettings } from './analysis.ts';
import type { DiffusionModel } from './diffusionPorts.ts';
import type { RefineEvent, RefineResult, RefineStage, RegionOutcome } from './refinement.ts';
import { type RefineProgress, refineProgress } from './refineProgress.ts';
import { repaintStage, restoreStage, type StageJob, type Version } from './refineStages.ts';

/** What a refinement needs: what an analysis does, the models, and how to use them. */
export interface GRefineJob extends Omit<AnalysisJob, 'settings' | 'onEvent' | 'signal'> {
  readonly analysisSettings?: AnalysisSettings;
  /** For stage 1; null: it is skipped, with a hint. */
  readonly inpainting: DiffusionModel | null;
  /** For stage 2; null: it is skipped, with a hint. */
  readonly restoration: DiffusionModel | null;
  readonly settings: RefineSettings;
  /** 0..2^53−1. */
  readonly seed: number;
  /** Which of several seeds this is, from 0; told with every step. */
  readonly seedIndex?: number;
  readonly onEvent?: (event: RefineEvent) => void;
  /** Looked at between all steps. */
  readonly signal?: { readonly aborted: boolean };
  /** Awaited between pieces of long work on the CPU, so that a cancel can arrive. */
  readonly pause?: () => Promise<void>;
}

/** A refinement and its pixels; null: they are the input's. */
export interface Refined extends RefineResult {
  readonly image: RgbaImage | null;
}

/**
 * Refines one image with one seed. The input is never written to.
 *
 * @throws AbortError once `signal.aborted` is set; UserError: whatever the models throw once falling back did not help;
 *   RangeError for settings no schedule exists for
 */
export async function gRefine(job: GRefineJob): Promise<Refined> {
  const { settings, prompt } = job;
  const progress = refineProgress(job);

  const before = await maps(job.image, 'analyse', { job, progress });
  const regions = repairRegions(before, { threshold: settings.maskThreshold });
  const emphasised = before.alignment ? emphasisedPrompt(prompt, before.alignment.phrases) : prompt;
  if (regions.length === 0 || overallQuality(before) > settings.goodEnough) {
    progress.notice(nothingToRepair(regions.length));
    return resultOf(job, { outcome: 'nothingToRepair', before, emphasised, progress });
  }

  const original: Version = { image: inMemory(job.image), analysis: before, defect: defectGrid(before), stage: null };
  const versions = [original];
  const outcomes: RegionOutcome[] = [];
  for (const [model, runStage] of stages(job, progress)) {
    const stageJob: StageJob = {
      model,
      emphasised,
      negative: negativePrompt(settings.negativePrompt, before),
      settings,
      seed: job.seed,
      regions,
      progress,
      analyseAgain: (image) => maps(image, 'analyseAgain', { job, progress }),
    };
    const known = model.fallbacks?.length ?? 0;
    const result = await runStage(versions.at(-1) as Version, stageJob);
    for (const { text } of model.fallbacks?.slice(known) ?? []) progress.notice(text);
    outcomes.push(...result.outcomes);
    if (result.version) versions.push(result.version);
  }

  progress.step('gate', 0, 1);
  const kept = lastGoodVersion(
    versions.map(({ analysis }) => overallQuality(analysis)),
    settings.gateTolerance,
  );
  const dropped = versions.slice(kept + 1);
  const decided = outcomes.map((outcome) => dropOutcome(outcome, { dropped, original }));
  progress.step('gate', 1, 1);
  const { image, analysis } = versions[kept] as Version;
  if (kept === 0 || samePixels(image, original.image)) {
    progress.notice(`Nothing that was tried is better than the original, so it stays as it is.`);
    return resultOf(job, { outcome: 'rejected', before, outcomes: decided, emphasised, progress });
  }
  return resultOf(job, { outcome: 'refined', before, after: analysis, outcomes: decided, emphasised, progress, image });
}

/** "a street without cars" says what is not to be painted [ours]: diffusion models read no negation in a prompt. */
function negativePrompt(written: string, { alignment }: AnalysisResult): string {
  const absent = (alignment?.phrases ?? []).filter(({ phrase }) => phrase.negated).map(({ phrase }) => phrase.text);
  return [written, ...absent].filter((part) => part.trim() !== '').join(', ');
}

function nothingToRepair(regionCount: number): string {
  return regionCount === 0
    ? 'Nothing to repair: no part of the image is below the threshold.'
    : 'Nothing to repair: the image as a whole is good enough.';
}

type RunStage = typeof repaintStage;

/** The stages that can run, in order; says why another cannot. */
function stages(
  { inpainting, restoration, settings }: GRefineJob,
  progress: RefineProgress,
): [DiffusionModel, RunStage][] {
  const all: [string, DiffusionModel | null, boolean, RunStage][] = [
    ['Repainting', inpainting, settings.stage1.enabled, repaintStage],
    ['Restoring', restoration, settings.stage2.enabled, restoreStage],
  ];
  return all.flatMap(([deed, model, enabled, run]): [DiffusionModel, RunStage][] => {
    if (enabled && model) return [[model, run]];
    progress.notice(
      enabled ? `${deed} was left out: no model for it is installed.` : `${deed} was left out: it is switched off.`,
    );
    return [];
  });
}

/** The maps of an image, once more on a new device where the old one is lost. */
async function maps(
  image: AnalysisJob['image'],
  stage: Extract<RefineStage, 'analyse' | 'analyseAgain'>,
  { job, progress }: { readonly job: GRefineJob; readonly progress: RefineProgress },
): Promise<AnalysisResult> {
  const { onEvent, signal } = job;
  progress.step(stage, 0, 1);
  for (let restarts = 0; ; restarts++) {
    try {
      const result = await analyse({
        ...job,
        // Features are remembered by object, and the story goes on painting into its images.
        image: stage === 'analyse' ? image : { ...image },
        settings: analysisSettings(job, progress),
        onEvent: (event) => {
          if (stage === 'analyse') onEvent?.({ type: 'before', event });
        },
        ...(signal && { signal }),
      });
      progress.step(stage, 1, 1);
      return result;
    } catch (error) {
      if (!isUserError(error, 'DeviceLostError') || restarts >= largestRestarts) throw error;
      progress.notice(`The GPU was lost (${error.message}). The maps are computed again on a new one.`);
    }
  }
}

/** The released code's map is relative: it would find something bad in any image. */
function analysisSettings(
  { analysisSettings: given }: GRefineJob,
  { hints, notice }: RefineProgress,
): AnalysisSettings {
  const settings = given ?? defaultAnalysisSettings;
  if (settings.perceptualMode !== 'released') return settings;
  const text = 'The released map shows only what is worst within an image; the refiner measures with the absolute one.';
  if (!hints.includes(text)) notice(text);
  return { ...settings, perceptualMode: 'auto' };
}

/** The whole image: an image that is read in bands may be closed while the models work. */
function inMemory(image: AnalysisJob['image']): RgbaImage {
  return 'rows' in image ? cropImage(image, { x: 0, y: 0, width: image.width, height: image.height }) : image;
}

/** What a stage had kept is gone where the image as a whole got no better by it. */
function dropOutcome(
  outcome: RegionOutcome,
  { dropped, original }: { readonly dropped: readonly Version[]; readonly original: Version },
): RegionOutcome {
  const version = dropped.find(({ stage }) => stage === outcome.stage);
  if (!version || !outcome.kept) return outcome;
  const [now, then] = percents(overallQuality(version.analysis), overallQuality(original.analysis));
  return {
    ...outcome,
    kept: false,
    reason: `Better here, but not for the image as a whole: ${now} of 100, ${now === then ? 'as' : `${then} in`} the original.`,
  };
}

function samePixels({ data: a }: RgbaImage, { data: b }: RgbaImage): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function resultOf(
  { settings, seed, clip, inpainting, restoration }: GRefineJob,
  {
    outcome,
    before,
    after = before,
    outcomes = [],
    emphasised,
    progress,
    image = null,
  }: {
    readonly outcome: RefineResult['outcome'];
    readonly before: AnalysisResult;
    readonly after?: AnalysisResult;
    readonly outcomes?: readonly RegionOutcome[];
    readonly emphasised: string;
    readonly progress: RefineProgress;
    readonly image?: RgbaImage | null;
  },
): Refined {
  return {
    outcome,
    before,
    after,
    regions: outcomes,
    emphasisedPrompt: emphasised,
    seed,
    settings,
    models: {
      maps: clip.modelName,
      inpainting: inpainting?.modelName ?? null,
      restoration: restoration?.modelName ?? null,
    },
    hints: [...progress.hints],
    image,
  };
}
