/**
 * Logarithm, sine and cosine from + − × ÷ alone: IEEE 754 says what those give to the last bit, and not what `Math.log` and
 * `Math.sin` give, which differ between engines and machines. Errors are below 1e-15.
 */

/** Terms after which a series has run out of a double's digits on the ranges below. */
const atanhTerms = 12;
const sineTerms = 9;

/**
 * Natural logarithm of a normal, positive number: `2 atanh((m−1)/(m+1)) + k ln 2` with m in √½..√2.
 * @throws RangeError for anything else
 */
export function exactLog(value: number): number {
  if (!(value > 1e-300 && value < 1e300)) throw new RangeError(`No logarithm of ${value} here`);
  let mantissa = value;
  let exponent = 0;
  // Halving and doubling are exact.
  for (; mantissa >= Math.SQRT2; exponent++) mantissa /= 2;
  for (; mantissa < Math.SQRT1_2; exponent--) mantissa *= 2;
  const s = (mantissa - 1) / (mantissa + 1);
  const square = s * s;
  let sum = 0;
  for (let term = atanhTerms; term >= 0; term--) sum = sum * square + 1 / (2 * term + 1);
  return 2 * s * sum + exponent * Math.LN2;
}

/** Sine and cosine of so many quarter turns, for 0 ≤ quarters < 4. @throws RangeError beyond */
export function exactSinCos(quarters: number): readonly [sine: number, cosine: number] {
  if (!(quarters >= 0 && quarters < 4)) throw new RangeError(`${quarters} quarter turns, expected 0 to 4`);
  // The nearest multiple of a quarter turn leaves at most an eighth of a turn to either side.
  const whole = Math.floor(quarters + 0.5);
  const angle = (quarters - whole) * (Math.PI / 2);
  const square = angle * angle;
  let sine = 1;
  let cosine = 1;
  for (let term = sineTerms; term >= 1; term--) {
    sine = 1 - (sine * square) / (2 * term * (2 * term + 1));
    cosine = 1 - (cosine * square) / (2 * term * (2 * term - 1));
  }
  sine *= angle;
  switch (whole % 4) {
    case 0:
      return [sine, cosine];
    case 1:
      return [cosine, -sine];
    case 2:
      return [-sine, -cosine];
    default:
      return [-cosine, sine];
  }
}
