/** A Gaussian of `size` taps, their sum 1: one side of a separable window (MATLAB's fspecial). */
export function gaussianWindow(size: number, sigma: number): Float64Array {
  const taps = Float64Array.from({ length: size }, (_, i) => Math.exp(-((i - (size - 1) / 2) ** 2) / (2 * sigma ** 2)));
  const sum = taps.reduce((all, tap) => all + tap, 0);
  return taps.map((tap) => tap / sum);
}
