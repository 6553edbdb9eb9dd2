/** A function of many variables: its value at a point, its gradient written into `gradient`. */
export type Objective = (point: Float64Array, gradient: Float64Array) => number;

/** When a minimisation ends. */
export interface LbfgsLimits {
  /** Most steps; default 50. */
  readonly iterations?: number;
  /** Ends when a step gains less than this share of the value; default 1e-5. */
  readonly tolerance?: number;
}

/** Steps remembered to estimate the curvature. */
const memory = 8;
/** Share of the gain promised by the gradient that a step has to keep (Armijo). */
const sufficientGain = 1e-4;
/** Halvings of a step before the search gives up. */
const mostHalvings = 25;

/**
 * Minimises a smooth function (L-BFGS, Nocedal and Wright, "Numerical Optimization", algorithms 7.4 and 3.1). Deterministic; never
 * ends above the value it started with.
 *
 * @param start where to begin; not changed
 */
export function minimise(
  objective: Objective,
  start: Float64Array,
  { iterations = 50, tolerance = 1e-5 }: LbfgsLimits = {},
): { readonly point: Float64Array; readonly value: number } {
  const size = start.length;
  let point = Float64Array.from(start);
  let gradient = new Float64Array(size);
  let value = objective(point, gradient);
  const steps: { readonly moved: Float64Array; readonly turned: Float64Array; readonly curvature: number }[] = [];
  for (let iteration = 0; iteration < iterations; iteration++) {
    let direction = descent(gradient, steps);
    let slope = inner(direction, gradient);
    if (!(slope < 0)) {
      // The remembered curvature misled: begin anew along the gradient.
      steps.length = 0;
      direction = descent(gradient, steps);
      slope = inner(direction, gradient);
      if (!(slope < 0)) break;
    }
    const nextGradient = new Float64Array(size);
    const next = new Float64Array(size);
    // Without a curvature the first step has no scale: a short one, which the search may shorten further.
    let length = steps.length === 0 ? Math.min(1, 0.01 / Math.sqrt(inner(gradient, gradient))) : 1;
    let nextValue = Number.POSITIVE_INFINITY;
    let halvings = 0;
    for (; halvings < mostHalvings; halvings++, length /= 2) {
      for (let i = 0; i < size; i++) next[i] = (point[i] as number) + length * (direction[i] as number);
      nextValue = objective(next, nextGradient);
      if (nextValue <= value + sufficientGain * length * slope) break;
    }
    if (halvings === mostHalvings) break;
    const moved = new Float64Array(size);
    const turned = new Float64Array(size);
    for (let i = 0; i < size; i++) {
      moved[i] = (next[i] as number) - (point[i] as number);
      turned[i] = (nextGradient[i] as number) - (gradient[i] as number);
    }
    const curvature = inner(moved, turned);
    if (curvature > 1e-12 * inner(turned, turned)) {
      steps.push({ moved, turned, curvature });
      if (steps.length > memory) steps.shift();
    }
    const gain = value - nextValue;
    point = next;
    gradient = nextGradient;
    value = nextValue;
    if (gain <= tolerance * Math.max(Math.abs(value), 1e-12)) break;
  }
  return { point, value };
}

/** The two-loop recursion: minus the gradient, scaled by the inverse curvature that the steps have shown. */
function descent(
  gradient: Float64Array,
  steps: readonly { readonly moved: Float64Array; readonly turned: Float64Array; readonly curvature: number }[],
): Float64Array {
  const direction = gradient.map((value) => -value);
  const weights: number[] = [];
  for (const { moved, turned, curvature } of steps.toReversed()) {
    const weight = inner(moved, direction) / curvature;
    weights.unshift(weight);
    add(direction, turned, -weight);
  }
  const last = steps.at(-1);
  if (last) {
    const scale = last.curvature / inner(last.turned, last.turned);
    for (let i = 0; i < direction.length; i++) direction[i] = (direction[i] as number) * scale;
  }
  steps.forEach(({ moved, turned, curvature }, i) => {
    add(direction, moved, (weights[i] as number) - inner(turned, direction) / curvature);
  });
  return direction;
}

function inner(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

function add(to: Float64Array, from: Float64Array, weight: number): void {
  for (let i = 0; i < to.length; i++) to[i] = (to[i] as number) + weight * (from[i] as number);
}
