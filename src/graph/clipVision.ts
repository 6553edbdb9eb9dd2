import { GraphBuilder, type Value } from './builder.ts';
import type { ClipConfig, ClipVisionConfig } from './clipConfig.ts';
import { gridSide, SURGERY_BLOCKS } from './clipWeights.ts';
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
 * CLIP's image encoder with the surgery path (G-Refine eq. 1; CLIP Surgery, arXiv 2304.05653).
 *
 * Two paths. The original one is CLIP as published; it alone gives the class token. The surgery path starts from the
 * original's stream at the last 6 blocks and adds, for each of them, `proj(softmax(V Vᵀ / √d) V)` with the block's V on the
 * *original* path; it gives the patches. Nothing reads the surgery stream before the end.
 *
 * Input `pixel_values` float32 `[1, 3, imageSize, imageSize]`, normalised. Outputs, float32 with rows of unit length:
 * `cls` `[dim]` and `patch_features` `[grid · grid, dim]`, row-major. Activations are in the type the weights are
 * stored in.
 * @param weights what `compileClip` returned
 * @returns an ONNX file whose weights are external data
 */
export function buildClipVision(
  { vision, dim }: ClipConfig,
  weights: WeightIndex,
  { imageSize }: { imageSize: number },
): Uint8Array<ArrayBuffer> {
  const g = new GraphBuilder(`clip_vision_${imageSize}`, weights);
  const { width, heads, blocks, layerNormEpsilon: epsilon } = vision;
  const grid = gridSide(imageSize, vision.patchSize);
  const type = activationType(g, 'vision.post_norm.bias');
  // onnxruntime's attention sums in the type of its inputs. Over a thousand tokens halves lose 5e-3 of the result, and V Vᵀ
  // may overflow, so attention alone is computed in float32.
  const attend = (q: Value, k: Value, v: Value) =>
    cast(g, asRows(attention(g, [asBatch(q), asBatch(k), asBatch(v)], { heads })), { from: 'float32', to: type });
  const widened = (x: Value) => cast(g, x, { from: type, to: 'float32' });
  const asBatch = (x: Value) => g.node('Reshape', [x, g.int64s(1, -1, width)]);
  const asRows = (x: Value) => g.node('Reshape', [x, g.int64s(-1, width)]);
  const project = (x: Value, name: string, inputs = width) => linear(g, x, { name, inputs });
  const feedForward = (x: Value, block: string) => {
    const inner = activate(g, project(x, `${block}.feed_forward_in`), vision.activation);
    return project(inner, `${block}.feed_forward_out`, vision.feedForwardWidth);
  };

  let stream = layerNorm(g, embed(g, vision, { imageSize, grid }), { name: 'vision.pre_norm', epsilon });
  let normed = layerNorm(g, stream, { name: 'vision.blocks.0.attention_norm', epsilon });
  let surgery: Value | null = null;
  const operateOn = (values: Value, block: string) => {
    // The biases of all six projections are one constant, added where the path starts.
    const before: Value = surgery ?? g.node('Add', [stream, g.weight('vision.surgery_bias')]);
    const mixed = attend(values, values, values);
    surgery = linear(g, mixed, { name: `${block}.attention_out`, inputs: width, add: before });
    return surgery;
  };

  const last = `vision.blocks.${blocks - 1}`;
  for (let i = 0; i < blocks - 1; i++) {
    const block = `vision.blocks.${i}`;
    const [queries, keys, values] = splitColumns(g, widened(project(normed, `${block}.qkv`)), 3) as [
      Value,
      Value,
      Value,
    ];
    if (i >= blocks - SURGERY_BLOCKS) operateOn(values, block);
    const attended = project(attend(queries, keys, values), `${block}.attention_out`);
    ({ sum: stream, normed } = addLayerNorm(g, [stream, attended], { name: `${block}.feed_forward_norm`, epsilon }));
    ({ sum: stream, normed } = addLayerNorm(g, [stream, feedForward(normed, block)], {
      name: `vision.blocks.${i + 1}.attention_norm`,
      epsilon,
    }));
  }

  // Of the last block's original path only the class token is used, so all but keys and values is one row.
  const [keys, values] = splitColumns(g, widened(project(normed, `${last}.key_value`)), 2) as [Value, Value];
  const patches = rows(g, operateOn(values, last), [1, grid ** 2 + 1]);
  const query = widened(project(rows(g, normed, [0, 1]), `${last}.query`));
  const attended = project(attend(query, keys, values), `${last}.attention_out`);
  const inner = addLayerNorm(g, [rows(g, stream, [0, 1]), attended], { name: `${last}.feed_forward_norm`, epsilon });
  const classToken = g.node('Add', [inner.sum, feedForward(inner.normed, last)]);

  const tokens = g.node('Concat', [classToken, patches], { attributes: { axis: 0 } });
  const projected = project(layerNorm(g, tokens, { name: 'vision.post_norm', epsilon }), 'vision.projection');
  const features = unitRows(g, projected, type);
  const first = g.constant('first', { type: 'int64', dims: [], data: new Uint8Array(8) });
  g.output('cls', g.node('Gather', [features, first]), { type: 'float32', dims: [dim] });
  g.output('patch_features', rows(g, features, [1, grid ** 2 + 1]), { type: 'float32', dims: [grid ** 2, dim] });
  return g.toBytes();
}

/** The class token, then the patches row by row, positions added: `[1 + grid · grid, width]`. */
function embed(
  g: GraphBuilder,
  { patchSize }: ClipVisionConfig,
  { imageSize, grid }: { imageSize: number; grid: number },
): Value {
  let image = g.input('pixel_values', 'float32', [1, 3, imageSize, imageSize]);
  const used = grid * patchSize;
  if (used < imageSize) {
    image = g.node('Slice', [image, g.int64s(0, 0), g.int64s(used, used), g.int64s(2, 3)]);
  }
  image = cast(g, image, { from: 'float32', to: activationType(g, 'vision.patch_embedding.weight') });
  const embedded = linear(g, patchRows(g, image, { patchSize, across: grid, down: grid }), {
    name: 'vision.patch_embedding',
    inputs: 3 * patchSize ** 2,
    add: g.weight(`vision.positions.${imageSize}`),
  });
  return g.node('Concat', [g.weight('vision.class_token'), embedded], { attributes: { axis: 0 } });
}

/**
 * The patches of `[1, 3, down · patch, across · patch]` as rows, `[down · across, 3 · patch²]`. A convolution whose stride is its kernel
 * is a matrix product over them; that saves the convolution's changes of layout.
 */
export function patchRows(
  g: GraphBuilder,
  image: Value,
  { patchSize, across, down }: { patchSize: number; across: number; down: number },
): Value {
  const cut = g.node('Reshape', [image, g.int64s(3, down, patchSize, across, patchSize)]);
  const patches = g.node('Transpose', [cut], { attributes: { perm: [1, 3, 0, 2, 4] } });
  return g.node('Reshape', [patches, g.int64s(across * down, 3 * patchSize ** 2)]);
}
