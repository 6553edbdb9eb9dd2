import type { GraphBuilder, Value } from './builder.ts';
import { addImages, conv2d, fromImageRows, groupNorm, type ImageValue, imageRows, repeatImage } from './imageLayers.ts';
import { addLayerNorm, attention, cast, layerNorm, linear } from './layers.ts';
import { FEED_FORWARD_FACTOR } from './unetConfig.ts';

/**
 * Blocks that the UNets, ControlNets and PASD of diffusers are made of. A batch that has to be the same throughout, as
 * that of classifier-free guidance is before anything has looked at its text, stays a single image.
 */

/** Rows of numbers for each of a batch: an embedding, or tokens. */
export interface RowsValue {
  /** `[batch · rows, width]`. */
  readonly value: Value;
  readonly batch: number;
  readonly width: number;
}

/** What every block of a model reads. */
export interface UnetContext {
  readonly g: GraphBuilder;
  /** Type of the activations. */
  readonly type: 'float32' | 'float16';
  /** Groups and epsilon of the normalisations in residual blocks. */
  readonly normGroups: number;
  readonly normEpsilon: number;
  /** SiLU of the time embedding, one row for each of the batch; one alone where it is the same for all. */
  readonly time: RowsValue;
  /** The same, with one row for each of the batch in any case. */
  readonly batchTime: RowsValue;
  /** What cross-attention looks at unless told otherwise. */
  readonly text: RowsValue;
  /**
   * Whether attention is computed in float32 where activations are halves; a few models ask for it (`upcast_attention`). For
   * others it would double the traffic of the largest products for nothing: onnxruntime's FlashAttention has its softmax in
   * float32, and the runtime patches its sums. Errors of 32 queries in halves over 4096 keys, relative to the largest
   * value, head sizes 40 to 160: 5e-4, widened 4e-4; over 16384 keys 9e-4 and 5e-4. Unpatched sums: 2e-2 and 7e-2.
   */
  readonly upcastAttention: boolean;
}

/** Epsilons that diffusers reads from no config: of the normalisation before a transformer, and within its blocks. */
const TRANSFORMER_NORM_EPSILON = 1e-6;
const LAYER_NORM_EPSILON = 1e-5;

/**
 * A residual block that the time shifts (diffusers `ResnetBlock2D`).
 * @param name the block's, before `.norm1`, `.conv1`, `.time_emb_proj`, `.norm2`, `.conv2` and, where stored, `.conv_shortcut`
 */
export function resnetBlock(context: UnetContext, x: ImageValue, { name }: { name: string }): ImageValue {
  const { g, time, normGroups: groups, normEpsilon: epsilon } = context;
  const input = time.batch > x.batch ? repeatImage(g, x, time.batch) : x;
  const norm = { groups, epsilon, silu: true };
  const inner = conv2d(g, groupNorm(g, input, { ...norm, name: `${name}.norm1` }), { name: `${name}.conv1` });
  const { value, width } = input.batch === time.batch ? time : context.batchTime;
  const shift = linear(g, value, { name: `${name}.time_emb_proj`, inputs: width });
  const outer = conv2d(g, groupNorm(g, inner, { ...norm, name: `${name}.norm2`, shift }), { name: `${name}.conv2` });
  const hasShortcut = g.hasWeight(`${name}.conv_shortcut.weight`);
  return addImages(g, hasShortcut ? conv2d(g, input, { name: `${name}.conv_shortcut` }) : input, outer);
}

export interface TransformerOptions {
  /** The transformer's, before `.norm`, `.proj_in`, `.transformer_blocks.0` … and `.proj_out`. */
  readonly name: string;
  readonly heads: number;
  /** Transformer blocks in a row. */
  readonly blocks: number;
  /** What cross-attention looks at; the text by default. */
  readonly keys?: RowsValue;
}

/**
 * Transformer blocks over the pixels of an image, added to it (diffusers `Transformer2DModel` of `BasicTransformerBlock`s
 * with self-attention, cross-attention and GEGLU).
 */
export function transformer(context: UnetContext, x: ImageValue, options: TransformerOptions): ImageValue {
  const { g, normGroups: groups } = context;
  const { name, heads, blocks, keys = context.text } = options;
  const width = x.channels;
  const project = (value: Value, layer: string, inputs = width) =>
    linear(g, value, { name: `${name}.${layer}`, inputs });
  const normed = groupNorm(g, x, { name: `${name}.norm`, groups, epsilon: TRANSFORMER_NORM_EPSILON });
  let batch = x.batch;
  let stream = project(imageRows(g, normed), 'proj_in');

  const tokens = (rows: Value, { batch, width }: { batch: number; width: number }) =>
    g.node('Reshape', [rows, g.int64s(batch, -1, width)]);
  const attend = (block: string, query: Value, { value, width: keyWidth }: RowsValue) => {
    const widened = (rows: Value) =>
      context.upcastAttention ? cast(g, rows, { from: context.type, to: 'float32' }) : rows;
    const [queries, keys, values] = [
      query,
      project(value, `${block}.to_k`, keyWidth),
      project(value, `${block}.to_v`, keyWidth),
    ].map((rows) => tokens(widened(rows), { batch, width })) as [Value, Value, Value];
    const attended = g.node('Reshape', [attention(g, [queries, keys, values], { heads }), g.int64s(-1, width)]);
    const narrowed = context.upcastAttention ? cast(g, attended, { from: 'float32', to: context.type }) : attended;
    return project(narrowed, `${block}.to_out.0`);
  };
  const norm = (block: string) => ({ name: `${name}.${block}`, epsilon: LAYER_NORM_EPSILON });

  let normedStream = layerNorm(g, stream, norm('transformer_blocks.0.norm1'));
  for (let i = 0; i < blocks; i++) {
    const block = `transformer_blocks.${i}`;
    const own = { value: normedStream, batch, width };
    const selfAttended = attend(`${block}.attn1`, project(normedStream, `${block}.attn1.to_q`), own);
    ({ sum: stream, normed: normedStream } = addLayerNorm(g, [stream, selfAttended], norm(`${block}.norm2`)));

    let query = project(normedStream, `${block}.attn2.to_q`);
    if (keys.batch > batch) {
      const repeat = (rows: Value) => {
        const pixels = tokens(rows, { batch, width });
        const repeated = g.node('Expand', [pixels, g.int64s(keys.batch, x.height * x.width, width)]);
        return g.node('Reshape', [repeated, g.int64s(-1, width)]);
      };
      [query, stream] = [repeat(query), repeat(stream)];
      batch = keys.batch;
    }
    const crossAttended = attend(`${block}.attn2`, query, keys);
    ({ sum: stream, normed: normedStream } = addLayerNorm(g, [stream, crossAttended], norm(`${block}.norm3`)));

    const value = project(normedStream, `${block}.ff.net.0.proj.value`);
    const gate = g.node('Gelu', [project(normedStream, `${block}.ff.net.0.proj.gate`)]);
    const inner = project(g.node('Mul', [value, gate]), `${block}.ff.net.2`, FEED_FORWARD_FACTOR * width);
    if (i < blocks - 1) {
      const next = norm(`transformer_blocks.${i + 1}.norm1`);
      ({ sum: stream, normed: normedStream } = addLayerNorm(g, [stream, inner], next));
    } else {
      stream = g.node('Add', [stream, inner]);
    }
  }
  return addImages(g, x, fromImageRows(g, project(stream, 'proj_out'), { ...x, batch }));
}
