/**
 * Dot product of two vectors, or of the rows starting at `rowA`, `rowB` (element offsets) of two matrices.
 * @throws RangeError if a row does not fit
 */
export function dot(
  a: Float32Array,
  b: Float32Array,
  { rowA = 0, rowB = 0, dim = a.length - rowA }: { rowA?: number; rowB?: number; dim?: number } = {},
): number {
  if (rowA + dim > a.length || rowB + dim > b.length) {
    throw new RangeError(`Rows of ${dim} at ${rowA} and ${rowB} do not fit vectors of ${a.length} and ${b.length}`);
  }
  let sum = 0;
  for (let i = 0; i < dim; i++) sum += (a[rowA + i] as number) * (b[rowB + i] as number);
  return sum;
}

/** The vector scaled to unit length; a zero vector stays zero. */
export function normalise(vector: Float32Array): Float32Array<ArrayBuffer> {
  const length = Math.sqrt(dot(vector, vector));
  return Float32Array.from(vector, (value) => (length > 0 ? value / length : 0));
}

/** Cosine of the angle between two vectors, -1..1; 0 if one is zero. */
export function cosine(a: Float32Array, b: Float32Array): number {
  const lengths = Math.sqrt(dot(a, a) * dot(b, b));
  return lengths > 0 ? dot(a, b) / lengths : 0;
}

/** `a - b`, element by element. @throws RangeError if the lengths differ */
export function difference(a: Float32Array, b: Float32Array): Float32Array<ArrayBuffer> {
  if (a.length !== b.length) throw new RangeError(`Vectors of ${a.length} and ${b.length} elements`);
  return Float32Array.from(a, (value, i) => value - (b[i] as number));
}

/**
 * Mean of the rows of `[count, dim]`, scaled to unit length: one feature for several wordings (CLIP's prompt ensemble).
 * @throws RangeError if there is no row or the length is no multiple of `dim`
 */
export function meanDirection(rows: Float32Array, dim: number): Float32Array<ArrayBuffer> {
  if (rows.length === 0 || rows.length % dim !== 0) throw new RangeError(`${rows.length} values are no rows of ${dim}`);
  const mean = new Float32Array(dim);
  for (let at = 0; at < rows.length; at += dim) {
    for (let i = 0; i < dim; i++) mean[i] = (mean[i] as number) + (rows[at + i] as number);
  }
  return normalise(mean);
}
