/**
 * Which parts of an image a model is shown: each bad region with some of its surroundings, at the size the model was trained
 * at. Only these are processed, so a large image costs no more than its bad parts (spec "Balanced refiner").
 */
import { cropImage, mirroredIndex, padMirrored } from '../image/cropImage.ts';
import { resizeBicubic } from '../image/resizeBicubic.ts';
import type { RgbaImage } from '../image/rgbaImage.ts';
import type { PixelRectangle } from '../pipeline/refinement.ts';
import type { RepairRegion } from './repairMask.ts';
import { readMaskRow } from './softMask.ts';

/**
 * Most a crop is enlarged for the model, where the image is large enough for a larger crop instead. A small face gains from
 * being painted large; beyond twice its size there is more invented than repaired.
 */
export const largestMagnification = 2;

/** A crop of at least this share of the native size takes all of it: pixels then pass without being resampled. */
export const nearNative = 0.75;

/** Shorter sides than this share of the native size are padded: models trained on squares fail on narrow strips. */
export const smallestSideShare = 0.5;

/** A window of the image as a model sees it. */
export interface RegionCrop {
  /** In the image's pixels. */
  readonly window: PixelRectangle;
  /** The window's size once scaled for the model, in pixels; top left of `working`, mirrored beyond. */
  readonly content: { readonly width: number; readonly height: number };
  /** What the model works on: multiples of `granularity`. */
  readonly working: { readonly width: number; readonly height: number };
  /** What is repainted in it. */
  readonly regions: readonly RepairRegion[];
}

/** What decides the crops. */
export interface CropOptions {
  readonly image: { readonly width: number; readonly height: number };
  /** Side in pixels the model was trained at. */
  readonly nativeSize: number;
  /** Sides of what a model works on are multiples of it: pixels per latent times the UNet's own downscale, 64. */
  readonly granularity: number;
  /** Surroundings on each side, as a share of the region's longer side. */
  readonly context: number;
}

/**
 * The crops that repaint all regions. Regions share one where their crops overlap and one of the native size, or of the larger
 * one's, holds both; crops that still overlap are repainted one after the other, each seeing the one before.
 */
export function regionCrops(regions: readonly RepairRegion[], options: CropOptions): readonly RegionCrop[] {
  let groups = regions.map((region) => groupOf([region], options));
  for (let merged = true; merged; ) {
    merged = false;
    search: for (let i = 0; i < groups.length; i++) {
      for (let j = i + 1; j < groups.length; j++) {
        const [a, b] = [groups[i] as Group, groups[j] as Group];
        if (!overlap(a.window, b.window)) continue;
        const both = groupOf([...a.regions, ...b.regions], options);
        if (both.side > Math.max(options.nativeSize, a.side, b.side)) continue;
        groups = [...groups.slice(0, i), both, ...groups.slice(i + 1, j), ...groups.slice(j + 1)];
        merged = true;
        break search;
      }
    }
  }
  return groups.map(({ window, regions: own }) => ({ window, regions: own, ...modelSize(window, options) }));
}

interface Group {
  readonly regions: readonly RepairRegion[];
  readonly window: PixelRectangle;
  /** Side of the square wanted, in pixels; the window is cut where the image is narrower. */
  readonly side: number;
}

function groupOf(regions: readonly RepairRegion[], { image, nativeSize, context }: CropOptions): Group {
  const box = boundingBox(regions.map(({ place }) => place));
  const longer = Math.max(box.width, box.height);
  const wanted = Math.max(longer + 2 * Math.ceil(context * longer), Math.ceil(nativeSize / largestMagnification));
  const side = wanted < nativeSize && wanted >= nearNative * nativeSize ? nativeSize : wanted;
  const width = Math.min(side, image.width);
  const height = Math.min(side, image.height);
  const x = placed(box.x + box.width / 2, width, image.width);
  const y = placed(box.y + box.height / 2, height, image.height);
  return { regions, side, window: { x, y, width, height } };
}

/** Start of a stretch centred at `centre`, moved into `0..limit`. */
function placed(centre: number, length: number, limit: number): number {
  return Math.min(Math.max(Math.round(centre - length / 2), 0), limit - length);
}

/** The same crop for a model that works at another size, as when memory is short. */
export function resizedCrop(crop: RegionCrop, options: Pick<CropOptions, 'nativeSize' | 'granularity'>): RegionCrop {
  return { ...crop, ...modelSize(crop.window, options) };
}

function modelSize(
  { width, height }: PixelRectangle,
  { nativeSize, granularity }: Pick<CropOptions, 'nativeSize' | 'granularity'>,
) {
  const scale = nativeSize / Math.max(width, height);
  const content = { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
  const smallest = nativeSize * smallestSideShare;
  const rounded = (side: number) => Math.ceil(Math.max(side, smallest) / granularity) * granularity;
  return { content, working: { width: rounded(content.width), height: rounded(content.height) } };
}

/** The smallest rectangle around some; @throws RangeError on none */
export function boundingBox(places: readonly PixelRectangle[]): PixelRectangle {
  if (places.length === 0) throw new RangeError('No rectangles');
  const x = Math.min(...places.map((place) => place.x));
  const y = Math.min(...places.map((place) => place.y));
  const right = Math.max(...places.map((place) => place.x + place.width));
  const bottom = Math.max(...places.map((place) => place.y + place.height));
  return { x, y, width: right - x, height: bottom - y };
}

/** Whether two rectangles share a pixel. */
export function overlap(a: PixelRectangle, b: PixelRectangle): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/** The window's pixels as the model sees them: scaled to `content`, mirrored out to `working`. */
export function cropForModel(image: RgbaImage, { window, content, working }: RegionCrop): RgbaImage {
  return padMirrored(resized(cropImage(image, window), content), working);
}

/** What the model made of a crop, at the window's size. */
export function cropFromModel(made: RgbaImage, { window, content }: RegionCrop): RgbaImage {
  return resized(cropImage(made, { x: 0, y: 0, ...content }), window);
}

function resized(image: RgbaImage, { width, height }: { readonly width: number; readonly height: number }): RgbaImage {
  return image.width === width && image.height === height ? image : resizeBicubic(image, { width, height });
}

/**
 * Which pixels the model repaints: those where the mask is at least a half, as diffusers binarises it.
 *
 * @returns `[working.height, working.width]`, 1 = repaint
 */
export function repaintedPixels({ window, content, working, regions }: RegionCrop): Uint8Array {
  const nearest = (at: number, from: number, to: number) => Math.floor(((at + 0.5) * to) / from);
  const columns = Int32Array.from({ length: working.width }, (_, x) =>
    nearest(mirroredIndex(x, content.width), content.width, window.width),
  );
  const row = new Float32Array(window.width);
  const repainted = new Uint8Array(working.width * working.height);
  for (let y = 0; y < working.height; y++) {
    const from = window.y + nearest(mirroredIndex(y, content.height), content.height, window.height);
    for (const { mask, place } of regions) {
      if (from < place.y || from >= place.y + place.height) continue;
      readMaskRow(mask, { x: window.x, y: from }, row);
      for (let x = 0; x < working.width; x++) {
        if ((row[columns[x] as number] as number) >= 0.5) repainted[y * working.width + x] = 1;
      }
    }
  }
  return repainted;
}
