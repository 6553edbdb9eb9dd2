/**
 * What is to be repaired: the merged mask of an analysis, region by region, and how good each region is.
 */
import { connectedComponents } from '../math/connectedComponents.ts';
import type { AnalysisResult } from '../pipeline/analysis.ts';
import type { PixelRectangle } from '../pipeline/refinement.ts';
import { defectSum, mismatch } from '../quality/alignmentMap.ts';
import { defaultSmallestSide, mergedDefect, mergedMask } from '../quality/mergedMask.ts';
import { faultless, type QualityMap } from '../quality/qualityMap.ts';
import type { AlignmentResult, PerceptualFactor, PerceptualResult } from '../quality/qualityResults.ts';
import type { RefineSettings } from './refineSettings.ts';
import { maskBounds, type SoftMask } from './softMask.ts';

/**
 * Longest side of the grid that masks and defects are worked out on; an image's own pixels where it is smaller. Maps have
 * at most 32 x 32 cells, and the soft edge is some 20 cells wide: a finer grid would hold nothing more, and grow with the image.
 */
export const largestMaskSide = 1024;

/** A connected part of the mask, soft edge included. */
export interface RepairRegion {
  /** Every pixel that may change, as a rectangle. */
  readonly place: PixelRectangle;
  /** 1 = repaint, 0 = keep; this region alone. */
  readonly mask: SoftMask;
  readonly fault: RegionFault;
}

/**
 * What is wrong with a region [ours]. `mismatch`: something is missing or other than asked for. Else it only looks bad, and the fault is
 * the worst of the PQ-Map's three factors: `technical` (blurred, noisy, blocky), `rationality` (misshapen) or `naturalness` (colours and
 * light).
 */
export type RegionFault = 'mismatch' | PerceptualFault;

type PerceptualFault = Exclude<PerceptualFactor, 'overall'>;

const perceptualFaults = ['rationality', 'technical', 'naturalness'] as const satisfies readonly PerceptualFault[];

/** D of an image on the grid its masks are worked out on. */
export interface DefectGrid {
  readonly width: number;
  readonly height: number;
  /** D = max(1 − M_P, D_A), `[height, width]`, 0..1. */
  readonly values: Float32Array;
}

/** What is known of an image whose repair is decided on. */
export type Analysed = Pick<AnalysisResult, 'imageWidth' | 'imageHeight' | 'perceptual' | 'alignment'>;

/** The settings that decide what is repaired. */
export type RepairChoice = Pick<RefineSettings, 'maskThreshold' | 'leastDamage'> & {
  readonly stage1: Pick<RefineSettings['stage1'], 'leastMismatch' | 'leastLegible'>;
};

/** Cells of the grid for an image of this size. */
export function maskGrid({ width, height }: { readonly width: number; readonly height: number }) {
  const scale = Math.min(1, largestMaskSide / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** D of an analysed image. */
export function defectGrid(analysis: AnalysisResult): DefectGrid {
  const grid = maskGrid({ width: analysis.imageWidth, height: analysis.imageHeight });
  const maps = { perceptual: analysis.perceptual.map, alignmentDefect: analysis.alignment?.defect ?? null };
  return { ...grid, values: mergedDefect(maps, grid) };
}

/**
 * The regions where an image's merged defect exceeds τ (spec "Balanced refiner"): those that miss the prompt, then those that are only
 * damaged, each top to bottom; none: nothing is bad. Where the one borders on the other they stay apart [ours]: what is missing is
 * painted from the ground up, and good work beside it that only looks worn is not to go with it.
 *
 * @param settings `maskThreshold`, `leastDamage`, and of stage 1 `leastMismatch` and `leastLegible` decide
 */
export function repairRegions(
  analysis: Analysed,
  { maskThreshold: threshold, leastDamage, stage1: { leastMismatch, leastLegible } }: RepairChoice,
): readonly RepairRegion[] {
  const image = { width: analysis.imageWidth, height: analysis.imageHeight };
  const grid = maskGrid(image);
  const perceptual = analysis.perceptual.map;
  const alignmentDefect = analysis.alignment && sureDefect(analysis.alignment, leastMismatch);
  const damage = mergedMask({ perceptual, alignmentDefect: null }, { ...grid, threshold }).mask;
  const looks = { ...grid, values: mergedDefect({ perceptual, alignmentDefect: null }, grid) };
  const damaged = (mask: Float32Array) =>
    regionsOfMask(mask, { grid, image })
      .filter((region) => worstDefect(region, looks) >= leastDamage)
      .map((region) => ({ ...region, fault: worstFactor(region, analysis.perceptual) }));
  const unlessIllegible = (region: RepairRegion): RepairRegion => {
    const { technical, naturalness } = factorsUnder(region, analysis.perceptual);
    if (Math.min(technical, naturalness) >= leastLegible) return region;
    return { ...region, fault: technical < naturalness ? 'technical' : 'naturalness' };
  };
  if (alignmentDefect === null) return damaged(damage);
  const mismatch = mergedMask({ perceptual: faultless(perceptual), alignmentDefect }, { ...grid, threshold }).mask;
  const smallestArea = (defaultSmallestSide * Math.min(grid.width, grid.height)) ** 2;
  const apart = damage.map((value, i) => Math.min(value, 1 - (mismatch[i] as number)));
  return [
    ...regionsOfMask(mismatch, { grid, image, fault: 'mismatch' }).map(unlessIllegible),
    // Where the two met, a rim may be left of the damage.
    ...damaged(apart).filter(({ mask }) => mask.values.filter((value) => value >= 0.5).length >= smallestArea),
  ];
}

/** All of {@link repairRegions} in one mask on the image's {@link maskGrid}, `[height, width]`, 0..1. */
export function repairMask(analysis: Analysed, choice: RepairChoice): Float32Array {
  const grid = maskGrid({ width: analysis.imageWidth, height: analysis.imageHeight });
  const all = new Float32Array(grid.width * grid.height);
  for (const { mask } of repairRegions(analysis, choice)) {
    const { part, values } = mask;
    values.forEach((value, i) => {
      const at = (part.y + Math.floor(i / part.width)) * grid.width + part.x + (i % part.width);
      all[at] = Math.max(all[at] as number, value);
    });
  }
  return all;
}

/** D_A of the phrases alone that are at least so surely not as asked. */
function sureDefect({ phrases, defect }: AlignmentResult, least: number): QualityMap {
  const sure = phrases.filter((phrase) => mismatch(phrase) >= least);
  return { ...defect, values: defectSum(sure, defect.values.length) };
}

/** D of the worst cell of a region, each as far as the mask has it. */
function worstDefect({ mask: { part, values } }: RepairRegion, { width, values: defect }: DefectGrid): number {
  return values.reduce((worst, value, i) => {
    const row = part.y + Math.floor(i / part.width);
    return Math.max(worst, value * (defect[row * width + part.x + (i % part.width)] as number));
  }, 0);
}

/** Of damage: which of the factors that tell kinds of it apart is the worst under the mask. */
function worstFactor(region: RepairRegion, perceptual: PerceptualResult): PerceptualFault {
  const factors = factorsUnder(region, perceptual);
  return perceptualFaults.reduce((worst, factor) => (factors[factor] < factors[worst] ? factor : worst));
}

/** Means of the factors under a region's mask, 0..1, each place counted as much as it is bad. */
function factorsUnder({ mask }: RepairRegion, { map, factorMaps }: PerceptualResult): Record<PerceptualFault, number> {
  const sums = { technical: 0, rationality: 0, naturalness: 0 };
  let weights = 0;
  mask.values.forEach((m, i) => {
    const u = (mask.part.x + (i % mask.part.width) + 0.5) / mask.gridWidth;
    const v = (mask.part.y + Math.floor(i / mask.part.width) + 0.5) / mask.gridHeight;
    const patch = Math.floor(v * map.gridHeight) * map.gridWidth + Math.floor(u * map.gridWidth);
    const weight = m * (1 - (map.values[patch] as number));
    weights += weight;
    for (const factor of perceptualFaults) sums[factor] += weight * (factorMaps[factor].values[patch] as number);
  });
  const mean = (sum: number) => (weights > 0 ? sum / weights : 1);
  return {
    technical: mean(sums.technical),
    rationality: mean(sums.rationality),
    naturalness: mean(sums.naturalness),
  };
}

/**
 * A region of whose new pixels each counts as much as what was there was bad: its mask times D². What a restoration gives to damage it
 * takes from detail that was good, and a region's mask reaches beyond the damage [ours; D itself takes away more of what is good, D³
 * leaves more of what is bad, both measured on Blocks].
 */
export function asFarAsBad(region: RepairRegion, { width, values: defect }: DefectGrid): RepairRegion {
  const { part, values } = region.mask;
  const weighed = values.map((value, i) => {
    const row = part.y + Math.floor(i / part.width);
    return value * (defect[row * width + part.x + (i % part.width)] as number) ** 2;
  });
  return { ...region, mask: { ...region.mask, values: weighed } };
}

/** The connected parts of a mask, each with the mask of its own cells alone. */
export function regionsOfMask(
  mask: Float32Array,
  {
    grid,
    image,
    fault = 'rationality',
  }: {
    readonly grid: { readonly width: number; readonly height: number };
    readonly image: { readonly width: number; readonly height: number };
    readonly fault?: RegionFault;
  },
): readonly RepairRegion[] {
  const isTouched = new Uint8Array(mask.length);
  for (let i = 0; i < mask.length; i++) isTouched[i] = (mask[i] as number) > 0 ? 1 : 0;
  return connectedComponents(isTouched, grid).map(({ x, y, width, height, runs }) => {
    // Boxes of neighbours may overlap: only the cells of this one are copied.
    const values = new Float32Array(width * height);
    for (let i = 0; i < runs.length; i += 3) {
      const [row, start, end] = [runs[i] as number, runs[i + 1] as number, runs[i + 2] as number];
      values.set(mask.subarray(row * grid.width + start, row * grid.width + end), (row - y) * width + start - x);
    }
    const soft: SoftMask = {
      gridWidth: grid.width,
      gridHeight: grid.height,
      imageWidth: image.width,
      imageHeight: image.height,
      part: { x, y, width, height },
      values,
    };
    return { place: maskBounds(soft), mask: soft, fault };
  });
}

/**
 * Mean quality 1 − D over regions, each cell weighted by the mask: what decides how strongly they are repainted, and whether
 * that was kept.
 *
 * @returns 0..1; 1 for no region
 */
export function regionQuality(regions: readonly RepairRegion[], defect: DefectGrid): number {
  let weight = 0;
  let lack = 0;
  for (const { mask } of regions) {
    const { part, values } = mask;
    for (let y = 0; y < part.height; y++) {
      for (let x = 0; x < part.width; x++) {
        const m = values[y * part.width + x] as number;
        weight += m;
        lack += m * (defect.values[(part.y + y) * defect.width + part.x + x] as number);
      }
    }
  }
  return weight === 0 ? 1 : 1 - lack / weight;
}
