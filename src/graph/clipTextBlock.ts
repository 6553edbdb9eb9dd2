import type { GraphBuilder, Value } from './builder.ts';
import type { ClipTextConfig } from './clipConfig.ts';
import { activate, addLayerNorm, attention, layerNorm, linear, splitColumns } from './layers.ts';

/** The stream of token rows `[texts · tokens, width]` and its normalisation, which the next layer reads. */
export interface TextStream {
  readonly stream: Value;
  readonly normed: Value;
}

/** Name of the normalisation that reads the stream after `blocks` blocks, unless they are the last. */
export function blockNorm(blocks: number): string {
  return `text.blocks.${blocks}.attention_norm`;
}

/** The stream before the first block, of embedded tokens with their positions added. */
export function firstTextStream(g: GraphBuilder, stream: Value, text: ClipTextConfig): TextStream {
  return { stream, normed: layerNorm(g, stream, { name: blockNorm(0), epsilon: text.layerNormEpsilon }) };
}

/** Options of {@link textBlock}. */
export interface TextBlockOptions {
  readonly text: ClipTextConfig;
  /** Number of the block, from 0. */
  readonly block: number;
  /** The shape `[texts, tokens, width]` as a value. */
  readonly shape: Value;
  /** The normalisation after the block: {@link blockNorm} of the next, or `text.final_norm`. */
  readonly nextNorm: string;
  /** Rows that are used from here on; all of them without. */
  readonly only?: Value;
}

/** One block of CLIP's text transformer (transformers CLIPEncoderLayer), with causal attention. */
export function textBlock(
  g: GraphBuilder,
  { stream, normed }: TextStream,
  { text, block, shape, nextNorm, only }: TextBlockOptions,
): TextStream {
  const { width, heads, layerNormEpsilon: epsilon } = text;
  const name = `text.blocks.${block}`;
  const chosen = (rows: Value) => (only ? g.node('Gather', [rows, only]) : rows);
  const asBatch = (x: Value) => g.node('Reshape', [x, shape]);
  const project = (x: Value, layer: string, inputs = width) => linear(g, x, { name: `${name}.${layer}`, inputs });

  const [q, k, v] = splitColumns(g, project(normed, 'qkv'), 3).map(asBatch) as [Value, Value, Value];
  const mixed = g.node('Reshape', [attention(g, [q, k, v], { heads, causal: true }), g.int64s(-1, width)]);
  const attended = addLayerNorm(g, [chosen(stream), project(chosen(mixed), 'attention_out')], {
    name: `${name}.feed_forward_norm`,
    epsilon,
  });
  const inner = activate(g, project(attended.normed, 'feed_forward_in'), text.activation);
  const fedForward = project(inner, 'feed_forward_out', text.feedForwardWidth);
  const after = addLayerNorm(g, [attended.sum, fedForward], { name: nextNorm, epsilon });
  return { stream: after.sum, normed: after.normed };
}
