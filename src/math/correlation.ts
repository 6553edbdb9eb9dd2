/** How well two lists of numbers agree, as image quality assessment reports it. */

/**
 * Pearson's linear correlation (PLCC), -1..1; NaN where one list is constant or has fewer than two numbers.
 * @throws RangeError if the lengths differ
 */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = sameLength(a, b);
  const meanA = mean(a);
  const meanB = mean(b);
  let ab = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < n; i++) {
    const fromA = (a[i] as number) - meanA;
    const fromB = (b[i] as number) - meanB;
    ab += fromA * fromB;
    aa += fromA * fromA;
    bb += fromB * fromB;
  }
  return aa > 0 && bb > 0 ? Math.max(-1, Math.min(1, ab / Math.sqrt(aa * bb))) : Number.NaN;
}

/** Spearman's rank correlation (SRCC): {@link pearson} of {@link averageRanks}. */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number {
  sameLength(a, b);
  return pearson(averageRanks(a), averageRanks(b));
}

/**
 * Kendall's rank correlation, tau-b (KRCC): pairs in the same order less pairs in opposite order, of the pairs that are tied in
 * neither list; -1..1, NaN where one list is constant. Looks at every pair: some seconds for 20,000 numbers.
 * @throws RangeError if the lengths differ
 */
export function kendall(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = sameLength(a, b);
  let balance = 0;
  let untiedA = 0;
  let untiedB = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const inA = Math.sign((a[i] as number) - (a[j] as number));
      const inB = Math.sign((b[i] as number) - (b[j] as number));
      balance += inA * inB;
      untiedA += inA * inA;
      untiedB += inB * inB;
    }
  }
  return untiedA > 0 && untiedB > 0 ? balance / Math.sqrt(untiedA * untiedB) : Number.NaN;
}

/** Ranks from 1, the smallest first; equal numbers share the mean of their ranks. */
export function averageRanks(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, i) => i).sort(
    (i, j) => (values[i] as number) - (values[j] as number),
  );
  const ranks = new Float64Array(values.length);
  for (let start = 0; start < order.length; ) {
    const value = values[order[start] as number];
    let end = start + 1;
    while (end < order.length && values[order[end] as number] === value) end++;
    for (let at = start; at < end; at++) ranks[order[at] as number] = (start + 1 + end) / 2;
    start = end;
  }
  return ranks;
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return sum / values.length;
}

function sameLength(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new RangeError(`Lists of ${a.length} and ${b.length} numbers`);
  return a.length;
}
