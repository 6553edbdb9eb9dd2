import { GraphBuilder, type Value } from '../graph/builder.ts';
import { ELEMENT_TYPE, type ElementType } from '../graph/onnxModel.ts';
import type { TensorData } from './session.ts';

/** Type of weights and activations inside a check's graph. */
export type CheckType = Extract<ElementType, 'float32' | 'float16'>;

/** A small graph, what to feed it and what it has to give. */
export interface NumericCheck {
  readonly name: string;
  readonly model: Uint8Array;
  readonly feeds: Readonly<Record<string, TensorData>>;
  /** Output `y` computed in float64. */
  readonly exact: Float64Array;
  /** Largest error allowed, relative to the largest exact value. */
  readonly bound: number;
}

/**
 * Rounding a result to float16 is up to 5e-4; kernels that also accumulate in it are 1e-2 off and more. Attention in float16
 * rounds its weights and partial sums (1.5e-3); the loop-variable bug makes it 3e-2 to 9e-2 wrong. float32: what is
 * asked of whole models.
 */
const BOUNDS = {
  float32: { attention: 1e-4, product: 1e-4 },
  float16: { attention: 5e-3, product: 2e-3 },
} as const;

/**
 * The kernels our models spend their time in, each on numbers that show its known faults. All inputs are multiples of 1/64
 * in -1..1 and the like, exact in float16, so that only the kernels' own arithmetic differs from the exact result.
 */
export function numericChecks(type: CheckType): NumericCheck[] {
  return [
    attentionCheck(type),
    gemmCheck(type),
    convCheck(type, { channels: 320 }),
    quantisedCheck(type, 8),
    quantisedCheck(type, 4),
  ];
}

/** Deterministic multiples of 1/64 in -1..1. */
function numbers(count: number, seed: number): Float32Array<ArrayBuffer> {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.round((state / 2 ** 32) * 128 - 64) / 64;
  });
}

/** A graph of float32 inputs and output `y` whose inside has the check's type. */
function checkGraph(
  type: CheckType,
  {
    inputs,
    dims,
    inner,
  }: {
    inputs: Readonly<Record<string, readonly number[]>>;
    dims: readonly number[];
    inner: (g: GraphBuilder, values: Value[]) => Value;
  },
): Uint8Array {
  const g = new GraphBuilder('self_test', {});
  const cast = (value: Value, to: CheckType) =>
    type === 'float32' ? value : g.node('Cast', [value], { attributes: { to: ELEMENT_TYPE[to] } });
  const values = Object.entries(inputs).map(([name, shape]) => cast(g.input(name, 'float32', shape), type));
  g.output('y', cast(inner(g, values), 'float32'), { type: 'float32', dims });
  return g.toBytes();
}

/** Attention over more keys than one tile of FlashAttention holds: the loop-variable bug shows from the second on. */
function attentionCheck(type: CheckType): NumericCheck {
  const heads = 2;
  const width = 16;
  const tokens = 80;
  const dims = [1, tokens, heads * width];
  const model = checkGraph(type, {
    inputs: { q: dims, k: dims, v: dims },
    dims,
    inner: (g, values) =>
      g.node('MultiHeadAttention', values, { domain: 'com.microsoft', attributes: { num_heads: heads } }),
  });
  const [q, k, v] = [1, 2, 3].map((seed) => numbers(tokens * heads * width, seed)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const exact = new Float64Array(tokens * heads * width);
  const at = (x: Float32Array, [token, head, i]: readonly [number, number, number]) =>
    x[(token * heads + head) * width + i] as number;
  for (let head = 0; head < heads; head++) {
    for (let query = 0; query < tokens; query++) {
      const weights = Array.from({ length: tokens }, (_, key) => {
        let score = 0;
        for (let i = 0; i < width; i++) score += at(q, [query, head, i]) * at(k, [key, head, i]);
        return Math.exp(score / Math.sqrt(width));
      });
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      for (let i = 0; i < width; i++) {
        const sum = weights.reduce((acc, weight, key) => acc + weight * at(v, [key, head, i]), 0);
        exact[(query * heads + head) * width + i] = sum / total;
      }
    }
  }
  const feed = (data: Float32Array): TensorData => ({ dims, data });
  return {
    name: `attention ${short(type)}`,
    model,
    feeds: { q: feed(q), k: feed(k), v: feed(v) },
    exact,
    bound: BOUNDS[type].attention,
  };
}

/** Where the sign of the products changes in the row that overflows. */
const OVERFLOW_RUN = 16;

/**
 * A long Gemm. Its first row adds up 16 × 4608 = 73,728, more than float16 holds, before the next 16 products take it away
 * again; the result itself is small.
 */
function gemmCheck(type: CheckType): NumericCheck {
  const [rows, inner, columns] = [8, 2560, 32];
  const x = numbers(rows * inner, 4);
  const w = numbers(inner * columns, 5);
  for (let i = 0; i < inner; i++) {
    const sign = Math.floor(i / OVERFLOW_RUN) % 2 === 0 ? 1 : -1;
    x[i] = 72 * sign;
    w[i * columns] = 64;
  }
  const dims = [rows, columns];
  const model = checkGraph(type, {
    inputs: { x: [rows, inner], w: [inner, columns] },
    dims,
    inner: (g, values) => g.node('Gemm', values),
  });
  const exact = product(x, { weight: (i, column) => w[i * columns + column] as number, rows, inner, columns });
  return {
    name: `Gemm ${short(type)}`,
    model,
    feeds: { x: { dims: [rows, inner], data: x }, w: { dims: [inner, columns], data: w } },
    exact,
    bound: BOUNDS[type].product,
  };
}

/** A 3×3 convolution over `channels`: many show how it adds up, 9 that the WebGPU provider reads three at a time wrongly. */
export function convCheck(type: CheckType, { channels }: { channels: number }): NumericCheck {
  const [filters, side] = [8, 6];
  const x = numbers(channels * side ** 2, 6);
  const w = numbers(filters * channels * 9, 7);
  const dims = [1, filters, side, side];
  const inputs = { x: [1, channels, side, side], w: [filters, channels, 3, 3] };
  const model = checkGraph(type, {
    inputs,
    dims,
    inner: (g, values) =>
      g.node('Conv', values, { attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [1, 1] } }),
  });
  const exact = new Float64Array(filters * side ** 2);
  for (let at = 0; at < exact.length; at++) {
    const [f, row, column] = [Math.floor(at / side ** 2), Math.floor(at / side) % side, at % side];
    let sum = 0;
    for (let c = 0; c < channels; c++) {
      for (let tap = 0; tap < 9; tap++) {
        const [i, j] = [row + Math.floor(tap / 3) - 1, column + (tap % 3) - 1];
        if (i < 0 || j < 0 || i >= side || j >= side) continue;
        sum += (x[(c * side + i) * side + j] as number) * (w[(f * channels + c) * 9 + tap] as number);
      }
    }
    exact[at] = sum;
  }
  return {
    name: `Conv ${short(type)}`,
    model,
    feeds: { x: { dims: inputs.x, data: x }, w: { dims: inputs.w, data: w } },
    exact,
    bound: BOUNDS[type].product,
  };
}

/** A block-quantised product. Scales are powers of two, so that the weights are exact in float16. */
function quantisedCheck(type: CheckType, bits: 4 | 8): NumericCheck {
  const [rows, inner, columns, block] = [5, 2560, 32, 32];
  const blocks = inner / block;
  const x = numbers(rows * inner, 8);
  const levels = numbers(columns * inner, 9).map((value) =>
    Math.min(2 ** bits - 1, Math.floor(((value + 1) / 2) * 2 ** bits)),
  );
  const scales = numbers(columns * blocks, 10).map((value) => 2 ** (Math.round(value * 2) - bits));
  const packed = new Uint8Array((columns * inner * bits) / 8);
  const w = new Float32Array(columns * inner);
  for (let i = 0; i < levels.length; i++) {
    const level = levels[i] as number;
    const byte = Math.floor((i * bits) / 8);
    packed[byte] = (packed[byte] as number) | (level << ((i * bits) % 8));
    w[i] = (level - 2 ** (bits - 1)) * (scales[Math.floor(i / block)] as number);
  }
  const dims = [rows, columns];
  const model = checkGraph(type, {
    inputs: { x: [rows, inner], scales: [columns, blocks] },
    dims,
    inner: (g, [input, scale]) =>
      g.node(
        'MatMulNBits',
        [
          input as Value,
          g.constant('packed', { type: 'uint8', dims: [columns, blocks, (block * bits) / 8], data: packed }),
          scale as Value,
        ],
        { domain: 'com.microsoft', attributes: { K: inner, N: columns, bits, block_size: block } },
      ),
  });
  return {
    name: `${bits}-bit product ${short(type)}`,
    model,
    feeds: { x: { dims: [rows, inner], data: x }, scales: { dims: [columns, blocks], data: scales } },
    exact: product(x, { weight: (i, column) => w[column * inner + i] as number, rows, inner, columns }),
    bound: BOUNDS[type].product,
  };
}

/** `x` times a matrix, in float64. */
function product(
  x: Float32Array,
  {
    weight,
    rows,
    inner,
    columns,
  }: {
    weight: (i: number, column: number) => number;
    rows: number;
    inner: number;
    columns: number;
  },
): Float64Array {
  return Float64Array.from({ length: rows * columns }, (_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let i = 0; i < inner; i++) sum += (x[row * inner + i] as number) * weight(i, column);
    return sum;
  });
}

function short(type: CheckType): string {
  return type === 'float16' ? 'fp16' : 'fp32';
}
