import { describe, expect, test } from 'vitest';
import type { RgbaImage } from '../image/rgbaImage.ts';
import { blendRegion, restoreRegion } from './blendRegion.ts';
import { maskGrid, type RepairRegion, regionsOfMask } from './repairMask.ts';
import { maskBounds, readMaskRow, type SoftMask } from './softMask.ts';

/** Numbers in 0..1 that are the same on every machine. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function noise(width: number, height: number, random: () => number): RgbaImage {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < data.length; i++) data[i] = i % 4 === 3 ? 255 : Math.floor(random() * 256);
  return { width, height, data };
}

/** Soft ellipses at random places, on the grid an image of this size has. */
function randomRegions(image: { width: number; height: number }, random: () => number): readonly RepairRegion[] {
  const grid = maskGrid(image);
  const mask = new Float32Array(grid.width * grid.height);
  for (let blob = 0; blob < 3; blob++) {
    const [cx, cy] = [random() * grid.width, random() * grid.height];
    const [rx, ry] = [1 + (random() * grid.width) / 4, 1 + (random() * grid.height) / 4];
    for (let i = 0; i < mask.length; i++) {
      const d = Math.hypot(((i % grid.width) - cx) / rx, (Math.floor(i / grid.width) - cy) / ry);
      mask[i] = Math.max(mask[i] as number, Math.min(Math.max(2 - 2 * d, 0), 1));
    }
  }
  return regionsOfMask(mask, { grid, image });
}

/** The mask of all regions at every pixel, by the definition: linear between cells. */
function maskAtPixels(regions: readonly RepairRegion[], { width, height }: { width: number; height: number }) {
  const whole = new Float32Array(width * height);
  const row = new Float32Array(width);
  for (const { mask } of regions) {
    for (let y = 0; y < height; y++) {
      readMaskRow(mask, { x: 0, y }, row);
      for (let x = 0; x < width; x++) whole[y * width + x] = Math.max(whole[y * width + x] as number, row[x] as number);
    }
  }
  return whole;
}

const sizes: readonly (readonly [number, number])[] = [
  [1, 1],
  [3, 500],
  [500, 3],
  [37, 53],
  [64, 64],
  [129, 77],
  [1025, 41],
  [4096, 300],
];

describe('blending', () => {
  test.each(sizes)(
    '%i x %i: not one byte changes outside the mask, and putting back puts all back',
    (width, height) => {
      const random = seeded(width * 7919 + height);
      const old = noise(width, height, random);
      const regions = randomRegions(old, random);
      expect(regions.length).toBeGreaterThan(0);
      const mask = maskAtPixels(regions, old);
      const image: RgbaImage = { ...old, data: old.data.slice() };
      const patch = noise(width, height, random);
      for (const region of regions) blendRegion(image, { region, patch, window: { x: 0, y: 0, width, height } });
      // Pixels as whole words: opaque, so four bytes are one comparison.
      const words = ({ data }: RgbaImage) => new Uint32Array(data.buffer);
      const [is, was, wanted] = [words(image), words(old), words(patch)];
      let changed = 0;
      let wrong = 0;
      for (let i = 0; i < mask.length; i++) {
        const m = mask[i] as number;
        if (is[i] !== was[i]) changed++;
        if ((m === 0 && is[i] !== was[i]) || (m === 1 && is[i] !== wanted[i])) wrong++;
      }
      expect(wrong).toBe(0);
      expect(changed).toBeGreaterThan(0);
      for (const region of regions) restoreRegion(image, { region, old });
      // `toEqual` would take half a minute for five million bytes.
      expect(Buffer.from(image.data.buffer).equals(Buffer.from(old.data.buffer))).toBe(true);
    },
  );

  test('blends by the mask and only within the window', () => {
    const image = { width: 4, height: 1, data: new Uint8ClampedArray(16).fill(100) };
    const mask = Float32Array.of(0, 0.5, 1, 1);
    const [region] = regionsOfMask(mask, { grid: { width: 4, height: 1 }, image });
    const patch = { width: 2, height: 1, data: new Uint8ClampedArray(8).fill(200) };
    blendRegion(image, { region: region as RepairRegion, patch, window: { x: 1, y: 0, width: 2, height: 1 } });
    // Alpha is left alone.
    expect(Array.from(image.data)).toEqual([
      100, 100, 100, 100, 150, 150, 150, 100, 200, 200, 200, 100, 100, 100, 100, 100,
    ]);
    const wrong = { x: 0, y: 0, width: 3, height: 1 };
    expect(() => blendRegion(image, { region: region as RepairRegion, patch, window: wrong })).toThrow(RangeError);
  });

  test('a region puts back nothing of its neighbour, though their boxes overlap', () => {
    // An L around a dot.
    const mask = Float32Array.of(1, 0, 1, 1, 0, 0, 1, 1, 1);
    const image = { width: 3, height: 3, data: new Uint8ClampedArray(36) };
    const regions = regionsOfMask(mask, { grid: image, image });
    expect(regions.map(({ place }) => place)).toEqual([
      { x: 0, y: 0, width: 3, height: 3 },
      { x: 2, y: 0, width: 1, height: 1 },
    ]);
    const old = { ...image, data: new Uint8ClampedArray(36).fill(9) };
    restoreRegion(image, { region: regions[0] as RepairRegion, old });
    const red = Array.from({ length: 9 }, (_, i) => image.data[4 * i]);
    expect(red).toEqual([9, 0, 0, 9, 0, 0, 9, 9, 9]);
  });
});

describe('SoftMask', () => {
  const soft: SoftMask = {
    gridWidth: 4,
    gridHeight: 1,
    imageWidth: 8,
    imageHeight: 2,
    part: { x: 1, y: 0, width: 1, height: 1 },
    values: Float32Array.of(1),
  };

  test('is linear between cells', () => {
    const row = new Float32Array(8);
    readMaskRow(soft, { x: 0, y: 1 }, row);
    expect(Array.from(row)).toEqual([0, 0.25, 0.75, 0.75, 0.25, 0, 0, 0]);
    const part = new Float32Array(2);
    readMaskRow(soft, { x: 3, y: 0 }, part);
    expect(Array.from(part)).toEqual([0.75, 0.25]);
  });

  test('its bounds hold every pixel above 0', () => {
    const { x, width, y, height } = maskBounds(soft);
    expect(x).toBeLessThanOrEqual(1);
    expect(x + width).toBeGreaterThanOrEqual(5);
    expect([y, height]).toEqual([0, 2]);
  });
});
