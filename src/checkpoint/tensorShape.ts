/** Dimensions a tensor may have; published models stop at 5 (video), torch itself at 64. */
export const MAX_RANK = 16;

/**
 * Number of elements of a shape that comes from an untrusted file.
 * @returns null where it is no shape: not an array of at most {@link MAX_RANK} non-negative safe integers, or a product
 *   of its non-zero dimensions that is not a safe integer (so that zero dimensions hide nothing)
 */
export function elementCount(shape: unknown): number | null {
  if (!Array.isArray(shape) || shape.length > MAX_RANK) return null;
  let product = 1;
  let empty = false;
  for (const dimension of shape as unknown[]) {
    if (typeof dimension !== 'number' || !Number.isSafeInteger(dimension) || dimension < 0) return null;
    if (dimension === 0) empty = true;
    else product *= dimension;
    if (!Number.isSafeInteger(product)) return null;
  }
  return empty ? 0 : product;
}
