import { GraphBuilder, type Value } from './builder.ts';
import type { ClipConfig } from './clipConfig.ts';
import { patchRows } from './clipVision.ts';
import { CLASS_EMBEDDING } from './clipWeights.ts';
import {
  activate,
  activationType,
  addLayerNorm,
  attention,
  cast,
  layerNorm,
  linear,
  rows,
  splitColumns,
  unitRows,
} from './layers.ts';
import type { WeightIndex } from './weights.ts';

/**
 * CLIP's image encoder without position embeddings (CLIP-IQA, arXiv 2207.12396, section 3.1): then an image need be neither square
 * nor of a size the model was trained on. The original path alone, for the class token.
 *
 * Input `pixel_values` float32 `[1, 3, down · patch, across · patch]`, normalised; output `cls` float32 `[dim]`, unit length. Activations
 * are in the type the weights are stored in.
 * @param weights what `compileClip` returned; must hold {@link CLASS_EMBEDDING}
 * @param size patches across and down
 * @returns an ONNX file whose weights are external data
 */
export function buildClipUnpositioned(
  { vision, dim }: ClipConfig,
  weights: WeightIndex,
  { across, down }: { across: number; down: number },
): Uint8Array<ArrayBuffer> {
  const g = new GraphBuilder(`clip_unpositioned_${across}x${down}`, weights);
  const { width, heads, blocks, layerNormEpsilon: epsilon, patchSize } = vision;
  const type = activationType(g, 'vision.post_norm.bias');
  // As in clipVision.ts: attention alone is computed in float32.
  const attend = (query: Value, key: Value, value: Value) => {
    const [q, k, v] = [query, key, value].map((x) =>
      g.node('Reshape', [cast(g, x, { from: type, to: 'float32' }), g.int64s(1, -1, width)]),
    ) as [Value, Value, Value];
    const attended = g.node('Reshape', [attention(g, [q, k, v], { heads }), g.int64s(-1, width)]);
    return cast(g, attended, { from: 'float32', to: type });
  };
  const project = (x: Value, name: string, inputs = width) => linear(g, x, { name, inputs });
  const feedForward = (x: Value, block: string) => {
    const inner = activate(g, project(x, `${block}.feed_forward_in`), vision.activation);
    return project(inner, `${block}.feed_forward_out`, vision.feedForwardWidth);
  };

  const image = g.input('pixel_values', 'float32', [1, 3, down * patchSize, across * patchSize]);
  const flat = patchRows(
    g,
    cast(g, image, { from: 'float32', to: activationType(g, 'vision.patch_embedding.weight') }),
    {
      patchSize,
      across,
      down,
    },
  );
  const patches = linear(g, flat, { name: 'vision.patch_embedding', inputs: 3 * patchSize ** 2 });
  const tokens = g.node('Concat', [g.weight(CLASS_EMBEDDING), patches], { attributes: { axis: 0 } });
  let stream = layerNorm(g, tokens, { name: 'vision.pre_norm', epsilon });
  let normed = layerNorm(g, stream, { name: 'vision.blocks.0.attention_norm', epsilon });
  for (let i = 0; i < blocks - 1; i++) {
    const block = `vision.blocks.${i}`;
    const [queries, keys, values] = splitColumns(g, project(normed, `${block}.qkv`), 3) as [Value, Value, Value];
    const attended = project(attend(queries, keys, values), `${block}.attention_out`);
    ({ sum: stream, normed } = addLayerNorm(g, [stream, attended], { name: `${block}.feed_forward_norm`, epsilon }));
    ({ sum: stream, normed } = addLayerNorm(g, [stream, feedForward(normed, block)], {
      name: `vision.blocks.${i + 1}.attention_norm`,
      epsilon,
    }));
  }

  // Of the last block only the class token is used.
  const last = `vision.blocks.${blocks - 1}`;
  const [keys, values] = splitColumns(g, project(normed, `${last}.key_value`), 2) as [Value, Value];
  const query = project(rows(g, normed, [0, 1]), `${last}.query`);
  const attended = project(attend(query, keys, values), `${last}.attention_out`);
  const inner = addLayerNorm(g, [rows(g, stream, [0, 1]), attended], { name: `${last}.feed_forward_norm`, epsilon });
  const classToken = g.node('Add', [inner.sum, feedForward(inner.normed, last)]);
  const projected = project(layerNorm(g, classToken, { name: 'vision.post_norm', epsilon }), 'vision.projection');
  const first = g.constant('first', { type: 'int64', dims: [], data: new Uint8Array(8) });
  g.output('cls', g.node('Gather', [unitRows(g, projected, type), first]), { type: 'float32', dims: [dim] });
  return g.toBytes();
}
