/** What all strategies do with their job: measure, and tell what came out. */
import { cropImage } from '../image/cropImage.ts';
import type { RgbaImage } from '../image/rgbaImage.ts';
import { isUserError, largestRestarts } from '../refine/denoiseImage.ts';
import { defectGrid, type RepairRegion, regionQuality } from '../refine/repairMask.ts';
import { type AnalysisJob, analyse, defaultAnalysisSettings } from './analyse.ts';
import type { AnalysisResult, AnalysisSettings } from './analysis.ts';
import type { DiffusionModel } from './diffusionPorts.ts';
import type { RefineResult, RefineStage, RegionOutcome } from './refinement.ts';
import type { RefineProgress } from './refineProgress.ts';
import type { Refined, StrategyId, StrategyJob } from './strategy.ts';

/** The maps of an image, once more on a new device where the old one is lost. */
export async function measure(
  image: AnalysisJob['image'],
  stage: Extract<RefineStage, 'analyse' | 'analyseAgain'>,
  { job, progress }: { readonly job: StrategyJob; readonly progress: RefineProgress },
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
  { analysisSettings: given }: StrategyJob,
  { hints, notice }: RefineProgress,
): AnalysisSettings {
  const settings = given ?? defaultAnalysisSettings;
  if (settings.perceptualMode !== 'released') return settings;
  const text = 'The released map shows only what is worst within an image; the refiner measures with the absolute one.';
  if (!hints.includes(text)) notice(text);
  return { ...settings, perceptualMode: 'auto' };
}

/** The whole image: an image that is read in bands may be closed while the models work. */
export function inMemory(image: AnalysisJob['image']): RgbaImage {
  return 'rows' in image ? cropImage(image, { x: 0, y: 0, width: image.width, height: image.height }) : image;
}

/** Does some work with a model, and tells what that did for want of memory meanwhile. */
export async function tellingFallbacks<T>(
  model: Pick<DiffusionModel, 'fallbacks'>,
  { notice }: Pick<RefineProgress, 'notice'>,
  work: () => Promise<T>,
): Promise<T> {
  const known = model.fallbacks?.length ?? 0;
  const result = await work();
  for (const { text } of model.fallbacks?.slice(known) ?? []) notice(text);
  return result;
}

/**
 * What became of the places worked on where nothing is judged: their mean quality 1 − D before and after, all of it kept.
 *
 * @param regions null: the whole image
 */
export function outcomesOf(
  regions: readonly RepairRegion[] | null,
  {
    stage,
    ...measured
  }: {
    readonly stage: RegionOutcome['stage'];
    readonly before: AnalysisResult;
    readonly after: AnalysisResult;
  },
): readonly RegionOutcome[] {
  const [before, after] = [defectGrid(measured.before), defectGrid(measured.after)];
  const rest = { stage, kept: true, reason: null };
  if (regions) {
    return regions.map((region) => ({
      ...rest,
      place: region.place,
      before: regionQuality([region], before),
      after: regionQuality([region], after),
    }));
  }
  const mean = ({ values }: typeof before) => 1 - values.reduce((sum, value) => sum + value, 0) / values.length;
  const place = { x: 0, y: 0, width: measured.before.imageWidth, height: measured.before.imageHeight };
  return [{ ...rest, place, before: mean(before), after: mean(after) }];
}

/** What became of a job, as its result has it. */
export function resultOf(
  { settings, seed, clip, inpainting, restoration }: StrategyJob,
  {
    strategy,
    outcome,
    before,
    after = before,
    outcomes = [],
    emphasised,
    progress,
    image = null,
  }: {
    readonly strategy: StrategyId;
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
    strategy,
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
