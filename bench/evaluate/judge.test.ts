import { expect, test } from 'vitest';
import type { RgbaImage } from '../../src/image/rgbaImage.ts';
import { SIDE } from './cases.ts';
import { Judge } from './judge.ts';

const judge = await Judge.open(new URL('../../training/blocks/judge.onnx', import.meta.url).pathname);

/** A grey ramp with a red square; noise of so much in the left half. */
function picture(noise: number): RgbaImage {
  const data = new Uint8ClampedArray(4 * SIDE * SIDE).fill(255);
  let state = 7;
  for (let i = 0; i < SIDE * SIDE; i++) {
    const [x, y] = [i % SIDE, Math.floor(i / SIDE)];
    const inside = x > 80 && x < 150 && y > 80 && y < 150;
    for (let c = 0; c < 3; c++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const amount = x < SIDE / 2 ? noise * (state / 2 ** 32 - 0.5) : 0;
      data[4 * i + c] = (inside ? (c === 0 ? 200 : 40) : 90 + y / 4) + amount;
    }
  }
  return { width: SIDE, height: SIDE, data };
}

const half = (isIn: (x: number) => boolean) =>
  Uint8Array.from({ length: SIDE * SIDE }, (_, i) => (isIn(i % SIDE) ? 255 : 0));

test('pictures look more different the more noise one has, where the mask is', async () => {
  const [clean, left] = [picture(0), half((x) => x < SIDE / 2)];
  const distances = [];
  for (const noise of [0, 20, 60, 120]) distances.push(await judge.distance(picture(noise), clean, left));
  expect(distances[0]).toBeCloseTo(0, 6);
  for (let i = 1; i < 4; i++) expect(distances[i]).toBeGreaterThan(1.2 * (distances[i - 1] as number));
  // The farthest layer sees 63 pixels around.
  expect(
    await judge.distance(
      picture(120),
      clean,
      half((x) => x > SIDE / 2 + 40),
    ),
  ).toBeCloseTo(0, 6);
  expect(await judge.distance(clean, clean, new Uint8Array(SIDE * SIDE))).toBeNaN();
});
