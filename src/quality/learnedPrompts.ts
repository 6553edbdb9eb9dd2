/**
 * The quality words as the authors learned them: the published `PQ-*.pth` contexts (spec "PQ-Map", mode `learned`).
 */

import type { ClipEncoder } from '../pipeline/ports.ts';
import type { QualityWordFeatures } from './perceptualMap.ts';
import type { PerceptualFactor } from './qualityResults.ts';

/**
 * One published file: a pair of prompts, index 0 the good one, as token embeddings without positions. Structurally what
 * `checkpoint/promptContexts.ts` reads.
 */
export interface LearnedContext {
  /** Learned vectors, `[2, contextVectors, width]`. */
  readonly ctx: Float32Array;
  /** Start of text, `[2, 1, width]`. */
  readonly tokenPrefix: Float32Array;
  /** The name's three tokens ("Good photo." / "Bad photo."), end of text and padding, `[2, rest, width]`. */
  readonly tokenSuffix: Float32Array;
  /** Width of the text transformer the file was learned for. */
  readonly width: number;
  /** Length of a sequence, `1 + contextVectors + rest`. */
  readonly contextLength: number;
}

/** The published contexts of all four factors. */
export type LearnedContexts = Readonly<Record<PerceptualFactor, LearnedContext>>;

/** Tokens of "Good photo." and "Bad photo." [code]. */
export const learnedNameLength = 3;

/** CLIP's start-of-text token. */
const clipStartToken = 49406;

/** Largest difference, relative to the largest embedding value, at which two start tokens count as the same. */
const startTokenTolerance = 0.02;

/**
 * Puts a pair of sequences together as the released `load_embed` does [code]: start of text, the first half of the
 * learned vectors, the name, the second half, end of text and padding. With 16 vectors the end of text is at index 20.
 *
 * @returns embeddings `[2, contextLength, width]` without positions, good first, and the index of the end of text
 * @throws RangeError if the lengths do not fit together
 */
export function learnedPromptEmbeddings(context: LearnedContext): { embeddings: Float32Array; eotIndex: number } {
  const { ctx, tokenPrefix, tokenSuffix, width, contextLength } = context;
  const vectors = ctx.length / (2 * width);
  const half = Math.floor(vectors / 2);
  const suffixLength = tokenSuffix.length / (2 * width);
  if (
    !Number.isInteger(vectors) ||
    tokenPrefix.length !== 2 * width ||
    1 + vectors + suffixLength !== contextLength ||
    suffixLength <= learnedNameLength
  ) {
    throw new RangeError(
      `Learned prompts of width ${width} and length ${contextLength} do not fit ${ctx.length} + ${tokenPrefix.length} + ${tokenSuffix.length} values`,
    );
  }
  const embeddings = new Float32Array(2 * contextLength * width);
  let to = 0;
  const append = (from: Float32Array, pair: number, rows: number, [start, end]: readonly [number, number]) => {
    embeddings.set(from.subarray((pair * rows + start) * width, (pair * rows + end) * width), to);
    to += (end - start) * width;
  };
  for (const pair of [0, 1]) {
    append(tokenPrefix, pair, 1, [0, 1]);
    append(ctx, pair, vectors, [0, half]);
    append(tokenSuffix, pair, suffixLength, [0, learnedNameLength]);
    append(ctx, pair, vectors, [half, vectors]);
    append(tokenSuffix, pair, suffixLength, [learnedNameLength, suffixLength]);
  }
  return { embeddings, eotIndex: 1 + vectors + learnedNameLength };
}

/** Whether contexts can be used with a CLIP: `fits`, `otherModel` (they run but were learned for another), `otherWidth`. */
export type LearnedContextsFit = 'fits' | 'otherModel' | 'otherWidth';

/**
 * Compares contexts with the CLIP in use: the width of its text transformer, then the start token saved with them
 * (`token_prefix[0,0]`) with the CLIP's own embedding of it. Another model's text transformer gives their vectors no
 * meaning, so a difference is worth a warning.
 */
export async function learnedContextsFit(contexts: LearnedContexts, clip: ClipEncoder): Promise<LearnedContextsFit> {
  const all = Object.values(contexts);
  if (all.some((context) => context.width !== clip.textWidth)) return 'otherWidth';
  let own: Float32Array;
  try {
    own = await clip.tokenEmbedding(clip.startToken ?? clipStartToken);
  } catch (error) {
    // A smaller vocabulary has no such token, which answers the question; anything else is a real failure.
    if (error instanceof RangeError) return 'otherModel';
    throw error;
  }
  const largest = own.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  const same = all.every(({ tokenPrefix }) =>
    own.every((value, i) => Math.abs(value - (tokenPrefix[i] as number)) <= startTokenTolerance * largest),
  );
  return same ? 'fits' : 'otherModel';
}

/** Text features of the four pairs from learned contexts: per factor good then bad, rows of unit length. */
export async function encodeLearnedPrompts(
  contexts: LearnedContexts,
  clip: Pick<ClipEncoder, 'encodePromptEmbeddings'>,
): Promise<QualityWordFeatures> {
  const encode = async (factor: PerceptualFactor) => {
    const { embeddings, eotIndex } = learnedPromptEmbeddings(contexts[factor]);
    return clip.encodePromptEmbeddings(embeddings, { count: 2, eotIndex });
  };
  return {
    overall: await encode('overall'),
    technical: await encode('technical'),
    rationality: await encode('rationality'),
    naturalness: await encode('naturalness'),
  };
}
