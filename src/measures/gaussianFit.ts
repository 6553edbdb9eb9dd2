/**
 * Generalised Gaussians fitted by their moments (Mittal 2012, section III-A). As in the authors' release, the shape is the best of
 * a table from 0.2 to 10 in steps of 0.001.
 */
import { gamma } from '../math/gamma.ts';

const FIRST_SHAPE = 0.2;
const SHAPE_STEP = 0.001;
const SHAPES = 9801;

/** ρ(a) = E|x|² / E x² = Γ(2/a)² / (Γ(1/a) Γ(3/a)) for every shape of the table; it rises with a. */
const RATIOS = Float64Array.from({ length: SHAPES }, (_, i) => {
  const a = shapeAt(i);
  return gamma(2 / a) ** 2 / (gamma(1 / a) * gamma(3 / a));
});

/** Sums over samples, from which the fits are made. */
export class Moments {
  #below = 0;
  #belowSquares = 0;
  #above = 0;
  #aboveSquares = 0;
  #magnitudes = 0;
  #count = 0;

  /** Counts one sample. */
  add(value: number): void {
    this.#count++;
    if (value < 0) {
      this.#below++;
      this.#belowSquares += value * value;
      this.#magnitudes -= value;
    } else if (value > 0) {
      this.#above++;
      this.#aboveSquares += value * value;
      this.#magnitudes += value;
    }
  }

  /** Shape and variance of a symmetric Gaussian; NaN for samples that are all zero. */
  symmetric(): { readonly shape: number; readonly variance: number } {
    const variance = (this.#belowSquares + this.#aboveSquares) / this.#count;
    const ratio = (this.#magnitudes / this.#count) ** 2 / variance;
    // The release compares the inverse ratio, whose nearest entry can be the neighbour of this one's.
    return { shape: nearestShape(ratio, (entry) => Math.abs(1 / ratio - 1 / entry)), variance };
  }

  /** Shape and the deviations left and right of zero of an asymmetric one; all NaN where a side has no samples. */
  asymmetric(): { readonly shape: number; readonly left: number; readonly right: number } {
    const left = Math.sqrt(this.#belowSquares / this.#below);
    const right = Math.sqrt(this.#aboveSquares / this.#above);
    const g = left / right;
    const squares = (this.#belowSquares + this.#aboveSquares) / this.#count;
    const ratio = ((this.#magnitudes / this.#count) ** 2 / squares) * (((g ** 3 + 1) * (g + 1)) / (g ** 2 + 1) ** 2);
    if (!Number.isFinite(ratio)) return { shape: Number.NaN, left: Number.NaN, right: Number.NaN };
    return { shape: nearestShape(ratio, (entry) => Math.abs(ratio - entry)), left, right };
  }
}

/** Mean of an asymmetric Gaussian whose scales are β_l and β_r: (β_r − β_l) Γ(2/a) / Γ(1/a) (Mittal 2012, eq. 9). */
export function asymmetricMean(
  shape: number,
  { left, right }: { readonly left: number; readonly right: number },
): number {
  return ((right - left) * gamma(2 / shape)) / gamma(1 / shape);
}

/** β = σ · √(Γ(1/a) / Γ(3/a)): the scale of a Gaussian of shape a with deviation σ is this times σ (eq. 6 and 7). */
export function scaleOf(shape: number): number {
  return Math.sqrt(gamma(1 / shape) / gamma(3 / shape));
}

/** The shape of the table whose ratio is nearest. */
function nearestShape(ratio: number, distance: (entry: number) => number): number {
  if (!Number.isFinite(ratio)) return Number.NaN;
  let low = 0;
  let high = SHAPES - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((RATIOS[middle] as number) < ratio) low = middle;
    else high = middle;
  }
  return shapeAt(distance(RATIOS[low] as number) <= distance(RATIOS[high] as number) ? low : high);
}

function shapeAt(index: number): number {
  return FIRST_SHAPE + index * SHAPE_STEP;
}
