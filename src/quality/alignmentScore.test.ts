import { describe, expect, test } from 'vitest';
import { sigmoid } from '../math/softmax.ts';
import type { ClipImageFeatures } from '../pipeline/ports.ts';
import {
  alignmentEvidence,
  alignmentProbability,
  bestPatchCount,
  calibrateAlignment,
  calibrateOnReference,
  patchSimilarity,
  referenceTexts,
} from './alignmentScore.ts';

const features: ClipImageFeatures = {
  gridWidth: 2,
  gridHeight: 2,
  cls: Float32Array.of(0.6, 0.8),
  patchFeatures: Float32Array.of(1, 0, 0, 1, -1, 0, 0.8, 0.6),
};

test('patchSimilarity is eq. 5 on every patch', () => {
  const similarity = patchSimilarity(features, Float32Array.of(0.5, -0.5));
  expect(Array.from(similarity)).toEqual([0.5, -0.5, -0.5, expect.closeTo(0.1, 6)]);
});

test('evidence is CLS and the best patches', () => {
  const direction = Float32Array.of(0.5, -0.5);
  const evidence = alignmentEvidence(features, direction, { similarity: patchSimilarity(features, direction) });
  expect(evidence.whole).toBeCloseTo(-0.1, 6);
  expect(evidence.best).toBeCloseTo(0.5, 6);
  expect([4, 196, 784, 1024].map(bestPatchCount)).toEqual([1, 2, 8, 10]);
});

test('a probability takes the stronger evidence, patches brought to the level of CLS', () => {
  const calibration = { scale: 0.5, bias: 0.02, patchOffset: 0.04 };
  const of = (whole: number, best: number) => alignmentProbability({ whole, best }, calibration, { logitScale: 100 });
  expect(of(0.02, 0.03)).toBeCloseTo(0.5, 12);
  expect(of(0.05, 0.03)).toBeCloseTo(sigmoid(1.5), 12);
  expect(of(-0.1, 0.09)).toBeCloseTo(sigmoid(1.5), 12);
});

test('a probability takes the mean of both where its weights were fitted', () => {
  const calibration = { scale: 0.5, bias: 0.02, wholeShare: 0.25 };
  const of = (whole: number, best: number) => alignmentProbability({ whole, best }, calibration, { logitScale: 100 });
  expect(of(0.05, 0.01)).toBeCloseTo(0.5, 12);
  expect(of(0.05, 0.05)).toBeCloseTo(sigmoid(1.5), 12);
  expect(of(-0.1, 0.1)).toBeCloseTo(sigmoid(1.5), 12);
});

describe('calibrateAlignment', () => {
  test('puts 0.5 into the widest of the best boundaries', () => {
    const { bias } = calibrateAlignment([0.06, 0.07, 0.1], [-0.01, 0, 0.02], { logitScale: 100 });
    expect(bias).toBeCloseTo(0.04, 12);
  });

  test('finds the boundary of overlapping classes by balanced accuracy', () => {
    // Nine shuffled against three matched: plain accuracy would let the larger class decide.
    const shuffled = [-0.04, -0.03, -0.02, -0.01, 0, 0.005, 0.01, 0.03, 0.05];
    const { bias } = calibrateAlignment([0.02, 0.04, 0.06], shuffled, { logitScale: 100 });
    expect(bias).toBeCloseTo(0.015, 12);
  });

  test('recovers the slope the data were made with', () => {
    // Evidence on a fine grid, counted as often as a logistic of slope 80 at 0.03 says.
    const matched: number[] = [];
    const shuffled: number[] = [];
    for (let e = -0.05; e <= 0.1101; e += 0.002) {
      const share = sigmoid(80 * (e - 0.03));
      for (let i = 0; i < 200; i++) ((i + 0.5) / 200 < share ? matched : shuffled).push(e);
    }
    const { scale, bias } = calibrateAlignment(matched, shuffled, { logitScale: 100 });
    expect(bias).toBeCloseTo(0.03, 2);
    expect(scale * 100).toBeGreaterThan(76);
    expect(scale * 100).toBeLessThan(84);
  });

  test('gives separable data a finite slope', () => {
    const { scale } = calibrateAlignment([0.05, 0.06], [0, 0.01], { logitScale: 100 });
    expect(scale).toBeGreaterThan(0);
    expect(Number.isFinite(scale)).toBe(true);
  });

  test('refuses data in which matched prompts do not stand out', () => {
    expect(() => calibrateAlignment([0, 0.01], [0.05, 0.06], { logitScale: 100 })).toThrow(RangeError);
    expect(() => calibrateAlignment([0.01], [0.01], { logitScale: 100 })).toThrow(RangeError);
    expect(() => calibrateAlignment([], [0], { logitScale: 100 })).toThrow(RangeError);
  });
});

describe('calibrateOnReference', () => {
  /** Evidence of forty texts around a level, patches lying 0.06 above CLS. */
  const around = (level: number) =>
    Array.from({ length: 41 }, (_, i) => ({ whole: level + (i - 20) / 1000, best: level + 0.06 + (i - 20) / 1000 }));

  test('is two deviations above the texts that do not describe the image, and sure 1.5 further', () => {
    const calibration = calibrateOnReference(around(-0.03), { logitScale: 100 });
    // |i - 20| has the median 10: a deviation of 1.4826 · 0.010.
    const deviation = 0.014826;
    expect(calibration).toHaveProperty('patchOffset', expect.closeTo(0.06, 9));
    expect(calibration.bias).toBeCloseTo(-0.03 + 2 * deviation, 9);
    const sure = { whole: -0.03 + 3.5 * deviation, best: 0 };
    expect(alignmentProbability(sure, calibration, { logitScale: 100 })).toBeCloseTo(0.9, 9);
  });

  test('moves with the level of the image and hardly with a few texts that do describe it', () => {
    const plain = calibrateOnReference(around(0), { logitScale: 100 });
    const shifted = calibrateOnReference(around(0.5), { logitScale: 100 });
    expect(shifted.bias - plain.bias).toBeCloseTo(0.5, 9);
    const described = [...around(0), ...Array(4).fill({ whole: 0.2, best: 0.26 })];
    expect(Math.abs(calibrateOnReference(described, { logitScale: 100 }).bias - plain.bias)).toBeLessThan(0.006);
  });

  test('stays finite when all texts say the same', () => {
    const same = Array(5).fill({ whole: 0.1, best: 0.1 });
    const { scale, bias } = calibrateOnReference(same, { logitScale: 100 });
    expect(Number.isFinite(scale)).toBe(true);
    expect(bias).toBeCloseTo(0.104, 9);
  });

  test('reference texts are distinct', () => {
    expect(new Set(referenceTexts).size).toBe(referenceTexts.length);
  });
});
