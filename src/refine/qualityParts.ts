/**
 * Q-Refine's view of an image: n × n parts, each of low, medium or high quality, and what is made of them: the mask that keeps the good
 * ones, and how good those under it are.
 */
import { squaredDistances } from '../math/distanceTransform.ts';
import type { QualityMap } from '../quality/qualityMap.ts';
import type { QRefineSettings } from './qRefineSettings.ts';
import { type DefectGrid, maskGrid, type RepairRegion, regionsOfMask } from './repairMask.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}

/** The three qualities of Q-Refine. */
export type QualityLevel = 'low' | 'medium' | 'high';

/** The level of a quality, by two thresholds. */
export function qualityLevel(
  quality: number,
  { lowBelow, highFrom }: Pick<QRefineSettings, 'lowBelow' | 'highFrom'>,
): QualityLevel {
  if (quality < lowBelow) return 'low';
  return quality < highFrom ? 'medium' : 'high';
}

/** A map averaged over n × n parts of the image, patches that lie in several of them by their share. */
export function qualityParts({ gridWidth, gridHeight, values }: QualityMap, n: number): QualityMap {
  const parts = new Float32Array(n * n);
  for (let i = 0; i < parts.length; i++) {
    const rows = shares(Math.floor(i / n), gridHeight, n);
    const columns = shares(i % n, gridWidth, n);
    let total = 0;
    for (const [y, down] of rows) {
      for (const [x, across] of columns) total += down * across * (values[y * gridWidth + x] as number);
    }
    parts[i] = total;
  }
  return { gridWidth: n, gridHeight: n, values: parts };
}

/** Which patches of an axis a part covers, and their share in it: together 1. */
function shares(part: number, patches: number, n: number): [number, number][] {
  const [start, end] = [(part * patches) / n, ((part + 1) * patches) / n];
  const found: [number, number][] = [];
  for (let at = Math.floor(start); at < end; at++) {
    const covered = Math.min(end, at + 1) - Math.max(start, at);
    if (covered > 1e-9) found.push([at, covered / (end - start)]);
  }
  return found;
}

/** Mean quality of all parts, 0..1. */
export function meanQuality({ values }: QualityMap): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The value of the part that a point lies in; `u` and `v` 0..1 over the image. */
export function partAt({ gridWidth, gridHeight, values }: QualityMap, { u, v }: { u: number; v: number }): number {
  const x = Math.min(Math.max(Math.floor(u * gridWidth), 0), gridWidth - 1);
  const y = Math.min(Math.max(Math.floor(v * gridHeight), 0), gridHeight - 1);
  return values[y * gridWidth + x] as number;
}

/** 1 − quality of the parts on the grid that masks are worked out on: decides how strongly each region is repainted. */
export function lackOfParts(parts: QualityMap, image: Size): DefectGrid {
  const quality = qualityGrid(parts, image);
  return { ...quality, values: quality.values.map((value) => 1 - value) };
}

/** Quality of the parts on the grid that masks are worked out on. */
function qualityGrid(parts: QualityMap, image: Size): DefectGrid {
  const { width, height } = maskGrid(image);
  const values = Float32Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return partAt(parts, { u: (x + 0.5) / width, v: (y + 0.5) / height });
  });
  return { width, height, values };
}

/**
 * What Q-Refine repaints: all parts that are not of high quality, under a mask that is smooth [ours: inwards, so that it is 0
 * wherever quality is high].
 *
 * @returns its connected regions, top to bottom; none: all of the image is good
 */
export function repaintedParts(
  parts: QualityMap,
  { image, settings }: { readonly image: Size; readonly settings: QRefineSettings },
): readonly RepairRegion[] {
  const grid = maskGrid(image);
  const { values } = qualityGrid(parts, image);
  const isKept = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    isKept[i] = qualityLevel(values[i] as number, settings) === 'high' ? 1 : 0;
  }
  const side = Math.min(grid.width / parts.gridWidth, grid.height / parts.gridHeight);
  const edge = Math.max(settings.maskSmoothing * side, 1e-6);
  // Between the cells of a grid coarser than the pixels the mask is interpolated: its first cell stays 0.
  const margin = grid.width === image.width && grid.height === image.height ? 0 : 1;
  const distances = squaredDistances(isKept, { ...grid, limit: edge + margin });
  const mask = values;
  for (let i = 0; i < mask.length; i++) {
    const t = Math.min(Math.max((Math.sqrt(distances[i] as number) - margin) / edge, 0), 1);
    mask[i] = t * t * (3 - 2 * t);
  }
  return regionsOfMask(mask, { grid, image });
}
