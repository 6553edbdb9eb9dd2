/** Logistic function, 1 / (1 + e^-x); exact limits 0 and 1 without overflow. */
export function sigmoid(x: number): number {
  // e^-x overflows to Infinity for large negative x, which divides to the right 0.
  return 1 / (1 + Math.exp(-x));
}

/** Inverse of {@link sigmoid}; finite for what rounding has made 0 or 1, so that two such still have a mean. */
export function logit(p: number): number {
  const inside = Math.min(Math.max(p, 1e-9), 1 - 1e-9);
  return Math.log(inside / (1 - inside));
}

/** Softmax over all logits, the largest subtracted first so that nothing overflows. Empty in, empty out. */
export function softmax(logits: ArrayLike<number>): Float64Array<ArrayBuffer> {
  const values = Float64Array.from(logits);
  const largest = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const e = Math.exp((values[i] as number) - largest);
    values[i] = e;
    sum += e;
  }
  for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) / sum;
  return values;
}
