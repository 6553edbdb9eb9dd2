/**
 * What refiners are compared with in the papers' tables: one model over the whole image, or over what the user chose, without looking
 * at the maps and without a gate. Every result is measured all the same, so that it shows where one made an image worse.
 */
import type { RgbaImage } from '../image/rgbaImage.ts';
import { handMaskRegions } from '../refine/handMask.ts';
import { interruptible } from '../refine/interruptible.ts';
import { pasdPrompts } from '../refine/pasdPrompts.ts';
import type { StageReport } from '../refine/refineStage.ts';
import { repaintRegions } from '../refine/repaintRegions.ts';
import { repaintWhole } from '../refine/repaintWhole.ts';
import { type DefectGrid, defectGrid, type RepairRegion } from '../refine/repairMask.ts';
import { restoreImage } from '../refine/restoreImage.ts';
import { type StagePrompts, withPrompts } from '../refine/stagePrompts.ts';
import type { DiffusionModel } from './diffusionPorts.ts';
import { inMemory, measure, outcomesOf, resultOf, tellingFallbacks } from './refineJob.ts';
import type { RegionOutcome } from './refinement.ts';
import { refineProgress } from './refineProgress.ts';
import type { Refined, StrategyId, StrategyJob } from './strategy.ts';

/** PASD as published, without a text of the image: its full schedule over the whole of it. */
export function restoration(job: StrategyJob): Promise<Refined> {
  return restored(job, { strategy: 'restoration', positive: '', negative: '' });
}

/** PASD as published, told what the image is to show. */
export function reconstruction(job: StrategyJob): Promise<Refined> {
  const { prompt, settings } = job;
  return restored(job, { strategy: 'reconstruction', positive: prompt, negative: settings.negativePrompt });
}

/** Plain image-to-image over the whole picture, its strength set by hand: the papers' "refinement". */
export function imageToImage(job: StrategyJob): Promise<Refined> {
  const { prompt, settings } = job;
  const { guidanceScale, sampler } = settings.stage1;
  return uniform(job, {
    strategy: 'imageToImage',
    stage: 'inpaint',
    model: job.inpainting,
    words: { positive: prompt, negative: settings.negativePrompt, guidanceScale },
    regions: null,
    work: (image, { model, prompts, report }) =>
      repaintWhole(image, {
        model,
        prompts,
        settings: { ...settings.imageToImage, guidanceScale, sampler },
        seed: job.seed,
        report,
      }),
  });
}

/** The user's own mask, repainted as given: every byte outside of it is the input's. */
export async function inpaintingByHand(job: StrategyJob): Promise<Refined> {
  const { prompt, settings, handMask } = job;
  if (!handMask) throw new RangeError('Inpainting by hand needs a mask');
  const { steps, strength } = settings.inpaintingByHand;
  const regions = handMaskRegions(handMask, job.image);
  return uniform(job, {
    strategy: 'inpaintingByHand',
    stage: 'inpaint',
    model: job.inpainting,
    words: {
      positive: prompt,
      negative: settings.negativePrompt,
      guidanceScale: settings.stage1.guidanceScale,
    },
    regions,
    work: async (image, { model, prompts, report, defect }) => {
      const repainted = await repaintRegions(image, {
        model,
        prompts,
        settings: {
          ...settings.stage1,
          steps,
          smallestStrength: strength,
          largestStrength: strength,
          mismatchStrength: strength,
        },
        regions,
        defect,
        seed: job.seed,
        report,
      });
      return repainted.image;
    },
  });
}

function restored(
  job: StrategyJob,
  {
    strategy,
    ...words
  }: {
    readonly strategy: 'restoration' | 'reconstruction';
    readonly positive: string;
    readonly negative: string;
  },
): Promise<Refined> {
  const { stage2, restoration: own } = job.settings;
  return uniform(job, {
    strategy,
    stage: 'restore',
    model: job.restoration,
    words: { ...pasdPrompts(words), guidanceScale: stage2.guidanceScale },
    regions: null,
    work: (image, { model, prompts, report }) =>
      restoreImage(image, {
        model,
        prompts,
        settings: { ...stage2, ...own, mode: 'native' },
        seed: job.seed,
        regions: null,
        report,
      }),
  });
}

/** One model's work between two measurements; nothing is judged. */
async function uniform(
  job: StrategyJob,
  {
    strategy,
    stage,
    model,
    words,
    regions,
    work,
  }: {
    readonly strategy: StrategyId;
    readonly stage: RegionOutcome['stage'];
    readonly model: DiffusionModel | null;
    readonly words: { readonly positive: string; readonly negative: string; readonly guidanceScale: number };
    /** What is worked on; null: the whole image. */
    readonly regions: readonly RepairRegion[] | null;
    readonly work: (
      image: RgbaImage,
      tools: {
        readonly model: DiffusionModel;
        readonly prompts: StagePrompts;
        readonly report: StageReport;
        readonly defect: DefectGrid;
      },
    ) => Promise<RgbaImage>;
  },
): Promise<Refined> {
  if (!model) throw new RangeError(`The strategy "${strategy}" has no model`);
  const progress = refineProgress(job);
  const before = await measure(job.image, 'analyse', { job, progress });
  const emphasised = job.prompt;
  if (regions?.length === 0) {
    progress.notice('Nothing to repaint: the mask is empty.');
    return resultOf(job, { strategy, outcome: 'nothingToRepair', before, emphasised, progress });
  }
  const report = progress.report(stage);
  const watched = interruptible(model, report);
  const defect = defectGrid(before);
  const image = await tellingFallbacks(model, progress, () =>
    withPrompts(watched, words, (prompts) => work(inMemory(job.image), { model: watched, prompts, report, defect })),
  );
  const after = await measure(image, 'analyseAgain', { job, progress });
  const outcomes = outcomesOf(regions, { stage, before, after });
  return resultOf(job, { strategy, outcome: 'refined', before, after, outcomes, emphasised, progress, image });
}
