import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { averageRanks, kendall, pearson, spearman } from './correlation.ts';

/** `python reference/correlation_goldens.py`: scipy 1.17, double precision on both sides. */
const goldens: readonly {
  readonly name: string;
  readonly a: number[];
  readonly b: number[];
  readonly pearson: number;
  readonly spearman: number;
  readonly kendall: number;
}[] = JSON.parse(readFileSync(new URL('../../reference/fixtures/golden/correlations.json', import.meta.url), 'utf8'));

describe('correlations', () => {
  test.each(goldens)('$name, as scipy has them', ({ a, b, ...golden }) => {
    expect(pearson(a, b)).toBeCloseTo(golden.pearson, 12);
    expect(spearman(a, b)).toBeCloseTo(golden.spearman, 12);
    expect(kendall(a, b)).toBeCloseTo(golden.kendall, 12);
  });

  test('a constant list has none', () => {
    for (const correlation of [pearson, spearman, kendall]) {
      expect(correlation([1, 1, 1], [1, 2, 3])).toBeNaN();
      expect(correlation([], [])).toBeNaN();
      expect(() => correlation([1], [1, 2])).toThrow(RangeError);
    }
  });

  test('equal numbers share the mean of their ranks', () => {
    expect(Array.from(averageRanks([3, 1, 3, 2]))).toEqual([3.5, 1, 3.5, 2]);
  });
});
