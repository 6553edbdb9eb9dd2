/**
 * The two stages of the refiner, each with its gate: paint, look again, and keep what got better.
 */
import type { RgbaImage } from '../image/rgbaImage.ts';
import { fallenRegions, type GatedRegion, gateRegions, gateWhole } from '../refine/balanceGate.ts';
import { blendRegion, restoreRegion } from '../refine/blendRegion.ts';
import { interruptible } from '../refine/interruptible.ts';
import { pasdPrompts } from '../refine/pasdPrompts.ts';
import type { RefineSettings } from '../refine/refineSettings.ts';
import { regionPrompt } from '../refine/regionPrompt.ts';
import { repaintRegions } from '../refine/repaintRegions.ts';
import { type DefectGrid, defectGrid, type RepairRegion } from '../refine/repairMask.ts';
import { restoreImage } from '../refine/restoreImage.ts';
import { withPrompts } from '../refine/stagePrompts.ts';
import type { AnalysisResult } from './analysis.ts';
import type { DiffusionModel } from './diffusionPorts.ts';
import type { RegionOutcome } from './refinement.ts';
import type { RefineProgress } from './refineProgress.ts';

/** The image at some point of the story. */
export interface Version {
  readonly image: RgbaImage;
  readonly analysis: AnalysisResult;
  /** What of the analysis decides: all of it, but for an ablation. */
  readonly seen: AnalysisResult;
  /** D of what is seen. */
  readonly defect: DefectGrid;
  /** What made it; null: the original. */
  readonly stage: RegionOutcome['stage'] | null;
}

/** What a stage needs besides the image. */
export interface StageJob {
  readonly model: DiffusionModel;
  /** As typed. */
  readonly prompt: string;
  /** P′ (eq. 7), in the syntax that weights prompts. */
  readonly emphasised: string;
  /** What is not to be painted: the user's words, and what the prompt says is absent. */
  readonly negative: string;
  readonly settings: RefineSettings;
  readonly seed: number;
  /** What of the merged mask this stage is to mend: for stage 2, where there was a stage 1, what that repaired or left to it. */
  readonly regions: readonly RepairRegion[];
  readonly progress: RefineProgress;
  /** Maps of an image of the story, told as `analyseAgain`. */
  readonly analyseAgain: (image: RgbaImage) => Promise<AnalysisResult>;
  /** What decides, of what was measured. */
  readonly sees: (analysis: AnalysisResult) => AnalysisResult;
}

/** What became of a stage. */
export interface StageResult {
  /** Null: everything it did was rejected. */
  readonly version: Version | null;
  readonly outcomes: readonly RegionOutcome[];
  /** Where something of it was kept; of a region, no more than has new pixels. */
  readonly kept: readonly RepairRegion[];
}

/** Stage 1 and its gate: regions that got worse have their old pixels back, byte for byte. */
export async function repaintStage(before: Version, job: StageJob): Promise<StageResult> {
  const { settings, seed, regions, progress } = job;
  if (regions.length === 0) {
    progress.notice(
      'Repainting was left out: what is bad here is only worn or of wrong colours, which is restored instead.',
    );
    return { version: null, outcomes: [], kept: [] };
  }
  const report = progress.report('inpaint');
  const model = interruptible(job.model, report);
  const texts = new Map(regions.map((region) => [region, regionText(region, before.seen, job)] as const));
  const { image, parts } = await withPrompts(
    model,
    { positive: job.emphasised, negative: job.negative, guidanceScale: settings.stage1.guidanceScale },
    (prompts) =>
      repaintRegions(before.image, {
        model,
        prompts,
        settings: settings.stage1,
        regions,
        defect: before.defect,
        textOf: (region) => texts.get(region) ?? job.emphasised,
        seed,
        report,
      }),
  );
  const after = await versionOf(image, 'inpaint', job);
  const gated = gateRegions(regions, gateOptions(before, after, job)).map(({ region, outcome }): GatedRegion => {
    const text = texts.get(region);
    return { region, outcome: text === undefined ? outcome : { ...outcome, text } };
  });
  const settled = await settle(after, job, {
    gated,
    undo: ({ region }) => restoreRegion(image, { region, old: before.image }),
  });
  return { ...settled, kept: settled.kept.map((region) => parts.get(region) ?? region) };
}

/** What a region alone is told; undefined: P′. */
function regionText(
  region: RepairRegion,
  { alignment }: AnalysisResult,
  { prompt, settings }: StageJob,
): string | undefined {
  if (settings.stage1.text === 'prompt' || !alignment) return undefined;
  return regionPrompt(region, { alignment, prompt }) ?? undefined;
}

/** Stage 2 and its gate: where quality fell, the pixels before it are back, with a soft edge where it reached the whole image. */
export async function restoreStage(before: Version, job: StageJob): Promise<StageResult> {
  const { settings, seed, progress } = job;
  const regions = settings.stage2.reach === 'whole' ? null : job.regions;
  if (regions?.length === 0) {
    progress.notice('Restoring was left out: nothing was repainted that it could go over.');
    return { version: null, outcomes: [], kept: [] };
  }
  const report = progress.report('restore');
  const model = interruptible(job.model, report);
  const image = await withPrompts(
    model,
    {
      ...pasdPrompts({ positive: job.emphasised, negative: job.negative }),
      guidanceScale: settings.stage2.guidanceScale,
    },
    (prompts) =>
      restoreImage(before.image, {
        model,
        prompts,
        settings: settings.stage2,
        recoloured:
          settings.stage2.recolours === 'unnatural' ? job.regions.filter(({ fault }) => fault === 'naturalness') : [],
        seed,
        regions,
        report,
      }),
  );
  const after = await versionOf(image, 'restore', job);
  const options = gateOptions(before, after, job);
  if (regions) {
    const gated = gateRegions(regions, options);
    return settle(after, job, {
      gated,
      undo: ({ region }) => restoreRegion(image, { region, old: before.image }),
    });
  }
  const fallen = fallenRegions({ ...options, image });
  const whole = gateWhole(fallen, { ...options, image });
  if (!whole.kept) return settle(after, job, { gated: [], outcomes: [whole], undo: () => {} });
  const window = { x: 0, y: 0, width: image.width, height: image.height };
  return settle(after, job, {
    gated: fallen,
    outcomes: [whole, ...fallen.map(({ outcome }) => outcome)],
    undo: ({ region }) => blendRegion(image, { region, patch: before.image, window }),
  });
}

async function versionOf(
  image: RgbaImage,
  stage: RegionOutcome['stage'],
  { analyseAgain, sees }: StageJob,
): Promise<Version> {
  const analysis = await analyseAgain(image);
  const seen = sees(analysis);
  return { image, analysis, seen, defect: defectGrid(seen), stage };
}

function gateOptions(before: Version, after: Version, { settings }: StageJob) {
  const stage = after.stage ?? 'inpaint';
  const tolerance = stage === 'inpaint' ? -settings.stage1.leastGain : settings.gateTolerance;
  return { stage, before: before.defect, after: after.defect, tolerance };
}

/** Undoes what was rejected and, where something is left of the stage, looks once more at what that makes. */
async function settle(
  after: Version,
  job: StageJob,
  {
    gated,
    outcomes = gated.map(({ outcome }) => outcome),
    undo,
  }: {
    readonly gated: readonly GatedRegion[];
    readonly outcomes?: readonly RegionOutcome[];
    readonly undo: (region: GatedRegion) => void;
  },
): Promise<StageResult> {
  job.progress.step('gate', 0, 1);
  const rejected = gated.filter(({ outcome }) => !outcome.kept);
  rejected.forEach(undo);
  job.progress.step('gate', 1, 1);
  const kept = gated.filter(({ outcome }) => outcome.kept).map(({ region }) => region);
  if (!outcomes.some((outcome) => outcome.kept)) return { version: null, outcomes, kept };
  const version = rejected.length === 0 ? after : await versionOf(after.image, after.stage ?? 'inpaint', job);
  return { version, outcomes, kept };
}
