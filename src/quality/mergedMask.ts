/**
 * The one mask that stage 1 repaints: perceptual and alignment defects together (spec "Balanced refiner"; the paper says only
 * "mixing PQ/AQ-Map as a mask", the rest is ours).
 */
import { type Component, connectedComponents } from '../math/connectedComponents.ts';
import { squaredDistances } from '../math/distanceTransform.ts';
import { upsampleBicubic } from '../math/resampling.ts';
import type { QualityMap } from './qualityMap.ts';

/** Lengths are shares of the image's shorter side, so that a mask looks the same at every resolution. */
export interface MaskOptions {
  /** Size of the mask in pixels. */
  readonly width: number;
  readonly height: number;
  /** τ: pixels with a defect above it are masked, 0..1. */
  readonly threshold: number;
  /** How far the mask is grown: a patch does not end where the flaw does. */
  readonly dilation?: number;
  /** Width of the soft edge outside the grown mask. */
  readonly feather?: number;
  /** Regions smaller than a square of this side (before growing) are dropped. */
  readonly smallestSide?: number;
}

/** Default dilation: about half a patch of a 28 x 28 grid. */
export const defaultDilation = 0.015;
/** Default feather: wide enough to hide a seam, 20 px of 1024. */
export const defaultFeather = 0.02;
/** Default smallest region: some three patches of a 28 x 28 grid. Of smaller ones, four in five lay beside any fault in Blocks. */
export const defaultSmallestSide = 0.06;

/** A connected part of the mask, soft edge included. */
export interface MaskRegion {
  /** Bounding box in pixels of everything above 0. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Pixels above 0. */
  readonly area: number;
}

/** The merged mask at pixel resolution. */
export interface MergedMask {
  readonly width: number;
  readonly height: number;
  /** `[height, width]`, 1 inside, 0 outside, a smooth edge between. */
  readonly mask: Float32Array;
  /** Parts of the mask, top to bottom. Empty: there is nothing to repaint. */
  readonly regions: readonly MaskRegion[];
}

/**
 * `D = max(1 − M_P, D_A)` at pixel resolution, in 0..1. Both maps are upsampled before anything is clipped: clipping first
 * would flatten peaks that interpolation still needs.
 *
 * @param alignmentDefect D_A as summed (eq. 6, unclipped); null without a usable prompt
 */
export function mergedDefect(
  maps: { readonly perceptual: QualityMap; readonly alignmentDefect: QualityMap | null },
  size: { readonly width: number; readonly height: number },
): Float32Array<ArrayBuffer> {
  const defect = upsampleBicubic(maps.perceptual, size);
  const missing = maps.alignmentDefect === null ? null : upsampleBicubic(maps.alignmentDefect, size);
  for (let i = 0; i < defect.length; i++) {
    const bad = 1 - (defect[i] as number);
    const worst = missing === null ? bad : Math.max(bad, missing[i] as number);
    defect[i] = Math.min(Math.max(worst, 0), 1);
  }
  return defect;
}

/**
 * Thresholds, cleans, grows and softens the merged defect.
 *
 * @param maps absolute ones: the min-max map of mode `released` would mask a perfect image somewhere
 */
export function mergedMask(
  maps: { readonly perceptual: QualityMap; readonly alignmentDefect: QualityMap | null },
  options: MaskOptions,
): MergedMask {
  const { width, height, threshold } = options;
  const shortSide = Math.min(width, height);
  const dilation = (options.dilation ?? defaultDilation) * shortSide;
  const feather = (options.feather ?? defaultFeather) * shortSide;
  const smallestArea = ((options.smallestSide ?? defaultSmallestSide) * shortSide) ** 2;

  const defect = mergedDefect(maps, { width, height });
  const isBad = new Uint8Array(defect.length);
  for (let i = 0; i < defect.length; i++) isBad[i] = (defect[i] as number) > threshold ? 1 : 0;
  for (const region of connectedComponents(isBad, { width, height })) {
    if (region.area < smallestArea) erase(isBad, region, width);
  }

  const limit = dilation + feather;
  const distances = squaredDistances(isBad, { width, height, limit });
  // The array of defects is done with: the mask is written over it.
  const mask = defect;
  const isTouched = isBad;
  const inside = dilation * dilation;
  const outside = limit * limit;
  for (let i = 0; i < mask.length; i++) {
    const d2 = distances[i] as number;
    if (d2 <= inside) {
      mask[i] = 1;
      isTouched[i] = 1;
    } else if (d2 >= outside) {
      mask[i] = 0;
    } else {
      // Smoothstep: no visible crease where the edge begins and ends.
      const t = (limit - Math.sqrt(d2)) / feather;
      mask[i] = t * t * (3 - 2 * t);
      isTouched[i] = 1;
    }
  }
  const regions = connectedComponents(isTouched, { width, height }).map(
    ({ x, y, width: across, height: down, area }): MaskRegion => ({ x, y, width: across, height: down, area }),
  );
  return { width, height, mask, regions };
}

function erase(pixels: Uint8Array, { runs }: Component, width: number): void {
  for (let i = 0; i < runs.length; i += 3) {
    const row = (runs[i] as number) * width;
    pixels.fill(0, row + (runs[i + 1] as number), row + (runs[i + 2] as number));
  }
}
