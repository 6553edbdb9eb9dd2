/** Smallest and largest value. @throws RangeError on an empty list */
export function minMax(values: ArrayLike<number>): readonly [number, number] {
  if (values.length === 0) throw new RangeError('No values');
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** Values stretched so that the smallest is 0 and the largest 1; a constant list becomes 0 (as CLIP Surgery's maps). */
export function minMaxNormalise(values: Float32Array): Float32Array<ArrayBuffer> {
  const [low, high] = minMax(values);
  return Float32Array.from(values, (value) => (high > low ? (value - low) / (high - low) : 0));
}

/**
 * The `q`-quantile, linear between neighbours (numpy's default).
 * @param q 0..1
 * @throws RangeError on an empty list or q outside 0..1
 */
export function quantile(values: ArrayLike<number>, q: number): number {
  if (values.length === 0 || !(q >= 0 && q <= 1)) throw new RangeError(`Quantile ${q} of ${values.length} values`);
  const sorted = Float64Array.from(values).sort();
  const position = q * (sorted.length - 1);
  const below = sorted[Math.floor(position)] as number;
  const above = sorted[Math.ceil(position)] as number;
  return below + (position - Math.floor(position)) * (above - below);
}

/** Mean of the `count` largest values. @throws RangeError unless 1 <= count <= length */
export function meanOfLargest(values: ArrayLike<number>, count: number): number {
  if (!(count >= 1 && count <= values.length)) throw new RangeError(`${count} largest of ${values.length} values`);
  const sorted = Float64Array.from(values).sort();
  let sum = 0;
  for (let i = sorted.length - count; i < sorted.length; i++) sum += sorted[i] as number;
  return sum / count;
}
