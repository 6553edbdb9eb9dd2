/**
 * `out[r, o] = bias[o] + Σ_i x[r, i] · w[o, i]`: a linear layer over rows, as PyTorch's `nn.Linear` stores it.
 *
 * @param x `[rows, inputs]`, row-major; `xStride` numbers between rows
 * @param w `[outputs, inputs]`, row-major; `outputs` and `rows` are free
 *
 * Four outputs and two rows at a time: eight sums stay in registers and each number loaded is used more than once,
 * which is what makes plain JavaScript reach the speed the 20 ms budget needs.
 */
export function linear(
  x: Float32Array,
  w: Float32Array,
  shape: {
    readonly rows: number;
    readonly inputs: number;
    readonly outputs: number;
    readonly bias?: Float32Array;
    readonly out: Float32Array;
  },
): Float32Array {
  const { rows, inputs, outputs, bias, out } = shape;
  if (x.length < rows * inputs || w.length < outputs * inputs || out.length < rows * outputs) {
    throw new RangeError(`linear: arrays too short for ${rows}×${inputs}→${outputs}`);
  }
  let r = 0;
  for (; r + 1 < rows; r += 2) linearTwoRows(x, w, out, bias, inputs, outputs, r);
  if (r < rows) linearOneRow(x, w, out, bias, inputs, outputs, r);
  return out;
}

function linearTwoRows(
  x: Float32Array,
  w: Float32Array,
  out: Float32Array,
  bias: Float32Array | undefined,
  inputs: number,
  outputs: number,
  r: number,
): void {
  const x0 = r * inputs;
  const x1 = x0 + inputs;
  let o = 0;
  for (; o + 3 < outputs; o += 4) {
    const w0 = o * inputs;
    const w1 = w0 + inputs;
    const w2 = w1 + inputs;
    const w3 = w2 + inputs;
    let a0 = 0;
    let a1 = 0;
    let a2 = 0;
    let a3 = 0;
    let b0 = 0;
    let b1 = 0;
    let b2 = 0;
    let b3 = 0;
    for (let i = 0; i < inputs; i++) {
      const a = x[x0 + i] as number;
      const b = x[x1 + i] as number;
      const p = w[w0 + i] as number;
      const q = w[w1 + i] as number;
      const s = w[w2 + i] as number;
      const t = w[w3 + i] as number;
      a0 += a * p;
      a1 += a * q;
      a2 += a * s;
      a3 += a * t;
      b0 += b * p;
      b1 += b * q;
      b2 += b * s;
      b3 += b * t;
    }
    if (bias !== undefined) {
      const c0 = bias[o] as number;
      const c1 = bias[o + 1] as number;
      const c2 = bias[o + 2] as number;
      const c3 = bias[o + 3] as number;
      a0 += c0;
      b0 += c0;
      a1 += c1;
      b1 += c1;
      a2 += c2;
      b2 += c2;
      a3 += c3;
      b3 += c3;
    }
    const y0 = r * outputs + o;
    const y1 = y0 + outputs;
    out[y0] = a0;
    out[y0 + 1] = a1;
    out[y0 + 2] = a2;
    out[y0 + 3] = a3;
    out[y1] = b0;
    out[y1 + 1] = b1;
    out[y1 + 2] = b2;
    out[y1 + 3] = b3;
  }
  for (; o < outputs; o++) {
    for (let k = r; k < r + 2; k++) {
      let sum = bias === undefined ? 0 : (bias[o] as number);
      for (let i = 0; i < inputs; i++) sum += (x[k * inputs + i] as number) * (w[o * inputs + i] as number);
      out[k * outputs + o] = sum;
    }
  }
}

function linearOneRow(
  x: Float32Array,
  w: Float32Array,
  out: Float32Array,
  bias: Float32Array | undefined,
  inputs: number,
  outputs: number,
  r: number,
): void {
  for (let o = 0; o < outputs; o++) {
    let sum = bias === undefined ? 0 : (bias[o] as number);
    for (let i = 0; i < inputs; i++) sum += (x[r * inputs + i] as number) * (w[o * inputs + i] as number);
    out[r * outputs + o] = sum;
  }
}
