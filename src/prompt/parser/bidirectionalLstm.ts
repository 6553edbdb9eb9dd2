import { linear } from './linearAlgebra.ts';

/** One direction of an LSTM layer, gates in PyTorch's order: input, forget, cell, output. */
export interface LstmWeights {
  /** `[4·hidden, inputs]` */
  readonly input: Float32Array;
  /** `[4·hidden, hidden]` */
  readonly recurrent: Float32Array;
  /** `[4·hidden]`, PyTorch's two biases added. */
  readonly bias: Float32Array;
}

/** `[rows, inputs]` → `[rows, 2·hidden]`: forward states, then backward states (torch.nn.LSTM, bidirectional). */
export function bidirectionalLstm(
  x: Float32Array,
  layer: {
    readonly forwards: LstmWeights;
    readonly backwards: LstmWeights;
    readonly rows: number;
    readonly inputs: number;
    readonly hidden: number;
  },
): Float32Array {
  const out = new Float32Array(layer.rows * 2 * layer.hidden);
  run(x, layer.forwards, { ...layer, out, backwards: false });
  run(x, layer.backwards, { ...layer, out, backwards: true });
  return out;
}

function run(
  x: Float32Array,
  weights: LstmWeights,
  at: { rows: number; inputs: number; hidden: number; out: Float32Array; backwards: boolean },
): void {
  const { rows, inputs, hidden, out } = at;
  const gates = new Float32Array(rows * 4 * hidden);
  linear(x, weights.input, { rows, inputs, outputs: 4 * hidden, bias: weights.bias, out: gates });
  const h = new Float32Array(hidden);
  const cell = new Float32Array(hidden);
  const sums = new Float32Array(4 * hidden);
  for (let step = 0; step < rows; step++) {
    const row = at.backwards ? rows - 1 - step : step;
    if (step > 0) recur(weights.recurrent, h, sums);
    const g = row * 4 * hidden;
    const y = row * 2 * hidden + (at.backwards ? hidden : 0);
    for (let i = 0; i < hidden; i++) {
      const input = sigmoid((gates[g + i] as number) + (sums[i] as number));
      const forget = sigmoid((gates[g + hidden + i] as number) + (sums[hidden + i] as number));
      const fresh = Math.tanh((gates[g + 2 * hidden + i] as number) + (sums[2 * hidden + i] as number));
      const output = sigmoid((gates[g + 3 * hidden + i] as number) + (sums[3 * hidden + i] as number));
      const c = forget * (cell[i] as number) + input * fresh;
      cell[i] = c;
      out[y + i] = h[i] = output * Math.tanh(c);
    }
  }
}

/** sums = w · h, eight rows at a time: the recurrent half cannot be batched over words. */
function recur(w: Float32Array, h: Float32Array, sums: Float32Array): void {
  const n = h.length;
  for (let o = 0; o < sums.length; o += 8) {
    const p = o * n;
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    let e = 0;
    let f = 0;
    let g = 0;
    let k = 0;
    for (let i = 0; i < n; i++) {
      const v = h[i] as number;
      const q = p + i;
      a += v * (w[q] as number);
      b += v * (w[q + n] as number);
      c += v * (w[q + 2 * n] as number);
      d += v * (w[q + 3 * n] as number);
      e += v * (w[q + 4 * n] as number);
      f += v * (w[q + 5 * n] as number);
      g += v * (w[q + 6 * n] as number);
      k += v * (w[q + 7 * n] as number);
    }
    sums[o] = a;
    sums[o + 1] = b;
    sums[o + 2] = c;
    sums[o + 3] = d;
    sums[o + 4] = e;
    sums[o + 5] = f;
    sums[o + 6] = g;
    sums[o + 7] = k;
  }
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
