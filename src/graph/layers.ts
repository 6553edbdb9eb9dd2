import { QUANTISATION_BLOCK } from './blockQuantisation.ts';
import type { GraphBuilder, Value } from './builder.ts';
import type { ClipActivation } from './clipConfig.ts';
import { ELEMENT_TYPE } from './onnxModel.ts';
import { scalesName } from './storedLayout.ts';

/**
 * Layers that transformers share. Operators are those that onnxruntime's WebGPU provider runs itself and runs well.
 * Token rows are two-dimensional, `[tokens, width]`, because Gemm is; attention sees `[batch, tokens, width]`.
 */

const CONTRIB = 'com.microsoft';

/**
 * `x Wᵀ + b`, for `x` of `[rows, inputs]`, with the weight as stored: Gemm, or MatMulNBits where it is block-quantised.
 * @param name the layer's, before `.weight` and `.bias`
 * @param add added to the product in place of the bias: `[rows, outputs]`
 */
export function linear(
  g: GraphBuilder,
  x: Value,
  { name, inputs, add }: { name: string; inputs: number; add?: Value },
): Value {
  const weightName = `${name}.weight`;
  const weight = g.weight(weightName);
  const bias = !add && g.hasWeight(`${name}.bias`) ? g.weight(`${name}.bias`) : null;
  const { type, dims } = g.stored(weightName);
  if (type !== 'uint8') return g.node('Gemm', [x, weight, add ?? bias]);

  const [outputs = 0, , blockBytes = 0] = dims;
  const product = g.node('MatMulNBits', [x, weight, g.weight(scalesName(weightName)), null, null, bias], {
    domain: CONTRIB,
    attributes: {
      K: inputs,
      N: outputs,
      bits: (blockBytes * 8) / QUANTISATION_BLOCK,
      block_size: QUANTISATION_BLOCK,
    },
  });
  return add ? g.node('Add', [product, add]) : product;
}

/** Type of the activations: that of the biases and norms, which are never quantised. */
export function activationType(g: GraphBuilder, biasName: string): 'float32' | 'float16' {
  return g.stored(biasName).type === 'float32' ? 'float32' : 'float16';
}

/** Layer normalisation over the last axis; statistics in float32 whatever the type of `x`. */
export function layerNorm(g: GraphBuilder, x: Value, { name, epsilon }: { name: string; epsilon: number }): Value {
  return g.node('LayerNormalization', [x, g.weight(`${name}.scale`), g.weight(`${name}.bias`)], {
    attributes: { axis: -1, epsilon: { float: epsilon } },
  });
}

/** `sum = x + branch` and its layer normalisation in one kernel. */
export function addLayerNorm(
  g: GraphBuilder,
  [x, branch]: readonly [Value, Value],
  { name, epsilon }: { name: string; epsilon: number },
): { sum: Value; normed: Value } {
  const [normed, , , sum] = g.nodeWithOutputs(
    'SkipLayerNormalization',
    [x, branch, g.weight(`${name}.scale`), g.weight(`${name}.bias`)],
    { domain: CONTRIB, attributes: { epsilon: { float: epsilon } }, count: 4 },
  );
  return { sum: sum as Value, normed: normed as Value };
}

/** GELU, or `x · sigmoid(1.702 x)`, which OpenAI trained CLIP with. */
export function activate(g: GraphBuilder, x: Value, activation: ClipActivation): Value {
  if (activation === 'gelu') return g.node('Gelu', [x]);
  return g.node('QuickGelu', [x], { domain: CONTRIB, attributes: { alpha: { float: 1.702 } } });
}

/** `count` equal parts along the last axis. */
export function splitColumns(g: GraphBuilder, x: Value, count: number): Value[] {
  return g.nodeWithOutputs('Split', [x], { attributes: { axis: -1, num_outputs: count }, count });
}

/** Rows `[start, end)` along the first axis. */
export function rows(g: GraphBuilder, x: Value, [start, end]: readonly [number, number]): Value {
  return g.node('Slice', [x, g.int64s(start), g.int64s(end), g.int64s(0)]);
}

/**
 * Multi-head attention, scaled by 1/√(head width).
 * @param queries, keys, values `[batch, tokens, width]`
 * @param causal every token sees itself and those before it
 */
export function attention(
  g: GraphBuilder,
  [queries, keys, values]: readonly [Value, Value, Value],
  { heads, causal = false }: { heads: number; causal?: boolean },
): Value {
  return g.node('MultiHeadAttention', [queries, keys, values], {
    domain: CONTRIB,
    attributes: { num_heads: heads, ...(causal ? { unidirectional: 1 } : {}) },
  });
}

/** The same numbers in another type; nothing where they are in it already. */
export function cast(
  g: GraphBuilder,
  x: Value,
  { from, to }: { from: 'float32' | 'float16'; to: 'float32' | 'float16' },
): Value {
  return from === to ? x : g.node('Cast', [x], { attributes: { to: ELEMENT_TYPE[to] } });
}

/** Rows scaled to unit length, in float32: `[rows, dim]`. */
export function unitRows(g: GraphBuilder, x: Value, from: 'float32' | 'float16'): Value {
  const wide = cast(g, x, { from, to: 'float32' });
  return g.node('Div', [wide, g.node('ReduceL2', [wide, g.int64s(-1)], { attributes: { keepdims: 1 } })]);
}
