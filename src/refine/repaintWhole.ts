/**
 * Plain image-to-image with an inpainting model: its mask is all ones, so what it sees of the image is grey, and the picture enters
 * as the start of a truncated schedule alone.
 */
import { planSampling } from '../diffusion/planSampling.ts';
import type { RgbaImage } from '../image/rgbaImage.ts';
import { denoiseWhole, type WholeJob } from './denoiseWhole.ts';
import { inpaintConditions } from './inpaintRegion.ts';
import type { StageSettings } from './refineSettings.ts';

/** Images are enlarged until their shorter side is this many native sizes: what the model was trained at. */
export const repaintedSideShare = 1;

/** Side of a latent tile in native sizes [ours]: as PASD's 96 latents are of 512 px. */
export const repaintedTileShare = 1.5;

/** Overlap of latent tiles as a share of their side: PASD's 8 of 96 latents. */
export const repaintedOverlapShare = 1 / 12;

/** What {@link repaintWhole} needs besides the image. */
export interface RepaintWholeJob extends Pick<WholeJob, 'model' | 'prompts' | 'seed' | 'report'> {
  readonly settings: StageSettings & {
    /** How much of the image is given up, above 0 and at most 1. */
    readonly strength: number;
  };
}

/**
 * Paints the whole image anew.
 *
 * @param image not changed
 * @throws see {@link denoiseWhole}
 */
export function repaintWhole(image: RgbaImage, { settings, ...job }: RepaintWholeJob): Promise<RgbaImage> {
  const { model } = job;
  const { sampler, steps, strength, guidanceScale } = settings;
  const latentTile = Math.round((repaintedTileShare * model.nativeSize) / model.downscale);
  return denoiseWhole(image, {
    ...job,
    deed: 'repaint',
    plan: planSampling({ sampler, scheduler: model.scheduler, steps, strength }),
    guidanceScale,
    latentTile,
    latentTileOverlap: Math.ceil(repaintedOverlapShare * latentTile),
    smallestSideShare: repaintedSideShare,
    regions: null,
    conditionsOf: ({ image: { width, height }, planes }) =>
      inpaintConditions(model, {
        start: planes,
        planes,
        repainted: new Uint8Array(width * height).fill(1),
        width,
        height,
      }),
  });
}
