import { expect, test } from 'vitest';
import type { RgbaImage } from '../image/rgbaImage.ts';
import { changedPart } from './changedPart.ts';
import { regionsOfMask } from './repairMask.ts';

const SIDE = 128;
const image = { width: SIDE, height: SIDE };

/** A picture of one byte for all channels of each pixel. */
function picture(shade: (x: number, y: number) => number, { width, height } = image): RgbaImage {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    const value = shade(i % width, Math.floor(i / width));
    data.set([value, value, value, 255], 4 * i);
  }
  return { width, height, data };
}

/** A region of the left three quarters, and its mask's value at a pixel once it is known what the patch changes. */
function after(old: RgbaImage, patch: RgbaImage, window = { x: 0, y: 0, ...image }) {
  const mask = Float32Array.from({ length: SIDE * SIDE }, (_, i) => (i % SIDE < 96 ? 0.9 : 0));
  const [region] = regionsOfMask(mask, { grid: image, image, fault: 'mismatch' });
  if (!region) throw new Error('no region');
  const changed = changedPart(region, { image: old, patch, window });
  expect(changed).toMatchObject({ place: region.place, fault: 'mismatch' });
  return (x: number, y: number) => changed.mask.values[y * changed.mask.part.width + x] as number;
}

/** Stripes of one pixel: a ground with fine detail. */
const ground = (x: number) => (x % 2 === 0 ? 80 : 120);
const isThing = (x: number, y: number) => x >= 32 && x < 64 && y >= 32 && y < 64;

test('the thing is left, with a soft edge, and not the ground that only lost its detail', () => {
  const mask = after(
    picture(ground),
    picture((x, y) => (isThing(x, y) ? 200 : 100)),
  );
  expect(mask(48, 48)).toBeCloseTo(0.9, 6);
  expect(mask(33, 62)).toBeCloseTo(0.9, 6);
  expect([mask(10, 10), mask(80, 48), mask(48, 90)]).toEqual([0, 0, 0]);
  const edge = Array.from({ length: 16 }, (_, i) => mask(64 + i, 48));
  expect(edge.some((value) => value > 0.05 && value < 0.85)).toBe(true);
  expect(edge).toEqual([...edge].sort((a, b) => b - a));
});

test('nothing is left where nothing was painted, all of it where all changed', () => {
  const none = after(
    picture(ground),
    picture(() => 100),
  );
  const all = after(
    picture(ground),
    picture(() => 220),
  );
  for (let i = 0; i < 96; i += 5) {
    expect(none(i, i)).toBe(0);
    expect(all(i, i)).toBeCloseTo(0.9, 6);
  }
});

test('a patch is compared with what lies under its window', () => {
  const window = { x: 32, y: 16, width: 64, height: 64 };
  const old = picture((x, y) => (x + y) % 256);
  const same = picture((x, y) => (x + 32 + y + 16) % 256, window);
  expect(after(old, same, window)(60, 40)).toBe(0);
  const darker = picture((x, y) => ((x + 32 + y + 16) % 256) - 40, window);
  const mask = after(old, darker, window);
  expect(mask(60, 40)).toBeCloseTo(0.9, 6);
  expect(mask(8, 110)).toBe(0);
});
