import { GraphBuilder, type Value } from './builder.ts';
import { blockNorm, firstTextStream, textBlock } from './clipTextBlock.ts';
import { activationType, cast, layerNorm, linear } from './layers.ts';
import type { TextEncoderConfig } from './textEncoderConfig.ts';
import type { WeightIndex } from './weights.ts';

/** Options of {@link buildTextEncoder}. */
export interface TextEncoderOptions {
  /** Texts at once: chunks of 77 tokens. */
  readonly batch: number;
  /**
   * Which hidden states are given. `last`: after all blocks and the final normalisation (Stable Diffusion 1). `penultimate`:
   * before the last block, not normalised (XL, both encoders).
   */
  readonly hidden: 'last' | 'penultimate';
  /** Blocks left out at the end, on top of that: diffusers' `clip_skip`, A1111's "Clip skip" minus one. 0 by default. */
  readonly clipSkip?: number;
}

/**
 * The text encoder of a diffusion model (transformers CLIPTextModel, CLIPTextModelWithProjection), as diffusers'
 * `encode_prompt` of Stable Diffusion 1 and XL uses it.
 *
 * Inputs: `ids` int32 `[batch, 77]`; `end_rows` int32 `[batch]`, where each text's end token is when all tokens are counted
 * through (`endRows` of `clipText.ts`). Outputs, float32: `hidden` `[batch, 77, width]`; with a projection also `pooled`
 * `[batch, projectionDim]`, not normalised, taken at the end token after all blocks whatever is skipped. Without a
 * projection `end_rows` is there and not read.
 * @throws {RangeError} `clipSkip` leaves no block
 */
export function buildTextEncoder(
  { text, projectionDim }: TextEncoderConfig,
  weights: WeightIndex,
  { batch, hidden, clipSkip = 0 }: TextEncoderOptions,
): Uint8Array<ArrayBuffer> {
  const { width, blocks, contextLength } = text;
  const isLast = hidden === 'last';
  const usedBlocks = blocks - clipSkip - (isLast ? 0 : 1);
  if (!Number.isInteger(clipSkip) || clipSkip < 0 || usedBlocks < 1) {
    throw new RangeError(`clipSkip is ${clipSkip}, of ${blocks} blocks`);
  }
  const g = new GraphBuilder('text_encoder', weights);
  const type = activationType(g, 'text.final_norm.bias');
  const ids = g.input('ids', 'int32', [batch, contextLength]);
  const endRows = g.input('end_rows', 'int32', [batch]);
  const shape = g.int64s(batch, contextLength, width);
  const finalNorm = 'text.final_norm';
  const give = (name: string, value: Value, dims: readonly number[]) =>
    g.output(name, cast(g, value, { from: type, to: 'float32' }), { type: 'float32', dims });

  const tokens = g.node('Gather', [g.weight('text.token_embedding'), ids]);
  const embedded = g.node('Add', [tokens, g.weight('text.positions')]);
  let state = firstTextStream(g, g.node('Reshape', [embedded, g.int64s(-1, width)]), text);
  // What is pooled has passed all blocks, so it may go on after the hidden states are taken.
  const goesOn = projectionDim !== null && usedBlocks < blocks;
  for (let block = 0; block < usedBlocks; block++) {
    const isEnd = block === usedBlocks - 1 && !goesOn;
    state = textBlock(g, state, { text, block, shape, nextNorm: isEnd ? finalNorm : blockNorm(block + 1) });
  }
  const normed = () =>
    goesOn ? layerNorm(g, state.stream, { name: finalNorm, epsilon: text.layerNormEpsilon }) : state.normed;
  const states = g.node('Reshape', [isLast ? normed() : state.stream, shape]);
  give('hidden', states, [batch, contextLength, width]);

  if (projectionDim !== null) {
    for (let block = usedBlocks; block < blocks; block++) {
      const next = block === blocks - 1 ? { nextNorm: finalNorm, only: endRows } : { nextNorm: blockNorm(block + 1) };
      state = textBlock(g, state, { text, block, shape, ...next });
    }
    const pooled = goesOn ? state.normed : g.node('Gather', [state.normed, endRows]);
    give('pooled', linear(g, pooled, { name: 'text.projection', inputs: width }), [batch, projectionDim]);
  }
  return g.toBytes();
}
