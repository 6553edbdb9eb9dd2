import { expect, test } from 'vitest';
import { perceptualBounds, perceptualMap } from '../quality/perceptualMap.ts';
import { learnBounds, perceptualScores } from './learnWords.ts';
import {
  syntheticDim as dim,
  syntheticLogitScale as logitScale,
  syntheticImages,
  syntheticWords,
} from './syntheticRatings.ts';
import { pointOf, type RatedFeatures, wordObjective, wordsOf } from './wordObjective.ts';

const images = syntheticImages(12, { share: 0.8 });
const column = (of: (i: number) => number) => Float64Array.from(images, (_, i) => of(i));
const data: RatedFeatures = {
  cls: Float32Array.from(images.flatMap(({ cls }) => Array.from(cls))),
  dim,
  rating: column((i) => ((images[i]?.ratings.rating as number) - 1) / 4),
  factors: {
    technical: column((i) => (i % 3 === 0 ? Number.NaN : (i % 5) / 4)),
    rationality: column(() => Number.NaN),
    naturalness: column((i) => (i % 4) / 3),
  },
};

test('the gradient is that of finite differences, bounds, factors and rows of any length included', () => {
  const objective = wordObjective(data, {
    initial: syntheticWords,
    bounds: { technical: 0.5, rationality: 0.6, naturalness: 0.4 },
    logitScale,
    strength: 0.7,
  });
  const point = pointOf(syntheticWords).map((value, i) => 1.3 * value + 0.01 * Math.sin(i));
  const gradient = new Float64Array(point.length);
  objective(point, gradient);
  const unused = new Float64Array(point.length);
  const step = 1e-6;
  let worst = 0;
  let largest = 0;
  for (let i = 0; i < point.length; i++) {
    const moved = (by: number) => objective(point.with(i, (point[i] as number) + by), unused);
    const slope = (moved(step) - moved(-step)) / (2 * step);
    worst = Math.max(worst, Math.abs((gradient[i] as number) - slope));
    largest = Math.max(largest, Math.abs(slope));
  }
  expect(worst).toBeLessThan(1e-6);
  // Otherwise zeros would do.
  expect(largest).toBeGreaterThan(0.1);
});

test('scores are those of the PQ-Map', () => {
  const scores = perceptualScores(data, { words: syntheticWords, bounds: perceptualBounds, logitScale });
  images.forEach(({ cls }, i) => {
    const features = { gridWidth: 0, gridHeight: 0, cls, patchFeatures: new Float32Array(0) };
    const { score } = perceptualMap(features, syntheticWords, { mode: 'zeroShot', logitScale });
    expect(scores[i]).toBeCloseTo(score, 6);
  });
});

test('words survive being a point', () => {
  const words = wordsOf(
    pointOf(syntheticWords).map((value) => 2 * value),
    dim,
  );
  expect(words.rationality[5]).toBeCloseTo(syntheticWords.rationality[5] as number, 6);
});

test('bounds follow ratings of factors, and stay where there are none', () => {
  const { technical, rationality, naturalness } = learnBounds(data, perceptualBounds);
  expect(rationality).toBe(perceptualBounds.rationality);
  expect(naturalness).toBeCloseTo(0.5 * 0.8, 6);
  // (1 + 2 + 4 + 0 + 2 + 3 + 0 + 1) / 4 over eight rated images.
  expect(technical).toBeCloseTo(13 / 32, 6);
});
