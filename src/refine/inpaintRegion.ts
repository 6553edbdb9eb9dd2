/**
 * Stage 1 on one crop: an inpainting model repaints the bad pixels from P′ (spec "Balanced refiner", "SDXL-Inpainting facts").
 */
import { planSampling } from '../diffusion/planSampling.ts';
import { planarFromRgba, rgbaFromPlanar } from '../image/planarPixels.ts';
import type { RgbaImage } from '../image/rgbaImage.ts';
import type { DiffusionModel } from '../pipeline/diffusionPorts.ts';
import { type Conditions, type DenoiseJob, denoiseImage } from './denoiseImage.ts';
import type { RefineSettings } from './refineSettings.ts';
import { cropForModel, cropFromModel, type RegionCrop, repaintedPixels } from './regionCrops.ts';
import type { RegionFault } from './repairMask.ts';

/** Strength stays below 1: at 1 nothing of the image would be left to start from. */
export const largestPossibleStrength = 0.99;

/** Strength stays above 0: at 0 there would be no step to execute. */
export const smallestPossibleStrength = 0.02;

/**
 * How much of a region is given up before it is painted anew [ours]: `s_min + (1 − Q)(s_max − s_min)`, never 1. What is damaged still
 * tells what belongs there; where something is missing, or is another thing than asked for, nothing does, so there the strength is one
 * of its own.
 *
 * @param region.quality Q of the region: its mean of 1 − D, 0..1
 */
export function inpaintStrength(
  { quality, fault }: { readonly quality: number; readonly fault: RegionFault },
  { smallestStrength, largestStrength, mismatchStrength }: StrengthSettings,
): number {
  const byQuality = smallestStrength + (1 - quality) * (largestStrength - smallestStrength);
  const strength = fault === 'mismatch' ? Math.max(byQuality, mismatchStrength) : byQuality;
  return Math.min(Math.max(strength, smallestPossibleStrength), largestPossibleStrength);
}

type StrengthSettings = Pick<RefineSettings['stage1'], 'smallestStrength' | 'largestStrength' | 'mismatchStrength'>;

/**
 * The mask at latent resolution: the pixel at each latent's top left corner, as torch's nearest interpolation takes it.
 *
 * @param repainted `[height, width]`, 1 = repaint
 * @returns `[height / downscale, width / downscale]`
 */
export function latentMask(
  repainted: Uint8Array,
  { width, height, downscale }: { readonly width: number; readonly height: number; readonly downscale: number },
): Float32Array<ArrayBuffer> {
  const [across, down] = [width / downscale, height / downscale];
  return Float32Array.from(
    { length: across * down },
    (_, i) => repainted[Math.floor(i / across) * downscale * width + (i % across) * downscale] as number,
  );
}

/** The image with the pixels to repaint grey: `img · (mask < 0.5)` in −1..1. Changes `planes`. */
function greyOut(planes: Float32Array<ArrayBuffer>, repainted: Uint8Array): Float32Array<ArrayBuffer> {
  for (let i = 0; i < planes.length; i++) if (repainted[i % repainted.length] === 1) planes[i] = 0;
  return planes;
}

/** What {@link inpaintRegion} needs besides the image. */
export interface InpaintJob
  extends Pick<
    DenoiseJob,
    'model' | 'prompts' | 'noise' | 'onStep' | 'onPreview' | 'onNotice' | 'signal' | 'restarts'
  > {
  readonly crop: RegionCrop;
  readonly settings: RefineSettings['stage1'];
  /** Q of the crop's regions, 0..1. */
  readonly quality: number;
  /** What is wrong with all of them. */
  readonly fault: RegionFault;
  /** Which of the image's crops it is. */
  readonly index: number;
  /** What sampling starts from, made of the crop's pixels, `[3, height, width]` in −1..1. Default: the pixels themselves. */
  readonly startOf?: (
    planes: Float32Array<ArrayBuffer>,
    place: { readonly crop: RegionCrop; readonly index: number },
  ) => Float32Array<ArrayBuffer>;
}

/**
 * Repaints a crop.
 *
 * @param image as it is now, crops repainted before included; not changed
 * @returns the whole window's new pixels: its caller blends in those under the mask
 * @throws AbortError, UserError, see {@link denoiseImage}
 */
export async function inpaintRegion(image: RgbaImage, job: InpaintJob): Promise<RgbaImage> {
  const { crop, settings, model, index, startOf } = job;
  const { working } = crop;
  const planes = planarFromRgba(cropForModel(image, crop), 'minusOneToOne');
  const start = startOf?.(planes, { crop, index }) ?? planes;
  const repainted = repaintedPixels(crop);
  const plan = planSampling({
    sampler: settings.sampler,
    scheduler: model.scheduler,
    steps: settings.steps,
    strength: inpaintStrength(job, settings),
  });
  const decoded = await denoiseImage({
    ...job,
    plan,
    guidanceScale: settings.guidanceScale,
    pixels: working,
    makeConditions: () => inpaintConditions(model, { start, planes, repainted, ...working }),
  });
  return cropFromModel(rgbaFromPlanar(decoded, working), crop);
}

/**
 * What an inpainting model reads of an image.
 *
 * @param options.start the image sampling starts from, `[3, height, width]` in −1..1
 * @param options.planes the image it sees beside the mask, the same shape
 * @param options.repainted `[height, width]`, 1 = repaint
 */
export async function inpaintConditions(
  model: DiffusionModel,
  {
    start,
    planes,
    repainted,
    ...size
  }: {
    readonly start: Float32Array;
    readonly planes: Float32Array;
    readonly repainted: Uint8Array;
    readonly width: number;
    readonly height: number;
  },
): Promise<Conditions> {
  const { device, downscale } = model;
  const image = await model.encodeImage(start, size);
  try {
    const maskedLatents = await model.encodeImage(greyOut(planes.slice(), repainted), size);
    const dims = [1, 1, size.height / downscale, size.width / downscale];
    const mask = device.create(dims, latentMask(repainted, { ...size, downscale }));
    const tensors = [image, maskedLatents, mask];
    return {
      image,
      denoising: { inpaint: { mask, maskedLatents } },
      dispose: () => {
        for (const tensor of tensors) tensor.dispose();
      },
    };
  } catch (error) {
    image.dispose();
    throw error;
  }
}
