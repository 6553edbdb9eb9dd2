/**
 * Largest error, relative to the largest golden number.
 * @throws {RangeError} there are more or fewer numbers than golden ones
 */
export function relativeError(actual: Float32Array, golden: Float32Array): number {
  if (actual.length !== golden.length) throw new RangeError(`${actual.length} numbers, expected ${golden.length}`);
  const largest = golden.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return golden.reduce((most, value, i) => Math.max(most, Math.abs((actual[i] as number) - value)), 0) / largest;
}
