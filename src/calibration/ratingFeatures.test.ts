import { expect, test } from 'vitest';
import { readFeatures, writeFeatures } from './ratingFeatures.ts';

const features = {
  cls: Float32Array.of(0.6, -0.8),
  standings: { 'a dog': { prompt: 2.5, phrases: [{ phrase: 1, noun: 3, negated: false }] }, red: null },
};

test('features survive being kept; what is damaged, or of another model, is not there', () => {
  const text = writeFeatures(features);
  expect(readFeatures(text, { dim: 2 })).toEqual(features);
  expect(readFeatures(text, { dim: 3 })).toBeNull();
  for (const damaged of [
    '',
    '{}',
    text.slice(0, -4),
    text.replace('2.5', '"2.5"'),
    text.replace('false', '0'),
    'null',
  ]) {
    expect(readFeatures(damaged, { dim: 2 }), damaged).toBeNull();
  }
});
