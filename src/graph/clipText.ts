import { GraphBuilder, type Value } from './builder.ts';
import type { ClipConfig } from './clipConfig.ts';
import { blockNorm, firstTextStream, textBlock } from './clipTextBlock.ts';
import { activationType, cast, linear, unitRows } from './layers.ts';
import type { WeightIndex } from './weights.ts';

/** What a text graph starts from: token ids, or rows of the token embedding (learned contexts). */
export type ClipTextInput = 'ids' | 'embeddings';

/**
 * CLIP's text encoder (transformers CLIPTextModel with the text projection).
 *
 * Inputs: `ids` int32 `[texts, tokens]` or `embeddings` float32 `[texts, tokens, width]` (positions are added here); and
 * `end_rows` int32 `[texts]`, where each text's end token is when all tokens are counted through: see {@link endRows}.
 * Output: `features` float32 `[texts, dim]`, rows of unit length.
 *
 * Both dimensions differ from run to run, so that one session, and one copy of the weights on the GPU, serves a batch of
 * short phrases as well as a full prompt. Attention is causal, so what follows the end token has no effect: callers cut
 * the sequences at the longest text of the batch (20 phrases of 12 tokens cost a sixth of 20 times 77).
 */
export function buildClipText(
  { text, dim }: ClipConfig,
  weights: WeightIndex,
  { input }: { input: ClipTextInput },
): Uint8Array<ArrayBuffer> {
  const g = new GraphBuilder(`clip_text_${input}`, weights);
  const { width, blocks } = text;
  const type = activationType(g, 'text.final_norm.bias');
  const embedded = embed(g, { input, width });
  const shape = g.node('Shape', [embedded]);
  const length = g.node('Shape', [embedded], { attributes: { start: 1, end: 2 } });
  const positions = g.node('Slice', [g.weight('text.positions'), g.int64s(0), length, g.int64s(0)]);
  const endRows = g.input('end_rows', 'int32', ['texts']);

  const rows = g.node('Reshape', [g.node('Add', [embedded, positions]), g.int64s(-1, width)]);
  let state = firstTextStream(g, rows, text);
  for (let block = 0; block < blocks; block++) {
    // Of the last block only the end tokens are used.
    const last = block === blocks - 1 ? { nextNorm: 'text.final_norm', only: endRows } : null;
    state = textBlock(g, state, { text, block, shape, ...(last ?? { nextNorm: blockNorm(block + 1) }) });
  }
  const projected = linear(g, state.normed, { name: 'text.projection', inputs: width });
  g.output('features', unitRows(g, projected, type), {
    type: 'float32',
    dims: ['texts', dim],
  });
  return g.toBytes();
}

/** `[texts, tokens, width]` in the type of the stored weights. */
function embed(g: GraphBuilder, { input, width }: { input: ClipTextInput; width: number }): Value {
  if (input === 'ids') {
    return g.node('Gather', [g.weight('text.token_embedding'), g.input('ids', 'int32', ['texts', 'tokens'])]);
  }
  const embeddings = g.input('embeddings', 'float32', ['texts', 'tokens', width]);
  return cast(g, embeddings, { from: 'float32', to: activationType(g, 'text.positions') });
}

/**
 * Position of a text's end token, where its feature is taken, by the rule of transformers' CLIPTextModel.
 * @param endToken see `ClipTextConfig.endToken`
 * @throws {RangeError} the end token does not occur
 */
export function endPosition(ids: ArrayLike<number>, endToken: number | null): number {
  let position = -1;
  for (let i = 0; i < ids.length && (endToken === null || position < 0); i++) {
    const id = ids[i] as number;
    if (endToken === null ? position < 0 || id > (ids[position] as number) : id === endToken) position = i;
  }
  if (position < 0) throw new RangeError(`The end token ${endToken} does not occur in the text`);
  return position;
}

/** The `end_rows` input for texts of `tokens` tokens each whose end tokens are at `positions`. */
export function endRows(positions: readonly number[], tokens: number): Int32Array<ArrayBuffer> {
  return Int32Array.from(positions, (position, text) => text * tokens + position);
}
