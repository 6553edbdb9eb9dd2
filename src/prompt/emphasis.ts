/**
 * P′: the prompt with what the image misses emphasised (G-Refine eq. 7), in the syntax that weights prompts everywhere.
 */
import type { Phrase } from './phrase.ts';

/** w of a phrase that only just misses its threshold [paper's range]. */
export const smallestEmphasis = 1.1;
/** w of a phrase that is not in the image at all [paper's range]. */
export const largestEmphasis = 1.5;

/**
 * Eq. 7: the weight of an unmatched phrase, growing linearly with what it lacks.
 * @param score of what is lacking, 0..threshold
 * @param threshold T_n or T_p, > 0
 * @returns 1.1..1.5
 */
export function emphasisWeight(score: number, threshold: number): number {
  const deficit = Math.min(Math.max((threshold - score) / threshold, 0), 1);
  return smallestEmphasis + (largestEmphasis - smallestEmphasis) * deficit;
}

/** Written and own weight together stay below this: beyond it, generators burn the image. */
export const largestCombinedWeight = 1.8;

/**
 * Our weight beside one the user wrote [ours]: brackets nest, so that both multiply; ours is cut where the product would pass
 * {@link largestCombinedWeight}, and never weakens what the user wrote.
 * @param written > 0
 * @param emphasis >= 1
 */
export function emphasisBeside(written: number, emphasis: number): number {
  return written <= 0 ? emphasis : Math.max(1, Math.min(emphasis, largestCombinedWeight / written));
}

/**
 * Writes `(words:w)` around each emphasised phrase of the prompt as typed. Words that are not adjacent get brackets of
 * their own, so that brackets never cross ones the user typed, and nothing else of the prompt changes.
 *
 * @param phrases with w; those with w = 1 stay as they are
 */
export function emphasisedPrompt(
  prompt: string,
  phrases: readonly { readonly phrase: Phrase; readonly emphasis: number }[],
): string {
  const runs: { start: number; end: number; emphasis: number }[] = [];
  for (const { phrase, emphasis } of phrases) {
    if (emphasis === 1) continue;
    let run: { start: number; end: number; emphasis: number } | undefined;
    for (const token of phrase.tokens) {
      if (run && run.end <= token.start && prompt.slice(run.end, token.start).trim() === '') {
        run.end = token.end;
      } else {
        run = { start: token.start, end: token.end, emphasis };
        runs.push(run);
      }
    }
  }
  runs.sort((a, b) => a.start - b.start);
  let written = '';
  let at = 0;
  for (const { start, end, emphasis } of runs) {
    // Two decimals: what the common syntax shows; more would be noise.
    written += `${prompt.slice(at, start)}(${prompt.slice(start, end)}:${Number(emphasis.toFixed(2))})`;
    at = end;
  }
  return written + prompt.slice(at);
}
