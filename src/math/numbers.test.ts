import { describe, expect, test } from 'vitest';
import { sigmoid, softmax } from './softmax.ts';
import { meanOfLargest, minMax, minMaxNormalise, quantile } from './statistics.ts';
import { cosine, difference, dot, meanDirection, normalise } from './vectors.ts';

const vector = (...values: number[]) => Float32Array.from(values);

describe('softmax', () => {
  test('gives the probabilities computed by hand', () => {
    expect(Array.from(softmax([0, Math.log(3)]))).toEqual([expect.closeTo(0.25, 12), expect.closeTo(0.75, 12)]);
  });
  test('does not overflow', () => {
    expect(Array.from(softmax([1000, 1000, -1000]))).toEqual([0.5, 0.5, 0]);
  });
  test('of two logits is the sigmoid of their difference', () => {
    expect(softmax([2.5, 1])[0]).toBeCloseTo(sigmoid(1.5), 12);
    expect(sigmoid(-1000)).toBe(0);
    expect(sigmoid(1000)).toBe(1);
    expect(sigmoid(0)).toBe(0.5);
  });
});

describe('vectors', () => {
  test('dot works on whole vectors and on rows', () => {
    expect(dot(vector(1, 2), vector(3, 4))).toBe(11);
    expect(dot(vector(9, 1, 2), vector(3, 4), { rowA: 1, dim: 2 })).toBe(11);
    expect(() => dot(vector(1, 2), vector(1))).toThrow(RangeError);
  });
  test('normalise and cosine survive the zero vector', () => {
    expect(Array.from(normalise(vector(3, 4)))).toEqual([expect.closeTo(0.6, 6), expect.closeTo(0.8, 6)]);
    expect(Array.from(normalise(vector(0, 0)))).toEqual([0, 0]);
    expect(cosine(vector(1, 0), vector(1, 1))).toBeCloseTo(Math.SQRT1_2, 7);
    expect(cosine(vector(0, 0), vector(1, 1))).toBe(0);
  });
  test('meanDirection is the unit mean of rows', () => {
    expect(Array.from(meanDirection(vector(1, 0, 0, 1), 2))).toEqual(Array(2).fill(expect.closeTo(Math.SQRT1_2, 6)));
    expect(() => meanDirection(vector(1, 2, 3), 2)).toThrow(RangeError);
  });
  test('difference refuses unequal lengths', () => {
    expect(Array.from(difference(vector(3, 2), vector(1, 5)))).toEqual([2, -3]);
    expect(() => difference(vector(1), vector(1, 2))).toThrow(RangeError);
  });
});

describe('statistics', () => {
  test('minMax and its normalisation', () => {
    expect(minMax([3, -1, 2])).toEqual([-1, 3]);
    expect(Array.from(minMaxNormalise(vector(1, 3, 2)))).toEqual([0, 1, 0.5]);
    expect(Array.from(minMaxNormalise(vector(7, 7)))).toEqual([0, 0]);
  });
  test('quantile is linear between neighbours', () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([4, 1, 3, 2], 0)).toBe(1);
    expect(quantile([4, 1, 3, 2], 1)).toBe(4);
    expect(() => quantile([], 0.5)).toThrow(RangeError);
  });
  test('meanOfLargest', () => {
    expect(meanOfLargest([1, 5, 3, 4], 2)).toBe(4.5);
    expect(() => meanOfLargest([1], 2)).toThrow(RangeError);
  });
});
