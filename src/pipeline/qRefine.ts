/**
 * Q-Refine (arXiv 2401.01117), in its order: a map of quality tells three qualities apart. What is low gets noise, what is not
 * high is painted anew, and the whole is enhanced, with its prompt if it is bad and blindly if it is good. The paper has no gate, and
 * neither has this. Its prose fixes no more than that; the rest is marked [ours] where it is done.
 */
import type { RgbaImage } from '../image/rgbaImage.ts';
import type { QualityMap } from '../quality/qualityMap.ts';
import { interruptible } from '../refine/interruptible.ts';
import { withLowQualityNoise } from '../refine/lowQualityNoise.ts';
import { pasdPrompts } from '../refine/pasdPrompts.ts';
import type { QRefineSettings } from '../refine/qRefineSettings.ts';
import { lackOfParts, meanQuality, qualityParts, repaintedParts } from '../refine/qualityParts.ts';
import { repaintRegions } from '../refine/repaintRegions.ts';
import type { RepairRegion } from '../refine/repairMask.ts';
import { restoreImage } from '../refine/restoreImage.ts';
import { withPrompts } from '../refine/stagePrompts.ts';
import type { DiffusionModel } from './diffusionPorts.ts';
import { inMemory, measure, outcomesOf, resultOf, tellingFallbacks } from './refineJob.ts';
import { type RefineProgress, refineProgress } from './refineProgress.ts';
import type { Refined, StrategyJob } from './strategy.ts';

/** Refines one image with one seed; see {@link import('./strategy.ts').Strategy.run}. */
export async function qRefine(job: StrategyJob): Promise<Refined> {
  const { inpainting, restoration, settings, prompt } = job;
  const progress = refineProgress(job);

  // The map [ours: "overall quality" of the PQ-Map stands for the paper's own IQA model], and the mean of it.
  const before = await measure(job.image, 'analyse', { job, progress });
  const parts = qualityParts(before.perceptual.factorMaps.overall, settings.qRefine.gridSide);
  const predicted = meanQuality(parts);
  const regions = repaintedParts(parts, { image: job.image, settings: settings.qRefine });
  const original = inMemory(job.image);

  // Pipelines 1 and 2: noise on what is low, then repainting all that is not high.
  let image = original;
  if (regions.length === 0)
    progress.notice('Nothing was repainted: no part of the image is below the upper threshold.');
  else if (inpainting) image = await repaintLow(image, { job, model: inpainting, parts, regions, progress });
  else progress.notice('Repainting was left out: no model for it is installed.');

  // Pipeline 3: the whole image enhanced.
  if (restoration) image = await enhance(image, { job, model: restoration, predicted, progress });
  else progress.notice('Enhancing was left out: no model for it is installed.');

  if (image === original) {
    return resultOf(job, { strategy: 'qRefine', outcome: 'nothingToRepair', before, emphasised: prompt, progress });
  }
  const after = await measure(image, 'analyseAgain', { job, progress });
  const repainted = inpainting ? outcomesOf(regions, { stage: 'inpaint', before, after }) : [];
  const enhanced = restoration ? outcomesOf(null, { stage: 'restore', before, after }) : [];
  const outcomes = [...repainted, ...enhanced];
  return resultOf(job, {
    strategy: 'qRefine',
    outcome: 'refined',
    before,
    after,
    outcomes,
    emphasised: prompt,
    progress,
    image,
  });
}

/**
 * Pipelines 1 and 2. Strength by the region's quality [ours: as G-Refine's stage 1, with its settings].
 *
 * @returns parts of high quality are the input's, byte for byte
 */
function repaintLow(
  image: RgbaImage,
  {
    job: { settings, seed, prompt },
    model,
    parts,
    regions,
    progress,
  }: {
    readonly job: StrategyJob;
    readonly model: DiffusionModel;
    readonly parts: QualityMap;
    readonly regions: readonly RepairRegion[];
    readonly progress: RefineProgress;
  },
): Promise<RgbaImage> {
  const report = progress.report('inpaint');
  const watched = interruptible(model, report);
  const words = { positive: prompt, negative: settings.negativePrompt, guidanceScale: settings.stage1.guidanceScale };
  return tellingFallbacks(model, progress, () =>
    withPrompts(watched, words, async (prompts) => {
      const repainted = await repaintRegions(image, {
        model: watched,
        prompts,
        settings: settings.stage1,
        regions,
        defect: lackOfParts(parts, image),
        seed,
        startOf: (planes, place) =>
          withLowQualityNoise(planes, { ...place, parts, image, settings: settings.qRefine, seed }),
        report,
      });
      return repainted.image;
    }),
  );
}

/** Strength of pipeline 3, a function of the predicted quality [ours: linear]. */
export function enhancementStrength(
  predicted: number,
  { smallestEnhancement, largestEnhancement }: Pick<QRefineSettings, 'smallestEnhancement' | 'largestEnhancement'>,
): number {
  return smallestEnhancement + (1 - predicted) * (largestEnhancement - smallestEnhancement);
}

/**
 * Pipeline 3 [ours: both enhancers are PASD; the blind one has no words but PASD's own]: with the prompt where the predicted quality
 * is low, without where it is high.
 */
function enhance(
  image: RgbaImage,
  {
    job: { settings, seed, prompt },
    model,
    predicted,
    progress,
  }: {
    readonly job: StrategyJob;
    readonly model: DiffusionModel;
    readonly predicted: number;
    readonly progress: RefineProgress;
  },
): Promise<RgbaImage> {
  const isPrompted = predicted < settings.qRefine.promptedBelow;
  const { stage2, negativePrompt } = settings;
  const report = progress.report('restore');
  const watched = interruptible(model, report);
  const words = pasdPrompts(
    isPrompted ? { positive: prompt, negative: negativePrompt } : { positive: '', negative: '' },
  );
  const strength = enhancementStrength(predicted, settings.qRefine);
  return tellingFallbacks(model, progress, () =>
    withPrompts(watched, { ...words, guidanceScale: stage2.guidanceScale }, (prompts) =>
      restoreImage(image, {
        model: watched,
        prompts,
        settings: { ...stage2, mode: 'gentle', strength },
        seed,
        regions: null,
        report,
      }),
    ),
  );
}
