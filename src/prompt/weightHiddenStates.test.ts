import { describe, expect, test } from 'vitest';
import { joinHiddenStates, weightHiddenStates } from './weightHiddenStates.ts';

describe('weightHiddenStates', () => {
  const empty = Float32Array.of(1, 1, 0, 2);
  const hidden = Float32Array.of(3, 5, 1, 1, 0.1, 0.2, 9, 10);

  test('moves tokens away from the empty prompt, at their place in their chunk', () => {
    const weights = Float32Array.of(1, 2, 0.5, 0);
    const weighted = weightHiddenStates(hidden, { empty, weights, width: 2 });
    expect([...weighted]).toEqual([3, 5, 2, 0, expect.closeTo(0.55), expect.closeTo(0.6), 0, 2]);
    expect([...hidden.subarray(0, 4)]).toEqual([3, 5, 1, 1]);
  });

  test('leaves weight 1 as it is, bit for bit', () => {
    // Through the formula, 1e8 + 1 · (0.1 − 1e8) would come out as 0.
    const far = { empty: Float32Array.of(1e8, -1e8), weights: new Float32Array(4).fill(1), width: 2 };
    expect(weightHiddenStates(hidden, far)).toEqual(hidden);
  });

  test('refuses sizes that do not fit', () => {
    const options = { empty, weights: Float32Array.of(1, 1), width: 2 };
    expect(() => weightHiddenStates(hidden, options)).toThrow(RangeError);
    expect(() => weightHiddenStates(hidden.subarray(0, 4), { ...options, empty: new Float32Array(3) })).toThrow(
      RangeError,
    );
  });
});

test('joinHiddenStates puts rows side by side', () => {
  const [a, b] = [Float32Array.of(1, 2, 3, 4), Float32Array.of(5, 6)];
  expect([...joinHiddenStates([a, b], [2, 1])]).toEqual([1, 2, 5, 3, 4, 6]);
  expect(() => joinHiddenStates([a, b], [2, 2])).toThrow(RangeError);
});
