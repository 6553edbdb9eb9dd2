import type { PhraseResult } from '../quality/qualityResults.ts';

/** A stretch of the prompt: plain text, or part of a phrase. */
export interface PromptSegment {
  readonly text: string;
  /** Index of the phrase it belongs to; null: none. */
  readonly phrase: number | null;
  /** Whether it is the first stretch of its phrase: that one carries the label and the keyboard focus. */
  readonly leads: boolean;
}

/**
 * Cuts a prompt into stretches of plain text and of phrases. Tokens of one phrase with only blanks or hyphens between
 * them become one stretch; where phrases overlap, the earlier one in the list keeps the text.
 */
export function promptSegments(prompt: string, phrases: readonly Pick<PhraseResult, 'phrase'>[]): PromptSegment[] {
  const owner = new Int32Array(prompt.length).fill(-1);
  phrases.forEach(({ phrase }, index) => {
    let end = -1;
    for (const token of [...phrase.tokens].sort((a, b) => a.start - b.start)) {
      // Offsets come from another thread's splitter: a token outside the text is not drawn rather than trusted.
      const joins = end >= 0 && end < token.start && /^[\s-]*$/.test(prompt.slice(end, token.start));
      const stretchIsFree = joins && owner.slice(end, token.start).every((o) => o === -1);
      for (let i = stretchIsFree ? end : Math.max(0, token.start); i < Math.min(token.end, prompt.length); i++) {
        if (owner[i] === -1) owner[i] = index;
      }
      end = Math.max(end, token.end);
    }
  });

  const segments: PromptSegment[] = [];
  const led = new Set<number>();
  for (let start = 0; start < prompt.length; ) {
    const phrase = owner[start] as number;
    let end = start + 1;
    while (end < prompt.length && owner[end] === phrase) end++;
    segments.push({
      text: prompt.slice(start, end),
      phrase: phrase < 0 ? null : phrase,
      leads: phrase >= 0 && !led.has(phrase),
    });
    if (phrase >= 0) led.add(phrase);
    start = end;
  }
  return segments;
}
