/** Curvature of the schedule. */
const rho = 7;

/** Noise levels spaced as Karras et al. 2022, eq. 5, from the largest to the smallest, both included; rounded to float32. */
export function karrasSigmas(
  count: number,
  { largest, smallest }: { readonly largest: number; readonly smallest: number },
) {
  const from = largest ** (1 / rho);
  const to = smallest ** (1 / rho);
  return Array.from({ length: count }, (_, i) => {
    const share = count > 1 ? i / (count - 1) : 0;
    return Math.fround((from + share * (to - from)) ** rho);
  });
}

/** The timestep, with its fraction, whose noise level is `sigma`; linear in the logarithm (diffusers' `_sigma_to_t`). */
export function timestepOfSigma(sigma: number, sigmas: Float32Array): number {
  const log = Math.log(Math.max(sigma, 1e-10));
  const logAt = (index: number) => Math.fround(Math.log(sigmas[index] as number));
  let low = 0;
  for (let high = sigmas.length - 1; low < high; ) {
    const middle = Math.ceil((low + high) / 2);
    if (logAt(middle) <= log) low = middle;
    else high = middle - 1;
  }
  low = Math.min(low, sigmas.length - 2);
  const share = (logAt(low) - log) / (logAt(low) - logAt(low + 1));
  return low + Math.min(1, Math.max(0, share));
}
