import { expect, test } from 'vitest';
import type { RgbaImage } from '../image/rgbaImage.ts';
import { changedPart, unitedPart } from './changedPart.ts';
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
function after(old: RgbaImage, patch: RgbaImage, { window = { x: 0, y: 0, ...image }, cells = SIDE } = {}) {
  const isIn = (x: number, y: number) =>
    x < 0.75 * SIDE && x >= window.x && y >= window.y && y < window.y + window.height;
  const pixels = SIDE / cells;
  const mask = Float32Array.from({ length: cells * cells }, (_, i) =>
    isIn((i % cells) * pixels, Math.floor(i / cells) * pixels) ? 0.9 : 0,
  );
  const [region] = regionsOfMask(mask, { grid: { width: cells, height: cells }, image, fault: 'mismatch' });
  if (!region) throw new Error('no region');
  const changed = changedPart(region, { image: old, patch, window });
  expect(changed).toMatchObject({ place: region.place, fault: 'mismatch' });
  const { part, values } = changed.mask;
  return (x: number, y: number) =>
    values[(Math.floor(y / pixels) - part.y) * part.width + Math.floor(x / pixels) - part.x] as number;
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
  expect(after(old, same, { window })(60, 40)).toBe(0);
  const darkerBelow = picture((x, y) => Math.max(0, ((x + 32 + y + 16) % 256) - (y < 32 ? 0 : 45)), window);
  const mask = after(old, darkerBelow, { window });
  expect(mask(60, 70)).toBeCloseTo(0.9, 6);
  expect(mask(60, 30)).toBe(0);
});

test('a mask coarser than the pixels is cut alike', () => {
  const old = picture(ground);
  const patch = picture((x, y) => (isThing(x, y) ? 200 : 100));
  const [fine, coarse] = [after(old, patch), after(old, patch, { cells: SIDE / 2 })];
  for (const [x, y] of [
    [48, 48],
    [34, 60],
    [10, 10],
    [80, 48],
  ] as const) {
    expect(coarse(x, y)).toBeCloseTo(fine(x, y), 1);
  }
});

test('in a large picture a small thing is not lost: sizes are those of the window', () => {
  const window = { x: 40, y: 40, width: 32, height: 32 };
  const small = (x: number, y: number) => x >= 12 && x < 20 && y >= 12 && y < 20;
  const mask = after(
    picture(() => 100),
    picture((x, y) => (small(x, y) ? 200 : 104), window),
    { window },
  );
  expect(mask(56, 56)).toBeCloseTo(0.9, 6);
  expect(mask(42, 42)).toBe(0);
});

test('two parts of a region are united cell by cell', () => {
  const grid = { width: 4, height: 1 };
  const [region] = regionsOfMask(Float32Array.of(0, 0.9, 0.9, 0.9), { grid, image: grid, fault: 'mismatch' });
  if (!region) throw new Error('no region');
  const part = (...values: number[]) => ({ ...region, mask: { ...region.mask, values: Float32Array.from(values) } });
  const united = unitedPart(part(0.9, 0.25, 0), part(0, 0.5, 0.125));
  expect(united).toMatchObject({ place: region.place, fault: 'mismatch' });
  expect(Array.from(united.mask.values)).toEqual([Math.fround(0.9), 0.5, 0.125]);
});
