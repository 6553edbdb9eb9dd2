import { expect, test } from 'vitest';
import { minimise, type Objective } from './lbfgs.ts';

/** Rosenbrock's valley in any number of dimensions; its minimum, 0, is at ones. */
const valley: Objective = (x, gradient) => {
  gradient.fill(0);
  let value = 0;
  for (let i = 0; i + 1 < x.length; i++) {
    const a = x[i] as number;
    const b = x[i + 1] as number;
    value += 100 * (b - a * a) ** 2 + (1 - a) ** 2;
    gradient[i] = (gradient[i] as number) - 400 * a * (b - a * a) - 2 * (1 - a);
    gradient[i + 1] = (gradient[i + 1] as number) + 200 * (b - a * a);
  }
  return value;
};

test('finds the end of a curved valley', () => {
  const start = Float64Array.from({ length: 10 }, (_, i) => (i % 2 ? 1 : -1.2));
  const { point, value } = minimise(valley, start, { iterations: 500, tolerance: 0 });
  expect(value).toBeLessThan(1e-12);
  for (const x of point) expect(x).toBeCloseTo(1, 5);
  expect(start[0]).toBe(-1.2);
});

test('stays where nothing can be gained, and never ends higher', () => {
  expect(minimise(valley, new Float64Array(4).fill(1)).value).toBe(0);
  const start = Float64Array.of(3, -2, 4);
  expect(minimise(valley, start, { iterations: 3 }).value).toBeLessThan(valley(start, new Float64Array(3)));
});

test('begins well however steep the function is', () => {
  const steep: Objective = (x, gradient) => {
    gradient[0] = 2e8 * ((x[0] as number) - 0.3);
    return 1e8 * ((x[0] as number) - 0.3) ** 2;
  };
  expect(minimise(steep, Float64Array.of(0)).point[0]).toBeCloseTo(0.3, 6);
});
