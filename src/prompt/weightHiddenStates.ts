/** Prompt weighting on what a text encoder gives (spec "Prompt weighting"). */

/** Sizes of {@link weightHiddenStates}. */
export interface WeightedStates {
  /** Of the empty prompt: `[tokens of a chunk, width]`. */
  readonly empty: Float32Array;
  /** One for each row of the hidden states. */
  readonly weights: Float32Array;
  readonly width: number;
}

/**
 * `z′ = z_∅ + w (z − z_∅)` for every token, `z_∅` being the empty prompt's hidden state at the same place of its chunk. Rows
 * of weight 1 stay as they are, bit for bit. The pooled embedding is not weighted.
 * @param hidden `[chunks · tokens, width]`, the chunks one after the other
 * @returns a new array of the same shape
 * @throws {RangeError} the sizes do not fit
 */
export function weightHiddenStates(
  hidden: Float32Array,
  { empty, weights, width }: WeightedStates,
): Float32Array<ArrayBuffer> {
  if (hidden.length !== weights.length * width || empty.length === 0 || hidden.length % empty.length !== 0) {
    throw new RangeError(
      `${hidden.length} numbers, ${weights.length} weights and an empty prompt of ${empty.length} do not fit rows of ${width}`,
    );
  }
  const weighted = Float32Array.from(hidden);
  weights.forEach((weight, row) => {
    if (weight === 1) return;
    for (let i = row * width; i < (row + 1) * width; i++) {
      const base = empty[i % empty.length] as number;
      weighted[i] = base + weight * ((hidden[i] as number) - base);
    }
  });
  return weighted;
}

/**
 * Hidden states of two text encoders side by side, as XL reads them: `[rows, widths[0] + widths[1]]`.
 * @param states `[rows, widths[i]]` each
 * @throws {RangeError} they have different numbers of rows
 */
export function joinHiddenStates(
  states: readonly [Float32Array, Float32Array],
  widths: readonly [number, number],
): Float32Array<ArrayBuffer> {
  const rows = states[0].length / widths[0];
  if (!Number.isInteger(rows) || states[1].length !== rows * widths[1]) {
    throw new RangeError(`${states[0].length} and ${states[1].length} numbers are not rows of ${widths.join(' and ')}`);
  }
  const width = widths[0] + widths[1];
  const joined = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    joined.set(states[0].subarray(row * widths[0], (row + 1) * widths[0]), row * width);
    joined.set(states[1].subarray(row * widths[1], (row + 1) * widths[1]), row * width + widths[0]);
  }
  return joined;
}
