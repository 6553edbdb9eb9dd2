/**
 * √(dᵀ A⁻¹ d), by Cholesky's decomposition.
 *
 * @param away d, `[n]`
 * @param matrix A, `[n, n]` row-major, symmetric, positive definite
 * @returns NaN where A is not positive definite
 */
export function mahalanobis(away: ArrayLike<number>, matrix: ArrayLike<number>): number {
  const n = away.length;
  const lower = new Float64Array(n * n);
  // Solved along with the decomposition: L y = d, and dᵀ A⁻¹ d = yᵀ y.
  const solved = new Float64Array(n);
  let sum = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = matrix[i * n + j] as number;
      for (let k = 0; k < j; k++) rest -= (lower[i * n + k] as number) * (lower[j * n + k] as number);
      if (i === j && !(rest > 0)) return Number.NaN;
      lower[i * n + j] = i === j ? Math.sqrt(rest) : rest / (lower[j * n + j] as number);
    }
    let y = away[i] as number;
    for (let k = 0; k < i; k++) y -= (lower[i * n + k] as number) * (solved[k] as number);
    y /= lower[i * n + i] as number;
    solved[i] = y;
    sum += y * y;
  }
  return Math.sqrt(sum);
}
