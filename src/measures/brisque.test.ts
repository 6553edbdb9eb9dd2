import { expect, test } from 'vitest';
import { predictSeverity } from './brisque.ts';

test('the regression: features scaled to −1..1, a bell around every vector', () => {
  const model = {
    low: [0, 10],
    high: [4, 20],
    gamma: 0.5,
    intercept: 30,
    coefficients: [8, -2],
    vectors: [
      [0, 0],
      [1, -1],
    ],
  };
  // Scaled (1, 0): squared distances 1 and 1.
  expect(predictSeverity([4, 15], model)).toBeCloseTo(30 + 6 * Math.exp(-0.5), 12);
  expect(predictSeverity([4, 10], model)).toBeCloseTo(30 + 8 * Math.exp(-1) - 2, 12);
});
