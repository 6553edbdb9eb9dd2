/**
 * The two stages of the refiner, each with its gate: paint, look again, and keep what got better.
 */
import type { RgbaImage } from '../image/rgbaImage.ts';
import {
  fallenRegions,
  type GatedRegion,
  gateRegions,
  gateWhole,
  leastQuality,
  overallQuality,
  percents,
} from '../refine/balanceGate.ts';
import { blendRegion, restoreRegion } from '../refine/blendRegion.ts';
import { interruptible } from '../refine/interruptible.ts';
import { pasdPrompts } from '../refine/pasdPrompts.ts';
import type { RefineSettings } from '../refine/refineSettings.ts';
import { regionPrompt } from '../refine/regionPrompt.ts';
import { repaintRegions } from '../refine/repaintRegions.ts';
import { type DefectGrid, defectGrid, type RepairRegion, unitedRegion } from '../refine/repairMask.ts';
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
  /** Overall quality of the original and of each version kept since. */
  readonly qualities: readonly number[];
}

/** What became of a stage. */
export interface StageResult {
  /** Null: everything it did was rejected. */
  readonly version: Version | null;
  readonly outcomes: readonly RegionOutcome[];
  /** Where something of it was kept; of a region, no more than has new pixels. */
  readonly kept: readonly RepairRegion[];
}

/**
 * Stage 1 and its gate: regions that got worse have their old pixels back, byte for byte; those, and what still misses the prompt, are
 * painted again with other noise [ours].
 */
export async function repaintStage(before: Version, job: StageJob): Promise<StageResult> {
  const { settings, regions, progress } = job;
  if (regions.length === 0) {
    progress.notice(
      'Repainting was left out: what is bad here is only worn or of wrong colours, which is restored instead.',
    );
    return { version: null, outcomes: [], kept: [] };
  }
  const texts = new Map(regions.map((region) => [region, regionText(region, before.seen, job)] as const));
  const versions = [before];
  const outcomes = new Map<RepairRegion, RegionOutcome>();
  const kept = new Map<RepairRegion, RepairRegion>();
  let todo = regions;
  for (let attempt = 0; attempt < settings.stage1.attempts && todo.length > 0; attempt++) {
    const latest = versions.at(-1) as Version;
    const qualities = [...job.qualities, ...versions.slice(1).map(({ seen }) => overallQuality(seen))];
    const { settled, parts } = await repaintOnce(latest, { ...job, regions: todo, qualities }, {
      attempt,
      texts,
      found: before.seen.alignment,
    });
    if (settled.version) versions.push(settled.version);
    settled.outcomes.forEach((outcome, i) => {
      const region = todo[i] as RepairRegion;
      const known = outcomes.get(region);
      if (!known || outcome.kept) outcomes.set(region, { ...outcome, before: known?.before ?? outcome.before });
      const part = parts.get(region) ?? region;
      const earlier = kept.get(region);
      if (outcome.kept) kept.set(region, earlier ? unitedRegion(earlier, part) : part);
    });
    todo = todo.filter((region) => !isDone(region, outcomes.get(region)));
  }
  return {
    version: versions.length > 1 ? (versions.at(-1) as Version) : null,
    outcomes: [...outcomes.values()],
    kept: [...kept.values()],
  };
}

/** Whether a region was kept and, where the prompt was missed, shows what was asked for. */
function isDone({ fault }: RepairRegion, outcome: RegionOutcome | undefined): boolean {
  return outcome?.kept === true && (fault !== 'mismatch' || outcome.after === 1);
}

async function repaintOnce(
  before: Version,
  job: StageJob,
  {
    attempt,
    texts,
    found,
  }: {
    readonly attempt: number;
    readonly texts: ReadonlyMap<RepairRegion, string | undefined>;
    readonly found: AnalysisResult['alignment'];
  },
) {
  const { settings, seed, regions, progress } = job;
  const report = progress.report('inpaint');
  const model = interruptible(job.model, report);
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
        attempt,
        report,
      }),
  );
  const after = await versionOf(image, 'inpaint', job);
  const gated = gateRegions(regions, { ...gateOptions(before, after, job), found }).map(({ region, outcome }): GatedRegion => {
    const text = texts.get(region);
    return { region, outcome: text === undefined ? outcome : { ...outcome, text } };
  });
  const settled = await settle(after, job, {
    gated,
    undo: ({ region }) => restoreRegion(image, { region, old: before.image }),
  });
  return { settled, parts };
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
  const window = { x: 0, y: 0, width: image.width, height: image.height };
  return settle(after, job, {
    gated: whole.kept ? fallen : [],
    whole,
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
  return { stage, before, after, tolerance };
}

/**
 * Undoes what was rejected and looks once more at what that makes. Where the image as a whole got no better by what is left of the
 * stage, the region that gained least is undone as well, until it is better or nothing is left.
 *
 * @param options.whole of a stage that changed the image as a whole: what was decided about that
 * @returns outcomes: of the whole, then of the regions in their order
 */
async function settle(
  after: Version,
  job: StageJob,
  {
    gated,
    whole,
    undo,
  }: {
    readonly gated: readonly GatedRegion[];
    readonly whole?: RegionOutcome;
    readonly undo: (region: GatedRegion) => void;
  },
): Promise<StageResult> {
  const least = leastQuality(job.qualities, job.settings.gateTolerance);
  const decided = new Map(gated.map((one) => [one.region, one.outcome]));
  const isKept = ({ region }: GatedRegion) => decided.get(region)?.kept === true;
  const reject = (one: GatedRegion, reason = one.outcome.reason) => {
    decided.set(one.region, { ...one.outcome, kept: false, reason });
    undo(one);
  };
  job.progress.step('gate', 0, 1);
  const rejected = gated.filter((one) => !isKept(one));
  for (const one of rejected) reject(one);
  job.progress.step('gate', 1, 1);
  const result = (version: Version | null, ofWhole = whole): StageResult => ({
    version,
    outcomes: [...(ofWhole ? [ofWhole] : []), ...decided.values()],
    kept: gated.filter(isKept).map(({ region }) => region),
  });
  const stage = after.stage ?? 'inpaint';
  let version = rejected.length === 0 ? after : null;
  for (;;) {
    const left = gated.filter(isKept);
    if (whole ? !whole.kept : left.length === 0) return result(null);
    version ??= await versionOf(after.image, stage, job);
    const quality = overallQuality(version.seen);
    if (quality >= least) return result(version);
    const reason = notForTheWhole(quality, job.qualities[0] as number);
    if (whole) return result(null, { ...whole, kept: false, reason });
    const gain = ({ outcome }: GatedRegion) => outcome.after - outcome.before;
    reject(
      left.reduce((smallest, one) => (gain(one) < gain(smallest) ? one : smallest)),
      reason,
    );
    version = null;
  }
}

function notForTheWhole(quality: number, original: number): string {
  const [now, then] = percents(quality, original);
  return `Better here, but not for the image as a whole: ${now} of 100, ${now === then ? 'as' : `${then} in`} the original.`;
}
