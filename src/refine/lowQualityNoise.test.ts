import { expect, test } from 'vitest';
import { noiseDeviation, withLowQualityNoise } from './lowQualityNoise.ts';

const settings = { lowBelow: 0.4, largestNoise: 0.2 };
const parts = { gridWidth: 2, gridHeight: 1, values: Float32Array.of(0.2, 0.9) };
const crop = {
  window: { x: 0, y: 0, width: 128, height: 64 },
  content: { width: 128, height: 64 },
  working: { width: 128, height: 64 },
  regions: [],
};
const noisy = (over = {}) =>
  withLowQualityNoise(new Float32Array(3 * 128 * 64), {
    crop,
    index: 0,
    parts,
    image: { width: 128, height: 64 },
    settings,
    seed: 5,
    ...over,
  });

test('the worse a part, the more noise; none from the threshold on', () => {
  expect(noiseDeviation(0, settings)).toBeCloseTo(0.2, 9);
  expect(noiseDeviation(0.2, settings)).toBeCloseTo(0.1, 9);
  expect(noiseDeviation(0.4, settings)).toBe(0);
  expect(noiseDeviation(1, settings)).toBe(0);
});

test('noise of that deviation on low quality, not a bit elsewhere', () => {
  const planes = noisy();
  let squares = 0;
  let untouched = 0;
  for (let i = 0; i < planes.length; i++) {
    if (i % 128 >= 64) untouched += planes[i] === 0 ? 1 : 0;
    else squares += (planes[i] as number) ** 2;
  }
  expect(untouched).toBe(planes.length / 2);
  // 12288 draws: the deviation is known to some 0.6 %.
  expect(Math.sqrt(squares / (planes.length / 2))).toBeCloseTo(0.1, 2);
});

test('is its seed’s, and another for every crop', () => {
  expect(noisy()).toEqual(noisy());
  expect(noisy({ seed: 6 })).not.toEqual(noisy());
  expect(noisy({ index: 1 })).not.toEqual(noisy());
});

test('lies where the parts do, also in a crop at another size', () => {
  const right = { ...crop, window: { x: 48, y: 16, width: 32, height: 32 }, content: { width: 64, height: 64 } };
  const planes = noisy({ crop: { ...right, working: { width: 64, height: 64 } } });
  // Pixel 16 of the window is where the good part begins: 32 of what the model sees.
  const row = Array.from(planes.subarray(64 * 20, 64 * 21));
  expect(row.slice(0, 32).filter((value) => value !== 0)).toHaveLength(32);
  expect(row.slice(32).filter((value) => value !== 0)).toHaveLength(0);
});
