/**
 * The whole story (G-Refine): an image and its prompt become two maps; where they find something bad, stage 1 repaints it from
 * the emphasised prompt and stage 2 restores gently; a gate after each keeps what got better.
 */
import type { RgbaImage } from '../image/rgbaImage.ts';
import { emphasisedPrompt } from '../prompt/emphasis.ts';
import { overallQuality } from '../refine/balanceGate.ts';
import { defectGrid, type RepairRegion, repairRegions } from '../refine/repairMask.ts';
import type { AnalysisResult } from './analysis.ts';
import type { DiffusionModel } from './diffusionPorts.ts';
import { inMemory, measure, resultOf, tellingFallbacks } from './refineJob.ts';
import type { RegionOutcome } from './refinement.ts';
import { type RefineProgress, refineProgress } from './refineProgress.ts';
import { repaintStage, restoreStage, type StageJob, type Version } from './refineStages.ts';
import type { Refined, StrategyId, StrategyJob } from './strategy.ts';

/**
 * Refines one image with one seed. The input is never written to.
 *
 * @throws AbortError once `signal.aborted` is set; UserError: whatever the models throw once falling back did not help;
 *   RangeError for settings no schedule exists for
 */
export function gRefine(job: StrategyJob): Promise<Refined> {
  return refineWith(job, { strategy: 'gRefine', sees: (analysis) => analysis, restores: true });
}

/** What of G-Refine is at work. */
export interface GRefineParts {
  /** Written into the result. */
  readonly strategy: StrategyId;
  /** What decides, of all that was measured: mask, emphasis, strength and gate see nothing else. */
  readonly sees: (analysis: AnalysisResult) => AnalysisResult;
  /** Whether there is a stage 2. */
  readonly restores: boolean;
}

/** {@link gRefine}, or a part of it. */
export async function refineWith(job: StrategyJob, parts: GRefineParts): Promise<Refined> {
  const { settings, prompt } = job;
  const { strategy, sees } = parts;
  const progress = refineProgress(job);

  const before = await measure(job.image, 'analyse', { job, progress });
  const seen = sees(before);
  const regions = repairRegions(seen, settings);
  const emphasised = seen.alignment ? emphasisedPrompt(prompt, seen.alignment.phrases) : prompt;
  if (regions.length === 0 || overallQuality(seen) > settings.goodEnough) {
    progress.notice(nothingToRepair(regions.length));
    return resultOf(job, { strategy, outcome: 'nothingToRepair', before, emphasised, progress });
  }

  const original: Version = {
    image: inMemory(job.image),
    analysis: before,
    seen,
    defect: defectGrid(seen),
    stage: null,
  };
  const versions = [original];
  const outcomes: RegionOutcome[] = [];
  const plan = stages(job, { parts, progress });
  const looksBad = regions.filter(({ fault }) => fault !== 'mismatch');
  const leavesSurface = settings.stage1.repaints === 'content' && plan.some(({ stage }) => stage === 'restore');
  let todo: readonly RepairRegion[] = regions.filter((region) => !leavesSurface || isContent(region));
  for (const { stage, model, run } of plan) {
    // What looks bad is restored whatever stage 1 made of it; of what is missing, there is something to restore only once it is painted.
    if (stage === 'restore') todo = [...todo.filter((region) => !looksBad.includes(region)), ...looksBad];
    const stageJob: StageJob = {
      model,
      prompt,
      emphasised,
      negative: negativePrompt(settings.negativePrompt, seen),
      settings,
      seed: job.seed,
      regions: todo,
      progress,
      analyseAgain: (image) => measure(image, 'analyseAgain', { job, progress }),
      sees,
      qualities: versions.map((version) => overallQuality(version.seen)),
    };
    const result = await tellingFallbacks(model, progress, () => run(versions.at(-1) as Version, stageJob));
    outcomes.push(...result.outcomes);
    todo = result.kept;
    if (result.version) versions.push(result.version);
  }

  const { image, analysis } = versions.at(-1) as Version;
  if (samePixels(image, original.image)) {
    progress.notice(`Nothing that was tried is better than the original, so it stays as it is.`);
    return resultOf(job, { strategy, outcome: 'rejected', before, outcomes, emphasised, progress });
  }
  return resultOf(job, {
    strategy,
    outcome: 'refined',
    before,
    after: analysis,
    outcomes,
    emphasised,
    progress,
    image,
  });
}

/** Whether another thing belongs there than is there, and not the same one in better condition. */
const isContent = ({ fault }: RepairRegion) => fault === 'mismatch' || fault === 'rationality';

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

/** A stage that can run. */
interface PlannedStage {
  readonly stage: RegionOutcome['stage'];
  readonly model: DiffusionModel;
  readonly run: typeof repaintStage;
}

/** The stages that can run, in order; says why another cannot. */
function stages(
  { inpainting, restoration, settings }: StrategyJob,
  { parts, progress }: { readonly parts: GRefineParts; readonly progress: RefineProgress },
): PlannedStage[] {
  const { stage1, stage2 } = settings;
  const all = [
    { stage: 'inpaint', deed: 'Repainting', model: inpainting, enabled: stage1.enabled, run: repaintStage } as const,
    { stage: 'restore', deed: 'Restoring', model: restoration, enabled: stage2.enabled, run: restoreStage } as const,
  ];
  const wanted = all.filter(({ stage }) => stage === 'inpaint' || parts.restores);
  return wanted.flatMap(({ stage, deed, model, enabled, run }): PlannedStage[] => {
    if (enabled && model) return [{ stage, model, run }];
    progress.notice(
      enabled ? `${deed} was left out: no model for it is installed.` : `${deed} was left out: it is switched off.`,
    );
    return [];
  });
}

function samePixels({ data: a }: RgbaImage, { data: b }: RgbaImage): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
