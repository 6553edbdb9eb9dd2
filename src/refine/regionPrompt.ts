/** What stage 1 is told a bad region shows: the whole prompt, or what belongs there [ours]. */
import type { QualityMap } from '../quality/qualityMap.ts';
import type { AlignmentResult, PhraseResult } from '../quality/qualityResults.ts';
import type { RepairRegion } from './repairMask.ts';

/** A thing belongs to a region that has this share of it, or of whose cells it fills this share. */
const shareOfThing = 1 / 3;
const shareOfRegion = 1 / 2;

/**
 * The phrases that belong to a region, in the prompt's order, emphasised as in P′ (eq. 7): missing ones that are to come
 * there, wrongly described ones and those as asked that are found there, and what is said of the whole image. A model told the whole
 * prompt has to work out which of its things is under the mask; a small one paints them all.
 *
 * @param options.prompt as typed
 * @returns null: nothing is known to belong there, the whole prompt says it best
 */
export function regionPrompt(
  region: RepairRegion,
  { alignment, prompt }: { readonly alignment: AlignmentResult; readonly prompt: string },
): string | null {
  const { phrases } = alignment;
  const isHere = phrases.map(
    (result) => result.phrase.scope === 'place' && isWanted(result) && isIn(result.place ?? result.map, region),
  );
  if (!isHere.includes(true)) return null;
  const said = phrases.filter(({ phrase }, i) => isHere[i] || (phrase.scope === 'whole' && !phrase.negated));
  return said.map((result) => written(result, prompt)).join(', ');
}

function isWanted({ phrase, status }: PhraseResult): boolean {
  return !phrase.negated && status !== 'unwanted';
}

/** The phrase with its article as typed and its weight, in the syntax that weights prompts everywhere. */
function written({ phrase, emphasis }: PhraseResult, prompt: string): string {
  const [article = ''] = /\b(?:an?|the)\s+$/i.exec(prompt.slice(0, phrase.tokens[0]?.start)) ?? [];
  const text = `${article}${phrase.text}`.replace(/[\\()[\]]/g, '\\$&');
  const weight = (phrase.weight ?? 1) * emphasis;
  return weight === 1 ? text : `(${text}:${Number(weight.toFixed(2))})`;
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
