import { expect, test } from 'vitest';
import { gamma } from './gamma.ts';
import { mahalanobis } from './mahalanobis.ts';

test('a distance in units of the spread in its direction', () => {
  expect(mahalanobis([3, 4], [1, 0, 0, 1])).toBeCloseTo(5, 14);
  expect(mahalanobis([4, 0], [4, 0, 0, 9])).toBeCloseTo(2, 14);
  // The inverse of [[2, 1], [1, 2]] is [[2, −1], [−1, 2]] / 3.
  expect(mahalanobis([1, 1], [2, 1, 1, 2])).toBeCloseTo(Math.sqrt(2 / 3), 14);
  expect(mahalanobis([1, 1], [1, 1, 1, 1])).toBeNaN();
});

test('Γ', () => {
  expect(gamma(1)).toBeCloseTo(1, 13);
  expect(gamma(5)).toBeCloseTo(24, 11);
  expect(gamma(0.5)).toBeCloseTo(Math.sqrt(Math.PI), 13);
  expect(gamma(0.1)).toBeCloseTo(9.513507698668732, 11);
  expect(gamma(15) / 87178291200).toBeCloseTo(1, 12);
});
