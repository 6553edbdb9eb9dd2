/** Which of a prompt's phrases a region is about [ours]. */
import type { QualityMap } from '../quality/qualityMap.ts';
import type { AlignmentResult } from '../quality/qualityResults.ts';
import type { RepairRegion } from './repairMask.ts';

/** A thing belongs to a region that has this share of it, or of whose cells it fills this share. */
const shareOfThing = 1 / 3;
const shareOfRegion = 1 / 2;

/**
 * The phrases with a place of their own that is in the region: those that are found there, and those missing that are to come there.
 *
 * @returns indices of `phrases`, ascending
 */
export function phrasesIn(region: RepairRegion, { phrases }: Pick<AlignmentResult, 'phrases'>): readonly number[] {
  return [...phrases.keys()].filter((i) => {
    const { phrase, place, map } = phrases[i] as AlignmentResult['phrases'][number];
    return phrase.scope === 'place' && isIn(place ?? map, region);
  });
}

/** Whether something lies under the mask, for a good part of it or of the mask. */
function isIn({ gridWidth, gridHeight, values }: QualityMap, { mask }: RepairRegion): boolean {
  // How much of each cell of the map is under the mask, sampled at the mask's own cells.
  const under = new Float32Array(values.length);
  let [masked, filled] = [0, 0];
  const across = gridWidth / mask.gridWidth;
  const down = gridHeight / mask.gridHeight;
  mask.values.forEach((value, i) => {
    if (value < 0.5) return;
    const x = Math.floor((mask.part.x + (i % mask.part.width)) * across);
    const y = Math.floor((mask.part.y + Math.floor(i / mask.part.width)) * down);
    const cell = y * gridWidth + x;
    under[cell] = (under[cell] as number) + across * down;
    masked++;
    if ((values[cell] as number) > 0.5) filled++;
  });
  let [thing, here] = [0, 0];
  values.forEach((value, i) => {
    if (value <= 0.5) return;
    thing++;
    here += Math.min(under[i] as number, 1);
  });
  return thing > 0 && (here >= shareOfThing * thing || filled >= shareOfRegion * masked);
}
