/**
 * The balance gate [ours]: after each stage the maps are computed again, and where quality fell the old pixels stay. The paper
 * balances by strength alone; a gate also catches what a model gets wrong.
 */
import type { AnalysisResult } from '../pipeline/analysis.ts';
import type { RegionOutcome } from '../pipeline/refinement.ts';
import { mergedMask } from '../quality/mergedMask.ts';
import { type DefectGrid, type RepairRegion, regionQuality, regionsOfMask } from './repairMask.ts';

/** Q_P · Q_A, or Q_P where there is nothing the image could be held against; 0..1. */
export function overallQuality({ perceptual, alignment }: AnalysisResult): number {
  return perceptual.score * (alignment?.score ?? 1);
}

/** What the gate reads of each stage. */
export interface GateOptions {
  readonly stage: RegionOutcome['stage'];
  readonly before: DefectGrid;
  readonly after: DefectGrid;
  /** A fall of mean quality beyond it is rejected, 0..1; below 0: a rise that is smaller than that. */
  readonly tolerance: number;
}

/** A region and what was decided about it. */
export interface GatedRegion {
  readonly region: RepairRegion;
  readonly outcome: RegionOutcome;
}

/**
 * Decides about each region by its mean quality before and after. What stage 1 painted where the prompt was missed is judged by
 * whether the prompt is met now [ours]: the empty ground that was there before looked flawless. Looks are weighed against that in the
 * image as a whole, by Q_P · Q_A ({@link lastGoodVersion}).
 */
export function gateRegions(regions: readonly RepairRegion[], options: GateOptions): readonly GatedRegion[] {
  return regions.map((region) => {
    const by = options.stage === 'inpaint' && region.fault === 'mismatch' ? 'match' : 'all';
    const [before, after] = [options.before, options.after].map((defect) => regionQuality([region], defect, by)) as [
      number,
      number,
    ];
    return { region, outcome: decide({ place: region.place, before, after, options }) };
  });
}

function decide({
  place,
  before,
  after,
  options: { stage, tolerance },
}: Pick<RegionOutcome, 'place' | 'before' | 'after'> & { readonly options: GateOptions }): RegionOutcome {
  const kept = after >= before - tolerance;
  const reason = kept
    ? null
    : `${deed[stage]} ${after < before ? 'lowered' : 'hardly raised'} the quality here from ${percents(before, after).join(' to ')} of 100.`;
  return { place, stage, before, after, kept, reason };
}

const deed = { inpaint: 'Repainting', restore: 'Restoring' } as const;

/** Most decimals of a percentage: finer differences are none. */
const mostDecimals = 4;

/** Two qualities, 0..1, in percent: with one decimal, or as many as it takes to tell them apart, if anything does. */
export function percents(a: number, b: number): [string, string] {
  const written = (decimals: number) => [a, b].map((quality) => (100 * quality).toFixed(decimals)) as [string, string];
  for (let decimals = 1; decimals <= mostDecimals; decimals++) {
    const [left, right] = written(decimals);
    if (left !== right) return [left, right];
  }
  return written(1);
}

/**
 * Blocks along the shorter side over which a fall is averaged: some three patches each. Single patches rise and fall with any
 * change, and a mosaic of old and new would be the result.
 */
export const gateBlocks = 8;

/**
 * The areas of an image changed as a whole where quality fell, soft edges included, each with the gate's decision; those it
 * keeps are left out.
 *
 * @param options.image its size in pixels
 */
export function fallenRegions(
  options: GateOptions & { readonly image: { readonly width: number; readonly height: number } },
): readonly GatedRegion[] {
  const { before, after, tolerance, image } = options;
  const blocks = meanFall(before, after);
  // A fall is a defect of its own: the mask of a map that is 1 where nothing fell.
  const { mask } = mergedMask(
    { perceptual: { ...blocks, values: blocks.values.map((fall) => 1 - fall) }, alignmentDefect: null },
    { width: before.width, height: before.height, threshold: tolerance },
  );
  const regions = regionsOfMask(mask, { grid: before, image });
  return gateRegions(regions, options).filter(({ outcome }) => !outcome.kept);
}

/** Mean of D after − D before, block by block. */
function meanFall(before: DefectGrid, after: DefectGrid) {
  const side = Math.min(before.width, before.height) / gateBlocks;
  const gridWidth = Math.min(before.width, Math.max(1, Math.round(before.width / side)));
  const gridHeight = Math.min(before.height, Math.max(1, Math.round(before.height / side)));
  const sums = new Float64Array(gridWidth * gridHeight);
  const counts = new Uint32Array(gridWidth * gridHeight);
  for (let y = 0; y < before.height; y++) {
    const row = Math.floor((y * gridHeight) / before.height) * gridWidth;
    for (let x = 0; x < before.width; x++) {
      const block = row + Math.floor((x * gridWidth) / before.width);
      const at = y * before.width + x;
      sums[block] = (sums[block] as number) + (after.values[at] as number) - (before.values[at] as number);
      counts[block] = (counts[block] as number) + 1;
    }
  }
  const values = Float32Array.from(sums, (sum, i) => sum / (counts[i] as number));
  return { gridWidth, gridHeight, values };
}

/** Decides about the whole image: what a stage did apart from the regions that were rejected anyway. */
export function gateWhole(
  rejected: readonly GatedRegion[],
  options: GateOptions & { readonly image: { readonly width: number; readonly height: number } },
): RegionOutcome {
  const { before, after, image } = options;
  const weight = new Float32Array(before.values.length).fill(1);
  for (const { region } of rejected) {
    const { part, values } = region.mask;
    for (let y = 0; y < part.height; y++) {
      for (let x = 0; x < part.width; x++) {
        const at = (part.y + y) * before.width + part.x + x;
        weight[at] = Math.min(weight[at] as number, 1 - (values[y * part.width + x] as number));
      }
    }
  }
  let was = 0;
  let is = 0;
  for (let i = 0; i < weight.length; i++) {
    const [old, made, w] = [before.values[i] as number, after.values[i] as number, weight[i] as number];
    was += old;
    is += old + w * (made - old);
  }
  const place = { x: 0, y: 0, width: image.width, height: image.height };
  return decide({ place, before: 1 - was / weight.length, after: 1 - is / weight.length, options });
}

/**
 * Which of the versions of an image to keep: the last that is no worse than the original, nor worse than one before it by more
 * than the tolerance.
 *
 * @param qualities overall quality of the original and after each stage
 * @returns its index; 0: the original
 */
export function lastGoodVersion(qualities: readonly number[], tolerance: number): number {
  const original = qualities[0] as number;
  for (let i = qualities.length - 1; i > 0; i--) {
    const quality = qualities[i] as number;
    if (quality >= original && quality >= Math.max(...qualities.slice(0, i)) - tolerance) return i;
  }
  return 0;
}
