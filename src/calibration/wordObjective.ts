/**
 * What is minimised to learn the quality words' features, and its gradient.
 *
 * The authors learn the tokens before CLIP's text tower; here the tower stays out and its outputs, two unit vectors per pair, are
 * learned themselves [ours]: no back-propagation through a network is needed, and each pair starts at, and is held near, the
 * words the model has.
 */
import type { Objective } from '../math/lbfgs.ts';
import { sigmoid } from '../math/softmax.ts';
import { type PerceptualBounds, perceptualFactors, type QualityWordFeatures } from '../quality/perceptualMap.ts';
import { type RatedFactor, ratedFactors } from './ratings.ts';

/** Rated images as numbers. */
export interface RatedFeatures {
  /** CLS features `[images, dim]`, rows of unit length. */
  readonly cls: Float32Array;
  readonly dim: number;
  /** Ratings of the quality as a whole, 0..1. */
  readonly rating: Float64Array;
  /** Ratings of factors, 0..1, NaN where an image has none. */
  readonly factors: Readonly<Record<RatedFactor, Float64Array>>;
}

/** Weight of 1 − PLCC beside the mean squared error. CLIP-IQA+ (arXiv 2207.12396) has the error alone [ours]. */
const correlationWeight = 1;

/** The pairs as one point: per factor, good then bad, `[4, 2, dim]`. */
export function pointOf(words: QualityWordFeatures): Float64Array {
  return Float64Array.from(perceptualFactors.flatMap((factor) => Array.from(words[factor])));
}

/** The pairs of a point, every row scaled to unit length. */
export function wordsOf(point: Float64Array, dim: number): QualityWordFeatures {
  const { unit } = unitRows(point, dim);
  const [overall, technical, rationality, naturalness] = perceptualFactors.map((_, k) =>
    Float32Array.from(unit.subarray(k * 2 * dim, (k + 1) * 2 * dim)),
  ) as [Float32Array, Float32Array, Float32Array, Float32Array];
  return { overall, technical, rationality, naturalness };
}

/** q_k of eq. 3 for every image: `[4][images]`. */
export function factorScores(
  unit: Float64Array,
  { cls, dim }: Pick<RatedFeatures, 'cls' | 'dim'>,
  { logitScale }: { readonly logitScale: number },
): Float64Array[] {
  const images = cls.length / dim;
  const [d0, d1, d2, d3] = perceptualFactors.map((_, k) => {
    const good = k * 2 * dim;
    return Float64Array.from({ length: dim }, (_, i) => (unit[good + i] as number) - (unit[good + dim + i] as number));
  }) as [Float64Array, Float64Array, Float64Array, Float64Array];
  const scores = perceptualFactors.map(() => new Float64Array(images));
  const [q0, q1, q2, q3] = scores as [Float64Array, Float64Array, Float64Array, Float64Array];
  for (let image = 0; image < images; image++) {
    const row = image * dim;
    // Four sums at once: one alone waits for each of its additions.
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let i = 0; i < dim; i++) {
      const x = cls[row + i] as number;
      s0 += x * (d0[i] as number);
      s1 += x * (d1[i] as number);
      s2 += x * (d2[i] as number);
      s3 += x * (d3[i] as number);
    }
    q0[image] = sigmoid(logitScale * s0);
    q1[image] = sigmoid(logitScale * s1);
    q2[image] = sigmoid(logitScale * s2);
    q3[image] = sigmoid(logitScale * s3);
  }
  return scores;
}

/**
 * Eq. 3's scores against the ratings, each rated factor against its own ratings, and the distance from the initial pairs: mean
 * squared error + (1 − PLCC) for each of them, + strength · (κ/100)² · Σ|v − v₀|².
 *
 * @param options.initial the pairs to stay near
 * @param options.strength how firmly; at κ = 100 a change of 1/κ in every cosine is a lot
 * @returns a function of {@link pointOf}; rows need not be of unit length, only their direction counts
 */
export function wordObjective(
  data: RatedFeatures,
  {
    initial,
    bounds,
    logitScale,
    strength,
  }: {
    readonly initial: QualityWordFeatures;
    readonly bounds: PerceptualBounds;
    readonly logitScale: number;
    readonly strength: number;
  },
): Objective {
  const { dim } = data;
  const images = data.rating.length;
  const anchor = unitRows(pointOf(initial), dim).unit;
  const pull = strength * (logitScale / 100) ** 2;
  const rated = ratedFactors.map((factor) => {
    const rows = Array.from(data.factors[factor].keys()).filter((row) => !Number.isNaN(data.factors[factor][row]));
    return { rows, ratings: Float64Array.from(rows, (row) => data.factors[factor][row] as number) };
  });
  const limits = ratedFactors.map((factor) => bounds[factor]);

  return (point, gradient) => {
    const { unit, lengths } = unitRows(point, dim);
    const scores = factorScores(unit, data, { logitScale });
    const combined = combine(scores, limits);
    const whole = disagreement(combined, data.rating);
    let value = whole.value;

    // By q_k: eq. 3 by the product rule, flat above a bound.
    const [overall, ...others] = scores as [Float64Array, ...Float64Array[]];
    const slopes = scores.map(() => new Float64Array(images));
    const [slopeOverall, ...slopeOthers] = slopes as [Float64Array, ...Float64Array[]];
    const factor = new Float64Array(others.length);
    for (let image = 0; image < images; image++) {
      let product = whole.slope[image] as number;
      for (let k = 0; k < others.length; k++) {
        factor[k] = Math.min(((others[k] as Float64Array)[image] as number) / (limits[k] as number), 1);
        product *= factor[k] as number;
      }
      slopeOverall[image] = product;
      for (let k = 0; k < others.length; k++) {
        if ((factor[k] as number) >= 1) continue;
        let rest = ((whole.slope[image] as number) * (overall[image] as number)) / (limits[k] as number);
        for (let j = 0; j < others.length; j++) if (j !== k) rest *= factor[j] as number;
        (slopeOthers[k] as Float64Array)[image] = rest;
      }
    }
    rated.forEach(({ rows, ratings }, j) => {
      if (rows.length < 2) return;
      const own = scores[j + 1] as Float64Array;
      const part = disagreement(
        Float64Array.from(rows, (row) => own[row] as number),
        ratings,
      );
      value += part.value;
      const to = slopes[j + 1] as Float64Array;
      rows.forEach((row, i) => {
        to[row] = (to[row] as number) + (part.slope[i] as number);
      });
    });

    gradient.fill(0);
    const directions = pulls(data, { scores, slopes, logitScale });
    directions.forEach((direction, k) => {
      gradient.set(direction, k * 2 * dim);
      gradient.set(
        direction.map((value) => -value),
        (k * 2 + 1) * dim,
      );
    });
    for (let i = 0; i < unit.length; i++) {
      const away = (unit[i] as number) - (anchor[i] as number);
      value += pull * away * away;
      gradient[i] = (gradient[i] as number) + 2 * pull * away;
    }
    alongSphere(gradient, { unit, lengths, dim });
    return value;
  };
}

/** The gradient by each pair's direction (good − bad), `[4][dim]`, from that by q_k. */
function pulls(
  { cls, dim }: Pick<RatedFeatures, 'cls' | 'dim'>,
  {
    scores,
    slopes,
    logitScale,
  }: {
    readonly scores: readonly Float64Array[];
    readonly slopes: readonly Float64Array[];
    readonly logitScale: number;
  },
): Float64Array[] {
  const directions = scores.map(() => new Float64Array(dim));
  const [d0, d1, d2, d3] = directions as [Float64Array, Float64Array, Float64Array, Float64Array];
  const [w0, w1, w2, w3] = scores.map((own, k) =>
    own.map((q, image) => ((slopes[k] as Float64Array)[image] as number) * logitScale * q * (1 - q)),
  ) as [Float64Array, Float64Array, Float64Array, Float64Array];
  for (let image = 0; image < w0.length; image++) {
    const row = image * dim;
    const [a, b, c, d] = [w0[image] as number, w1[image] as number, w2[image] as number, w3[image] as number];
    for (let i = 0; i < dim; i++) {
      const x = cls[row + i] as number;
      d0[i] = (d0[i] as number) + a * x;
      d1[i] = (d1[i] as number) + b * x;
      d2[i] = (d2[i] as number) + c * x;
      d3[i] = (d3[i] as number) + d * x;
    }
  }
  return directions;
}

/** Eq. 3 for every image. */
export function combine(scores: readonly Float64Array[], limits: readonly number[]): Float64Array {
  const [overall = new Float64Array(0), ...others] = scores;
  return overall.map((q, image) =>
    others.reduce((product, other, k) => product * Math.min((other[image] as number) / (limits[k] as number), 1), q),
  );
}

/** Mean squared error + (1 − PLCC), and its derivative by each score. */
function disagreement(scores: Float64Array, ratings: Float64Array): { value: number; slope: Float64Array } {
  const n = scores.length;
  const meanScore = scores.reduce((a, b) => a + b, 0) / n;
  const meanRating = ratings.reduce((a, b) => a + b, 0) / n;
  let error = 0;
  let ss = 0;
  let rr = 0;
  let sr = 0;
  for (let i = 0; i < n; i++) {
    const s = (scores[i] as number) - meanScore;
    const r = (ratings[i] as number) - meanRating;
    error += ((scores[i] as number) - (ratings[i] as number)) ** 2 / n;
    ss += s * s;
    rr += r * r;
    sr += s * r;
  }
  // Equal scores have no correlation, and no direction that would give them one: the error alone leads away from there.
  const isFlat = ss <= 1e-20 || rr <= 1e-20;
  const plcc = isFlat ? 0 : sr / Math.sqrt(ss * rr);
  const slope = scores.map((score, i) => {
    const byError = (2 * (score - (ratings[i] as number))) / n;
    if (isFlat) return byError;
    const byPlcc = ((ratings[i] as number) - meanRating) / Math.sqrt(ss * rr) - (plcc * (score - meanScore)) / ss;
    return byError - correlationWeight * byPlcc;
  });
  return { value: error + correlationWeight * (1 - plcc), slope };
}

function unitRows(point: Float64Array, dim: number): { unit: Float64Array; lengths: Float64Array } {
  const unit = new Float64Array(point.length);
  const lengths = new Float64Array(point.length / dim);
  for (let row = 0; row < lengths.length; row++) {
    let squares = 0;
    for (let i = row * dim; i < (row + 1) * dim; i++) squares += (point[i] as number) ** 2;
    const length = Math.sqrt(squares) || 1;
    lengths[row] = length;
    for (let i = row * dim; i < (row + 1) * dim; i++) unit[i] = (point[i] as number) / length;
  }
  return { unit, lengths };
}

/** Turns a gradient by unit rows into one by rows of any length: what would only make them longer falls away. */
function alongSphere(
  gradient: Float64Array,
  { unit, lengths, dim }: { readonly unit: Float64Array; readonly lengths: Float64Array; readonly dim: number },
): void {
  for (let row = 0; row < lengths.length; row++) {
    let outwards = 0;
    for (let i = row * dim; i < (row + 1) * dim; i++) outwards += (gradient[i] as number) * (unit[i] as number);
    for (let i = row * dim; i < (row + 1) * dim; i++) {
      gradient[i] = ((gradient[i] as number) - outwards * (unit[i] as number)) / (lengths[row] as number);
    }
  }
}
