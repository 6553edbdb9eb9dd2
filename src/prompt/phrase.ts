import type { Standing } from './standing.ts';

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
  /** The cluster centre; of a compound all its words ("flower pot"), without the syntax that may stand between them. */
  readonly noun: Span;
  /** Index of the ancestor phrase (G-Refine Algorithm 1), or null: the whole image. */
  readonly ancestor: number | null;
  /** Where it stands to its ancestor in the picture. Absent: `on` it. */
  readonly standing?: Standing;
  /** `whole`: speaks of the whole image (style, quality boosters): scored but never drawn in a place. */
  readonly scope: 'place' | 'whole';
  /** Asked to be absent ("without a hat", "no cars", `--no dogs`): a defect where it is present. Absent: false. */
  readonly negated?: boolean;
  /** The weight the user wrote (`(hat:1.2)`), the mean over the tokens, > 0. Absent: 1. */
  readonly weight?: number;
}

/** One word of a parsed sentence, with Universal Dependencies. */
export interface ParsedWord extends Span {
  /** Universal part of speech: NOUN, PROPN, ADJ… */
  readonly upos: string;
  /** 1-based index of the head in the sentence, 0 for the root. */
  readonly head: number;
  /** Relation to the head with its English subtype: `amod`, `nmod:poss`… */
  readonly deprel: string;
}

/** What a prompt says: its phrases, and the dependency trees they come from. */
export interface PromptReading {
  readonly phrases: readonly Phrase[];
  /** Stretches parsed as one sentence each, in prompt order; tags of style are not parsed. */
  readonly sentences: readonly (readonly ParsedWord[])[];
  /** A sentence for the user where not all of the prompt was read; else null. */
  readonly hint: string | null;
}

/** Reads a prompt. Never throws; no noun: no phrases. */
export type PromptReader = (prompt: string) => PromptReading;
