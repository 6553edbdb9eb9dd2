/**
 * How stage 2, or whatever else works on the whole picture, lays it out for its model: enlarged where it is small, in blocks where it is large.
 */
import type { PixelRectangle } from '../pipeline/refinement.ts';
import { pixelBlocks } from './pixelBlocks.ts';
import { waveletReach } from './waveletColour.ts';

/** Smaller images are enlarged until their shorter side is this many native sizes: PASD's 768 px for a model of 512. */
export const restoredSideShare = 1.5;

/** Most an image is enlarged: a strip of 3 x 500 pixels is not made 768 wide. */
export const largestEnlargement = 4;

/** Images of up to this many native sizes a side are one block, whose latents are tiled: seams are met at every step. */
export const wholeSideShare = 2;

/** Pixels over which blocks are blended, in the middle of what they share. */
export const blockRamp = 32;

/** Where everything lies. */
export interface RestorationLayout {
  /** The image's size for the model. */
  readonly scaled: { readonly width: number; readonly height: number };
  /** The same, continued by its mirror image to what the model takes. */
  readonly padded: { readonly width: number; readonly height: number };
  /** Of one size, covering `padded`. */
  readonly blocks: readonly PixelRectangle[];
}

/**
 * Lays an image out.
 *
 * @param options.smallestSideShare smaller images are enlarged until their shorter side is this many native sizes
 * @param options.tile side of a latent tile in pixels
 * @param options.overlap of latent tiles, in pixels; blocks share at least that, and what blending and colour need
 * @param options.granularity sides of what a model works on are multiples of it
 * @param options.downscale pixels per latent: blocks start at whole latents
 */
export function restorationLayout(
  { width, height }: { readonly width: number; readonly height: number },
  {
    nativeSize,
    granularity,
    downscale,
    tile,
    overlap,
    smallestSideShare = restoredSideShare,
    largestWhole = nativeSize * wholeSideShare,
  }: {
    readonly nativeSize: number;
    readonly granularity: number;
    readonly downscale: number;
    readonly tile: number;
    readonly overlap: number;
    readonly smallestSideShare?: number;
    readonly largestWhole?: number;
  },
): RestorationLayout {
  const wanted = (nativeSize * smallestSideShare) / Math.min(width, height);
  const scale = Math.min(Math.max(wanted, 1), largestEnlargement);
  const scaled = { width: Math.round(width * scale), height: Math.round(height * scale) };
  const up = (side: number, multiple: number) => Math.ceil(side / multiple) * multiple;

  const whole = Math.max(largestWhole, tile);
  if (Math.max(scaled.width, scaled.height) <= whole) {
    const padded = { width: up(scaled.width, granularity), height: up(scaled.height, granularity) };
    return { scaled, padded, blocks: [{ x: 0, y: 0, ...padded }] };
  }
  const side = up(tile, granularity);
  const axis = (length: number) =>
    length <= side
      ? { padded: up(length, granularity), block: up(length, granularity) }
      : { padded: up(length, downscale), block: side };
  const [across, down] = [axis(scaled.width), axis(scaled.height)];
  const padded = { width: across.padded, height: down.padded };
  const shared = up(Math.max(overlap, blockRamp + 2 * waveletReach), downscale);
  const blocks = pixelBlocks(padded, {
    block: { width: across.block, height: down.block },
    // Small tiles, chosen when memory is short, still have to move on.
    overlap: Math.min(shared, Math.floor(Math.min(across.block, down.block) / 2 / downscale) * downscale),
    multiple: downscale,
  });
  return { scaled, padded, blocks };
}
