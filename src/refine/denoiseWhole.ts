/**
 * A whole image through a diffusion model, in blocks where it is large: what restoring and plain image-to-image share.
 */
import type { SamplingPlan } from '../diffusion/samplingPlan.ts';
import { seededNoise } from '../diffusion/seededNoise.ts';
import { UserError } from '../errors.ts';
import { cropImage, padMirrored } from '../image/cropImage.ts';
import { planarFromRgba, rgbaFromPlanar } from '../image/planarPixels.ts';
import { resizeBicubic } from '../image/resizeBicubic.ts';
import type { RgbaImage } from '../image/rgbaImage.ts';
import type { DiffusionModel } from '../pipeline/diffusionPorts.ts';
import type { PixelRectangle } from '../pipeline/refinement.ts';
import { blendRegion } from './blendRegion.ts';
import { type Conditions, denoiseImage, isUserError } from './denoiseImage.ts';
import { openTiledDenoiser } from './openTiledDenoiser.ts';
import { blockJoins, layBlock } from './pixelBlocks.ts';
import { type StageReport, showLatents } from './refineStage.ts';
import { overlap } from './regionCrops.ts';
import type { RepairRegion } from './repairMask.ts';
import { blockRamp, type RestorationLayout, restorationLayout, wholeSideShare } from './restorationLayout.ts';
import type { StagePrompts } from './stagePrompts.ts';

/** Shares of the tile tried one after the other when memory is short. */
const smallerTiles = [1, 0.75, 0.5, 0.375];

/** Regions of noise that stage 1 does not use. */
const noiseRegion = 2 ** 31;

/** A block as its model reads it. */
export interface BlockPixels {
  readonly image: RgbaImage;
  /** The same, `[3, height, width]` in −1..1. */
  readonly planes: Float32Array<ArrayBuffer>;
  /** What of the image to be denoised it shows, in that image's pixels, which may be larger or smaller than the block's. */
  readonly place: PixelRectangle;
}

/** What {@link denoiseWhole} needs besides the image. */
export interface WholeJob {
  readonly model: DiffusionModel;
  readonly prompts: StagePrompts;
  readonly plan: SamplingPlan;
  readonly guidanceScale: number;
  /** Side of a latent tile and overlap, in latents. */
  readonly latentTile: number;
  readonly latentTileOverlap: number;
  /** Smaller images are enlarged until their shorter side is this many native sizes. */
  readonly smallestSideShare: number;
  /** What is done to the image, for what is told when memory is short. */
  readonly deed: 'restore' | 'repaint';
  readonly seed: number;
  /** Only these change; null: the whole image. */
  readonly regions: readonly RepairRegion[] | null;
  /** What the model reads of a block besides text. */
  readonly conditionsOf: (block: BlockPixels) => Promise<Conditions>;
  /** Changes what was decoded of a block, `[3, height, width]`, in place. Default: nothing. */
  readonly finish?: (decoded: Float32Array<ArrayBuffer>, block: BlockPixels) => void;
  readonly report: StageReport;
}

/**
 * Denoises an image. Float buffers are of one block whatever the image's size; only its bytes grow with it.
 *
 * @param image not changed
 * @throws AbortError; UserError, see `denoiseImage`; `OutOfMemoryError` if even the smallest tile was too large
 */
export async function denoiseWhole(image: RgbaImage, job: WholeJob): Promise<RgbaImage> {
  const restarts = { count: 0 };
  for (const [i, share] of smallerTiles.entries()) {
    const tile = latentTile(job, share);
    try {
      return await denoiseInBlocks(image, { ...job, tile, share, restarts });
    } catch (error) {
      if (!isUserError(error, 'OutOfMemoryError')) throw error;
      const next = smallerTiles[i + 1];
      if (next === undefined) {
        const side = tile * job.model.downscale;
        throw new UserError(
          'OutOfMemoryError',
          `There is not enough memory to ${job.deed} the image even in tiles of ${side} px; it was left as it is. ${error.message}`,
          { cause: error },
        );
      }
      job.report.onNotice(
        `There was not enough memory to ${job.deed} in tiles of ${tile * job.model.downscale} px; trying ${latentTile(job, next) * job.model.downscale} px.`,
      );
    }
  }
  throw new RangeError('No tile sizes');
}

/** Side of a latent tile: a share of the one set, or of what the memory is expected to hold, in whole steps of the UNet. */
function latentTile({ latentTile: wanted, model }: WholeJob, share: number): number {
  const step = unetStep(model);
  return Math.max(
    Math.floor((Math.min(wanted, model.largestTile ?? Number.POSITIVE_INFINITY) * share) / step) * step,
    step,
  );
}

/** Latents that a UNet's own downscaling needs sides to be multiples of. */
const unetStep = ({ nativeSize, downscale }: DiffusionModel) =>
  Math.min(8, Math.max(1, Math.floor(nativeSize / downscale)));

interface BlockJob extends WholeJob {
  readonly tile: number;
  readonly share: number;
  readonly restarts: { count: number };
}

async function denoiseInBlocks(image: RgbaImage, job: BlockJob): Promise<RgbaImage> {
  const { model, plan, regions, report, tile, share } = job;
  const { downscale, nativeSize } = model;
  const layout = restorationLayout(image, {
    nativeSize,
    granularity: downscale * unetStep(model),
    downscale,
    tile: tile * downscale,
    overlap: job.latentTileOverlap * downscale,
    smallestSideShare: job.smallestSideShare,
    largestWhole: nativeSize * wholeSideShare * share,
  });
  const { scaled, padded } = layout;
  const same = scaled.width === image.width && scaled.height === image.height;
  const source = padMirrored(same ? image : resizeBicubic(image, scaled), padded);
  const made: RgbaImage = { ...source, data: source.data.slice() };

  const toImage = (block: PixelRectangle) => imagePlace(block, { layout, image });
  const joins = blockJoins(layout.blocks).filter(
    ({ block }) => regions === null || regions.some(({ place }) => overlap(place, toImage(block))),
  );
  const steps = plan.steps.length;
  const total = joins.length * steps;
  for (const [i, join] of joins.entries()) {
    const pixels = await denoiseBlock(cropImage(source, join.block), {
      ...job,
      block: join.block,
      padded,
      place: toImage(join.block),
      onStep: (done) => report.onStep(i * steps + done, total),
    });
    layBlock(made, { join, pixels, ramp: blockRamp });
    await report.pause();
  }
  const isPadded = padded.width !== scaled.width || padded.height !== scaled.height;
  const cut = isPadded ? cropImage(made, { x: 0, y: 0, ...scaled }) : made;
  return confined(same ? cut : resizeBicubic(cut, { width: image.width, height: image.height }), { image, regions });
}

/** The image's pixels that a block shows, whole ones, at least one. */
function imagePlace(
  { x, y, width, height }: PixelRectangle,
  {
    layout: { scaled },
    image,
  }: { readonly layout: RestorationLayout; readonly image: { readonly width: number; readonly height: number } },
): PixelRectangle {
  const [across, down] = [image.width / scaled.width, image.height / scaled.height];
  const left = Math.min(Math.floor(x * across), image.width - 1);
  const top = Math.min(Math.floor(y * down), image.height - 1);
  const right = Math.min(Math.ceil((x + width) * across), image.width);
  const bottom = Math.min(Math.ceil((y + height) * down), image.height);
  return { x: left, y: top, width: Math.max(right - left, 1), height: Math.max(bottom - top, 1) };
}

/** New pixels under the regions' masks alone. */
function confined(
  made: RgbaImage,
  { image, regions }: { readonly image: RgbaImage; readonly regions: readonly RepairRegion[] | null },
): RgbaImage {
  if (regions === null) return made;
  const { width, height } = image;
  const result: RgbaImage = { width, height, data: image.data.slice() };
  for (const region of regions) blendRegion(result, { region, patch: made, window: { x: 0, y: 0, width, height } });
  return result;
}

async function denoiseBlock(
  image: RgbaImage,
  {
    model,
    prompts,
    plan,
    guidanceScale,
    latentTileOverlap,
    conditionsOf,
    finish,
    seed,
    report,
    tile,
    restarts,
    block,
    padded,
    place,
    onStep,
  }: BlockJob & {
    readonly block: PixelRectangle;
    readonly padded: { readonly width: number; readonly height: number };
    readonly place: PixelRectangle;
    readonly onStep: (done: number) => void;
  },
): Promise<RgbaImage> {
  const { downscale, latentChannels } = model;
  const shown: BlockPixels = { image, planes: planarFromRgba(image, 'minusOneToOne'), place };
  const decoded = await denoiseImage({
    model,
    prompts,
    plan,
    guidanceScale,
    pixels: image,
    makeConditions: () => conditionsOf(shown),
    openDenoiser: (denoising) =>
      openTiledDenoiser(model, { denoising, tile, overlap: latentTileOverlap, signal: report.signal }),
    noise: (step) =>
      noiseAt(
        {
          x: block.x / downscale,
          y: block.y / downscale,
          width: block.width / downscale,
          height: block.height / downscale,
        },
        {
          seed,
          step,
          channels: latentChannels,
          whole: { width: padded.width / downscale, height: padded.height / downscale },
        },
      ),
    onStep,
    onPreview: ({ denoised }) => {
      const size = { width: image.width / downscale, height: image.height / downscale };
      showLatents(denoised, { model, size, shown: size, place, report });
    },
    onNotice: report.onNotice,
    signal: report.signal,
    restarts,
  });
  finish?.(decoded, shown);
  return rgbaFromPlanar(decoded, image);
}

/**
 * The part of the whole image's noise that a block covers: blocks agree on what they share, so they also agree on what they
 * paint there.
 */
function noiseAt(
  { x, y, width, height }: PixelRectangle,
  {
    seed,
    step,
    channels,
    whole,
  }: {
    readonly seed: number;
    readonly step: number;
    readonly channels: number;
    readonly whole: { readonly width: number; readonly height: number };
  },
): Float32Array<ArrayBuffer> {
  const noise = new Float32Array(channels * height * width);
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < height; row++) {
      const start = (channel * whole.height + y + row) * whole.width + x;
      const purpose = step < 0 ? 'start' : 'step';
      const values = seededNoise({ seed, purpose, step: Math.max(step, 0), region: noiseRegion, start, length: width });
      noise.set(values, (channel * height + row) * width);
    }
  }
  return noise;
}
