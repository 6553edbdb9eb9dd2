/** What stage 1 is told a bad region shows: the whole prompt, or what belongs there [ours]. */
import type { AlignmentResult, PhraseResult } from '../quality/qualityResults.ts';
import { phrasesIn } from './regionPhrases.ts';
import type { RepairRegion } from './repairMask.ts';

/**
 * The phrases that belong to one of some regions, in the prompt's order, emphasised as in P′ (eq. 7): missing ones that are to come
 * there, wrongly described ones and those as asked that are found there, and what is said of the whole image. A model told the whole
 * prompt has to work out which of its things is under the mask; a small one paints them all.
 *
 * @param options.prompt as typed
 * @returns null: nothing is known to belong there, the whole prompt says it best
 */
export function regionPrompt(
  regions: readonly RepairRegion[],
  { alignment, prompt }: { readonly alignment: AlignmentResult; readonly prompt: string },
): string | null {
  const { phrases } = alignment;
  const inOne = new Set(regions.flatMap((region) => phrasesIn(region, alignment)));
  const here = [...inOne].filter((i) => isWanted(phrases[i] as PhraseResult));
  if (here.length === 0) return null;
  const said = phrases.filter(({ phrase }, i) => here.includes(i) || (phrase.scope === 'whole' && !phrase.negated));
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
