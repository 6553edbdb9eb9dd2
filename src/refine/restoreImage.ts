/**
 * Stage 2: PASD restores the image gently, in blocks where it is large, and keeps its colours (spec "Balanced refiner", "PASD
 * facts").
 */
import { planSampling } from '../diffusion/planSampling.ts';
import { planarFromRgba } from '../image/planarPixels.ts';
import type { RgbaImage } from '../image/rgbaImage.ts';
import type { DiffusionModel } from '../pipeline/diffusionPorts.ts';
import type { Conditions } from './denoiseImage.ts';
import { denoiseWhole, type WholeJob } from './denoiseWhole.ts';
import type { RefineSettings } from './refineSettings.ts';
import { restoredSideShare } from './restorationLayout.ts';
import { waveletColour } from './waveletColour.ts';

/** What {@link restoreImage} needs besides the image. */
export interface RestoreJob extends Pick<WholeJob, 'model' | 'prompts' | 'seed' | 'regions' | 'report'> {
  readonly settings: RefineSettings['stage2'];
}

/**
 * Restores an image.
 *
 * @param image not changed
 * @throws see {@link denoiseWhole}
 */
export function restoreImage(image: RgbaImage, { settings, ...job }: RestoreJob): Promise<RgbaImage> {
  const { model } = job;
  return denoiseWhole(image, {
    ...job,
    deed: 'restore',
    plan: planSampling({
      sampler: settings.sampler,
      scheduler: model.scheduler,
      steps: settings.steps,
      strength: settings.mode === 'native' ? 1 : settings.strength,
    }),
    guidanceScale: settings.guidanceScale,
    latentTile: settings.latentTile,
    latentTileOverlap: settings.latentTileOverlap,
    smallestSideShare: restoredSideShare,
    conditionsOf: (block) => restoreConditions(model, { ...block, scale: settings.conditioningScale }),
    finish: (decoded, { image: block, planes }) => waveletColour(decoded, planes, block),
  });
}

async function restoreConditions(
  model: DiffusionModel,
  { image, planes, scale }: { readonly image: RgbaImage; readonly planes: Float32Array; readonly scale: number },
): Promise<Conditions> {
  const { width, height } = image;
  const latents = await model.encodeImage(planes, { width, height });
  try {
    const condition = model.device.create([1, 3, height, width], planarFromRgba(image, 'zeroToOne'));
    return {
      image: latents,
      denoising: { control: { image: condition, scale } },
      dispose: () => {
        latents.dispose();
        condition.dispose();
      },
    };
  } catch (error) {
    latents.dispose();
    throw error;
  }
}
