import { expect, test } from 'vitest';
import { latentPreview } from './latentPreview.ts';

const latentRgb = {
  factors: [
    [1, 0],
    [0, 1],
    [0.5, -0.5],
  ],
  bias: [0, 0, 0.2],
};

test('−1..1 becomes 0..255, beyond is clamped', () => {
  const latents = Float32Array.of(-1, 1, 3, /* second channel */ 0, 1, -3);
  expect(Array.from(latentPreview(latents, { size: { width: 3, height: 1 }, latentRgb }))).toEqual([
    ...[0, 128, 89, 255],
    ...[255, 255, 153, 255],
    ...[255, 0, 255, 255],
  ]);
});

test('refuses latents of another size, and factors that are not three colours', () => {
  const options = { size: { width: 2, height: 2 }, latentRgb };
  expect(() => latentPreview(new Float32Array(6), options)).toThrow('6 latents, expected 2 channels of 2x2');
  const gray = { factors: [[1, 1]], bias: [0] };
  expect(() => latentPreview(new Float32Array(8), { ...options, latentRgb: gray })).toThrow(RangeError);
});
