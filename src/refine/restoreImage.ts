/**
 * Stage 2: PASD restores the image gently, in blocks where it is large, and keeps its colours (spec "Balanced refiner", "PASD
 * facts").
 */
import { planSampling } from '../diffusion/planSampling.ts';
import { planarFromRgba } from '../image/planarPixels.ts';
import type { RgbaImage } from '../image/rgbaImage.ts';
import type { DiffusionModel } from '../pipeline/diffusionPorts.ts';
import type { Conditions } from './denoiseImage.ts';
import { type BlockPixels, denoiseWhole, type WholeJob } from './denoiseWhole.ts';
import type { RefineSettings } from './refineSettings.ts';
import { overlap } from './regionCrops.ts';
import type { RepairRegion } from './repairMask.ts';
import { restoredSideShare } from './restorationLayout.ts';
import { readMaskRow } from './softMask.ts';
import { waveletColour } from './waveletColour.ts';

/** What {@link restoreImage} needs besides the image. */
export interface RestoreJob extends Pick<WholeJob, 'model' | 'prompts' | 'seed' | 'regions' | 'report'> {
  readonly settings: RefineSettings['stage2'];
  /** Where colours and light are the restored ones; default: nowhere, they are the input's. */
  readonly recoloured?: readonly RepairRegion[];
}

/**
 * Restores an image.
 *
 * @param image not changed
 * @throws see {@link denoiseWhole}
 */
export function restoreImage(image: RgbaImage, { settings, recoloured = [], ...job }: RestoreJob): Promise<RgbaImage> {
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
    finish: (decoded, block) => keepColours(decoded, block, recoloured),
  });
}

/** Gives what was restored the block's own colours, in place, but for the regions whose colours are to be the restored ones. */
function keepColours(
  restored: Float32Array,
  { image, planes, place }: BlockPixels,
  recoloured: readonly RepairRegion[],
): void {
  const here = recoloured.filter((region) => overlap(region.place, place));
  const own = here.length > 0 ? restored.slice() : restored;
  waveletColour(restored, planes, image);
  if (here.length === 0) return;
  const { width, height } = image;
  const area = width * height;
  const row = new Float32Array(place.width);
  for (let y = 0; y < height; y++) {
    for (const { mask } of here) {
      readMaskRow(mask, { x: place.x, y: place.y + Math.floor((y * place.height) / height) }, row);
      for (let x = 0; x < width; x++) {
        const m = row[Math.floor((x * place.width) / width)] as number;
        if (m === 0) continue;
        for (let at = y * width + x; at < restored.length; at += area) {
          restored[at] = (restored[at] as number) + m * ((own[at] as number) - (restored[at] as number));
        }
      }
    }
  }
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
