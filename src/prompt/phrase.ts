/** A stretch of the prompt as typed: UTF-16 offsets `[start, end)`. */
export interface Span {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/**
 * One phrase of the prompt: a noun and the tokens that join it (G-Refine eq. 4), in prompt order.
 */
export interface Phrase {
  /** The phrase's tokens joined by spaces, as CLIP reads it. */
  readonly text: string;
  /** The tokens, possibly not adjacent, in prompt order. */
  readonly tokens: readonly Span[];
  /** The cluster centre. */
  readonly noun: Span;
  /** Index of the ancestor phrase (G-Refine Algorithm 1), or null: the whole image. */
  readonly ancestor: number | null;
  /** `whole`: speaks of the whole image (style, quality boosters): scored but never drawn in a place. */
  readonly scope: 'place' | 'whole';
}

/** Splits a prompt into phrases. The interim splitter and the parser implement it. Never throws; no noun: `[]`. */
export type PhraseSplitter = (prompt: string) => readonly Phrase[];
