import { describe, expect, it } from 'vitest';
import { bestTree } from './spanningTree.ts';

/** Every assignment of heads tried: the highest-scoring one that is a tree with a single root. */
function bruteForce(scores: Float32Array, n: number): number {
  let best = Number.NEGATIVE_INFINITY;
  const heads = new Array<number>(n).fill(0);
  const visit = (d: number, sum: number): void => {
    if (d === n) {
      if (isTree(heads)) best = Math.max(best, sum);
      return;
    }
    for (let h = 0; h <= n; h++) {
      heads[d] = h;
      if (h !== d + 1) visit(d + 1, sum + (scores[d * (n + 1) + h] as number));
    }
  };
  visit(0, 0);
  return best;
}

function isTree(heads: readonly number[]): boolean {
  if (heads.filter((h) => h === 0).length !== 1) return false;
  return heads.every((_, i) => {
    let v = i + 1;
    for (let steps = 0; v > 0; steps++) {
      if (steps > heads.length) return false;
      v = heads[v - 1] as number;
    }
    return true;
  });
}

describe('bestTree', () => {
  it('equals exhaustive search on random scores', () => {
    let seed = 7;
    const random = (): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return seed / 2 ** 32;
    };
    for (let round = 0; round < 150; round++) {
      const n = 1 + (round % 5);
      const scores = Float32Array.from({ length: n * (n + 1) }, () => random() * 10 - 5);
      const heads = bestTree(scores, n);
      expect(isTree(heads)).toBe(true);
      const sum = heads.reduce((s, h, d) => s + (scores[d * (n + 1) + h] as number), 0);
      expect(sum).toBeCloseTo(bruteForce(scores, n), 4);
    }
  });

  it('takes no words and refuses too few scores', () => {
    expect(bestTree(new Float32Array(0), 0)).toEqual([]);
    expect(() => bestTree(new Float32Array(3), 2)).toThrow(RangeError);
  });
});
