import type { LinearKernel } from './linearKernel.ts';

/** One direction of an LSTM layer, gates in PyTorch's order: input, forget, cell, output. Arrays of the kernel. */
export interface LstmWeights {
  /** `[4·hidden, inputs]` */
  readonly input: Float32Array;
  /** `[4·hidden, hidden]` */
  readonly recurrent: Float32Array;
  /** `[4·hidden]`, PyTorch's two biases added. */
  readonly bias: Float32Array;
}

/** Both directions of a layer and the sizes of its input. */
export interface LstmLayer {
  readonly forwards: LstmWeights;
  readonly backwards: LstmWeights;
  readonly rows: number;
  readonly inputs: number;
  readonly hidden: number;
}

/** `[rows, inputs]` → `[rows, 2·hidden]`: forward states, then backward states (torch.nn.LSTM, bidirectional). */
export function bidirectionalLstm(kernel: LinearKernel, x: Float32Array, layer: LstmLayer): Float32Array {
  const { rows, inputs, hidden } = layer;
  const out = kernel.allocate((rows + 1) * 2 * hidden);
  const gates = kernel.allocate(rows * 4 * hidden);
  const sums = kernel.allocate(4 * hidden);
  const state = kernel.allocate(2 * hidden); // the kernel reads one row beyond
  const cell = new Float32Array(hidden);
  for (const backwards of [false, true]) {
    const weights = backwards ? layer.backwards : layer.forwards;
    kernel.linear(x, weights.input, { rows, inputs, outputs: 4 * hidden, bias: weights.bias, out: gates });
    state.fill(0);
    cell.fill(0);
    for (let step = 0; step < rows; step++) {
      const row = backwards ? rows - 1 - step : step;
      const bias = gates.subarray(row * 4 * hidden, (row + 1) * 4 * hidden);
      kernel.linear(state, weights.recurrent, { rows: 1, inputs: hidden, outputs: 4 * hidden, bias, out: sums });
      const y = row * 2 * hidden + (backwards ? hidden : 0);
      for (let i = 0; i < hidden; i++) {
        const fresh = 2 * sigmoid(2 * (sums[2 * hidden + i] as number)) - 1;
        const c = sigmoid(sums[hidden + i] as number) * (cell[i] as number) + sigmoid(sums[i] as number) * fresh;
        cell[i] = c;
        out[y + i] = state[i] = sigmoid(sums[3 * hidden + i] as number) * (2 * sigmoid(2 * c) - 1);
      }
    }
  }
  return out;
}

/** The logistic function from a table with linear interpolation: error below 5e-8, several times faster than `Math.exp`. */
const REACH = 16;
const STEPS = 512;
const TABLE = Float64Array.from({ length: 2 * REACH * STEPS + 2 }, (_, i) => 1 / (1 + Math.exp(REACH - i / STEPS)));

function sigmoid(x: number): number {
  if (x >= REACH) return 1;
  if (!(x > -REACH)) return 0;
  const at = (x + REACH) * STEPS;
  const i = at | 0;
  const low = TABLE[i] as number;
  return low + (at - i) * ((TABLE[i + 1] as number) - low);
}
