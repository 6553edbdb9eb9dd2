/**
 * The balance gate [ours]: after each stage the maps are computed again, and where quality fell the old pixels stay. The paper
 * balances by strength alone; a gate also catches what a model gets wrong.
 */
import type { AnalysisResult } from '../pipeline/analysis.ts';
import type { RegionOutcome } from '../pipeline/refinement.ts';
import { mismatch } from '../quality/alignmentMap.ts';
import { mergedMask } from '../quality/mergedMask.ts';
import type { AlignmentResult, PhraseResult } from '../quality/qualityResults.ts';
import type { RefineSettings } from './refineSettings.ts';
import { phrasesIn } from './regionPhrases.ts';
import { type DefectGrid, type RepairRegion, regionQuality, regionsOfMask } from './repairMask.ts';

/** Q_P · Q_A, or Q_P where there is nothing the image could be held against; 0..1. */
export function overallQuality({ perceptual, alignment }: AnalysisResult): number {
  return perceptual.score * (alignment?.score ?? 1);
}

/** What the gate reads of an image at some point. */
export interface Judged {
  readonly defect: DefectGrid;
  /** What of the analysis decides. */
  readonly seen: Pick<AnalysisResult, 'alignment'>;
}

/** What the gate reads of each stage. */
export interface GateOptions {
  readonly stage: RegionOutcome['stage'];
  readonly before: Judged;
  readonly after: Judged;
  /** What the regions were found by, where that is not what was held against the prompt last. */
  readonly found?: AlignmentResult | null;
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
 * whether what was missed there is met now [ours], wherever in the image: the empty ground that was there before looked flawless, and
 * once something else stands there, what is still missing would come to another place. Looks are weighed against that in the image as
 * a whole, by Q_P · Q_A ({@link leastQuality}).
 */
export function gateRegions(regions: readonly RepairRegion[], options: GateOptions): readonly GatedRegion[] {
  const { stage, before, after, found = before.seen.alignment } = options;
  return regions.map((region) => {
    const missed = stage === 'inpaint' && region.fault === 'mismatch' ? missedIn(region, found) : [];
    const quality = ({ defect, seen }: Judged) =>
      missed.length > 0 && seen.alignment ? meanMatch(missed, seen.alignment) : regionQuality([region], defect);
    return {
      region,
      outcome: decide({ place: region.place, before: quality(before), after: quality(after), options }),
    };
  });
}

/** The phrases of a region that are not as asked, as indices. */
function missedIn(region: RepairRegion, alignment: AlignmentResult | null): readonly number[] {
  if (alignment === null) return [];
  return phrasesIn(region, alignment).filter((i) => mismatch(alignment.phrases[i] as PhraseResult) > 0);
}

/** How far some of the phrases are as asked, 0..1; 1: all of them are. */
function meanMatch(indices: readonly number[], { phrases }: AlignmentResult): number {
  const sum = indices.reduce((total, i) => total + mismatch(phrases[i] as PhraseResult), 0);
  return 1 - sum / indices.length;
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
  const { tolerance, image } = options;
  const [before, after] = [options.before.defect, options.after.defect];
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
  const { image } = options;
  const [before, after] = [options.before.defect, options.after.defect];
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
 * The quality a further version of an image needs to be built on: more than that of the original by a share of it, or of what it lacks,
 * whichever is less; and no less than that of the best version so far, but for the tolerance.
 *
 * @param qualities overall quality of the original and of each version kept since
 */
export function leastQuality(
  qualities: readonly number[],
  { gateTolerance, leastImprovement }: Pick<RefineSettings, 'gateTolerance' | 'leastImprovement'>,
): number {
  const original = qualities[0] as number;
  const worthIt = original + leastImprovement * Math.min(original, 1 - original);
  return Math.max(worthIt, Math.max(...qualities) - gateTolerance);
}
