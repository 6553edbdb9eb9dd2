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
import { unitedPart } from '../refine/changedPart.ts';
import { interruptible } from '../refine/interruptible.ts';
import { pasdPrompts } from '../refine/pasdPrompts.ts';
import type { RefineSettings } from '../refine/refineSettings.ts';
import { regionPrompt } from '../refine/regionPrompt.ts';
import { repaintRegions } from '../refine/repaintRegions.ts';
import { asFarAsBad, type DefectGrid, defectGrid, type RepairRegion } from '../refine/repairMask.ts';
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
  const texts = new Map(
    regions.map((region) => [region, regionText([region], settings.stage1.text, before.seen, job)] as const),
  );
  const versions = [before];
  const outcomes = new Map<RepairRegion, RegionOutcome>();
  const kept = new Map<RepairRegion, RepairRegion>();
  let todo = regions;
  let attempt = 0;
  for (; attempt < settings.stage1.attempts && todo.length > 0; attempt++) {
    const latest = versions.at(-1) as Version;
    const qualities = [...job.qualities, ...versions.slice(1).map(({ seen }) => overallQuality(seen))];
    const again = { attempt, texts, found: before.seen.alignment };
    const { settled, parts } = await repaintOnce(latest, { ...job, regions: todo, qualities }, again);
    if (settled.version) versions.push(settled.version);
    settled.outcomes.forEach((outcome, i) => {
      const region = todo[i] as RepairRegion;
      const known = outcomes.get(region);
      if (!known || outcome.kept) outcomes.set(region, { ...outcome, before: known?.before ?? outcome.before });
      const part = parts.get(region) ?? region;
      const earlier = kept.get(region);
      if (outcome.kept) kept.set(region, earlier ? unitedPart(earlier, part) : part);
    });
    todo = todo.filter((region) => !isDone(region, outcomes.get(region)));
  }
  if (attempt > 1) progress.notice(`Repainting was tried ${attempt} times, each with other noise.`);
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
  const settled = await settleRegions(after, job, {
    before,
    gate: (version, left) =>
      gateRegions(left, { ...gateOptions(before, version, job), found }).map(({ region, outcome }): GatedRegion => {
        const text = texts.get(region);
        return { region, outcome: text === undefined ? outcome : { ...outcome, text } };
      }),
  });
  return { settled, parts };
}

/** What the model is told of some regions; undefined: P′. */
function regionText(
  regions: readonly RepairRegion[],
  text: 'prompt' | 'region',
  { alignment }: AnalysisResult,
  { prompt }: StageJob,
): string | undefined {
  if (text === 'prompt' || !alignment) return undefined;
  return regionPrompt(regions, { alignment, prompt }) ?? undefined;
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
  const told = regions ? regionText(regions, settings.stage2.text, before.seen, job) : undefined;
  const recoloured =
    settings.stage2.recolours === 'unnatural' ? job.regions.filter(({ fault }) => fault === 'naturalness') : [];
  const image = await withPrompts(
    model,
    {
      ...pasdPrompts({ positive: told ?? job.emphasised, negative: job.negative }),
      guidanceScale: settings.stage2.guidanceScale,
    },
    (prompts) =>
      restoreImage(before.image, {
        model,
        prompts,
        settings: settings.stage2,
        recoloured,
        seed,
        // A colour that is half as wrong is still wrong.
        regions:
          regions?.map((region) => (recoloured.includes(region) ? region : asFarAsBad(region, before.defect))) ?? null,
        report,
      }),
  );
  const after = await versionOf(image, 'restore', job);
  if (regions) {
    return settleRegions(after, job, {
      before,
      gate: (version, left) => gateRegions(left, gateOptions(before, version, job)),
    });
  }
  const options = gateOptions(before, after, job);
  const fallen = fallenRegions({ ...options, image });
  const whole = gateWhole(fallen, { ...options, image });
  const window = { x: 0, y: 0, width: image.width, height: image.height };
  return settleWhole(after, job, {
    fallen,
    whole,
    undo: (region) => blendRegion(image, { region, patch: before.image, window }),
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
 * Puts the old pixels back where the gate turns a region down, looks once more at what that makes, and so on until it keeps what is
 * left. Where the image as a whole got no better by that, the region that gained least is turned down; of many, a quarter at a time.
 *
 * @param options.gate decides about regions by how they were before the stage and how they are now
 */
async function settleRegions(
  after: Version,
  job: StageJob,
  {
    before,
    gate,
  }: {
    readonly before: Version;
    readonly gate: (version: Version, regions: readonly RepairRegion[]) => readonly GatedRegion[];
  },
): Promise<StageResult> {
  const { regions, progress, qualities, settings } = job;
  const least = leastQuality(qualities, settings);
  const outcomes = new Map<RepairRegion, RegionOutcome>();
  let kept = regions;
  for (let version: Version | null = after; ; version = null) {
    const result = (last: Version | null) => ({ version: last, outcomes: [...outcomes.values()], kept });
    if (kept.length === 0) return result(null);
    version ??= await versionOf(after.image, after.stage ?? 'inpaint', job);
    progress.step('gate', 0, 1);
    const gated = gate(version, kept);
    for (const { region, outcome } of gated) outcomes.set(region, outcome);
    const refused = gated.filter(({ outcome }) => !outcome.kept);
    const quality = overallQuality(version.seen);
    if (refused.length === 0 && quality < least) {
      const gain = ({ outcome }: GatedRegion) => outcome.after - outcome.before;
      const byGain = gated.toSorted((a, b) => gain(a) - gain(b));
      refused.push(...byGain.slice(0, Math.max(1, Math.floor(gated.length / 4))));
      const reason = notForTheWhole(quality, qualities[0] as number);
      for (const { region, outcome } of refused) outcomes.set(region, { ...outcome, kept: false, reason });
    }
    for (const { region } of refused) restoreRegion(after.image, { region, old: before.image });
    progress.step('gate', 1, 1);
    if (refused.length === 0) return result(version);
    kept = gated.filter((one) => !refused.includes(one)).map(({ region }) => region);
  }
}

/** Of a stage that changed the image as a whole: undoes it where quality fell, unless the whole is no better for it. */
async function settleWhole(
  after: Version,
  job: StageJob,
  {
    fallen,
    whole,
    undo,
  }: {
    readonly fallen: readonly GatedRegion[];
    readonly whole: RegionOutcome;
    readonly undo: (region: RepairRegion) => void;
  },
): Promise<StageResult> {
  const { progress, qualities, settings } = job;
  if (!whole.kept) return { version: null, outcomes: [whole], kept: [] };
  const outcomes = fallen.map(({ outcome }) => outcome);
  progress.step('gate', 0, 1);
  for (const { region } of fallen) undo(region);
  progress.step('gate', 1, 1);
  const version = fallen.length === 0 ? after : await versionOf(after.image, after.stage ?? 'restore', job);
  const quality = overallQuality(version.seen);
  if (quality >= leastQuality(qualities, settings)) {
    return { version, outcomes: [whole, ...outcomes], kept: [] };
  }
  const reason = notForTheWhole(quality, qualities[0] as number);
  return { version: null, outcomes: [{ ...whole, kept: false, reason }, ...outcomes], kept: [] };
}

function notForTheWhole(quality: number, original: number): string {
  const [now, then] = percents(quality, original);
  const how = quality > original ? 'hardly' : 'not';
  return `Better here, but ${how} for the image as a whole: ${now} of 100, ${now === then ? 'as' : `${then} in`} the original.`;
}
