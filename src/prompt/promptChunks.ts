import type { WeightedPrompt } from './weightedPrompt.ts';

/** What a text encoder reads at once, and how strongly each token counts. */
export interface PromptChunk {
  /** Start token, up to 75 tokens, end token, padding: as many as the encoder's context. */
  readonly ids: Int32Array<ArrayBuffer>;
  /** As many as ids; 1 for start, end and padding. */
  readonly weights: Float32Array<ArrayBuffer>;
}

/** What chunks depend on of a tokenizer. */
export interface ChunkTokens {
  /** Ids of a text without start and end token. */
  readonly tokenize: (text: string) => readonly number[];
  readonly startToken: number;
  readonly endToken: number;
  /** Follows the end token: the end token again in Stable Diffusion 1, 0 in the second encoder of XL. */
  readonly padding: number;
  /** Tokens a text encoder reads at once, start and end included: 77. */
  readonly contextLength: number;
}

/**
 * A chunk is broken after its last comma if that is among its last 20 tokens (A1111's "prompt word wrap length limit", its
 * default).
 */
export const COMMA_BACKTRACK = 20;

/**
 * The chunks a prompt is encoded in, at least one. A prompt that fits is one chunk, with the ids that transformers' tokenizer
 * gives when it pads. A longer one is split where a chunk is full, or after the last comma before if that is near
 * (as A1111 does); `BREAK` starts a chunk. Pieces of different weight are tokenized apart, as there.
 */
export function promptChunks(prompt: WeightedPrompt, tokens: ChunkTokens): PromptChunk[] {
  const size = tokens.contextLength - 2;
  const commas = new Set(tokens.tokenize(','));
  const chunks: PromptChunk[] = [];
  for (const pieces of prompt.chunks) {
    const line = pieces.flatMap(({ text, weight }) => tokens.tokenize(text).map((id) => ({ id, weight })));
    let start = 0;
    do {
      const end = Math.min(start + size, line.length);
      const breakAt = end < line.length ? afterComma(line, { end, commas }) : end;
      chunks.push(chunkOf(line.slice(start, breakAt), tokens));
      start = breakAt;
    } while (start < line.length);
  }
  return chunks.length === 0 ? [emptyChunk(tokens)] : chunks;
}

/** The empty prompt: what weights are measured from, and what the shorter of two prompts is filled up with. */
export function emptyChunk(tokens: ChunkTokens): PromptChunk {
  return chunkOf([], tokens);
}

interface WeightedToken {
  readonly id: number;
  readonly weight: number;
}

/** Where a full chunk ends. What comes next is a comma: there, and the next chunk starts with it, as in A1111. */
function afterComma(
  line: readonly WeightedToken[],
  { end, commas }: { end: number; commas: ReadonlySet<number> },
): number {
  const isComma = (at: number) => commas.has((line[at] as WeightedToken).id);
  if (isComma(end)) return end;
  for (let at = end; at > end - COMMA_BACKTRACK; at--) if (isComma(at - 1)) return at;
  return end;
}

function chunkOf(line: readonly WeightedToken[], tokens: ChunkTokens): PromptChunk {
  const ids = new Int32Array(tokens.contextLength).fill(tokens.padding);
  const weights = new Float32Array(tokens.contextLength).fill(1);
  ids[0] = tokens.startToken;
  line.forEach(({ id, weight }, i) => {
    ids[i + 1] = id;
    weights[i + 1] = weight;
  });
  ids[line.length + 1] = tokens.endToken;
  return { ids, weights };
}
