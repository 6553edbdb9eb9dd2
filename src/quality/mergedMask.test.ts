import { describe, expect, test } from 'vitest';
import { mergedDefect, mergedMask } from './mergedMask.ts';
import type { QualityMap } from './qualityMap.ts';

const map = (gridWidth: number, ...values: number[]): QualityMap => ({
  gridWidth,
  gridHeight: values.length / gridWidth,
  values: Float32Array.from(values),
});
/** A good image of 8 x 8 patches with one bad patch at (2, 5), and what its neighbours may be set to. */
const oneBadPatch = map(8, ...Array.from({ length: 64 }, (_, i) => (i === 5 * 8 + 2 ? 0 : 1)));
const hard = { dilation: 0, feather: 0, smallestSide: 0 };

describe('mergedDefect', () => {
  test('is the worse of the two at every pixel', () => {
    const defect = mergedDefect(
      { perceptual: map(2, 0.8, 0.3), alignmentDefect: map(2, 0.5, 0.1) },
      { width: 2, height: 1 },
    );
    expect(Array.from(defect)).toEqual([expect.closeTo(0.5, 6), expect.closeTo(0.7, 6)]);
  });

  test('clips sums above one only after upsampling', () => {
    // Clipping 3 first would interpolate 0.5 between the two cells, not 1.
    const size = { width: 3, height: 1 };
    const maps = { perceptual: map(2, 1, 1), alignmentDefect: map(2, 0, 3) };
    expect(mergedDefect(maps, size)[1]).toBe(1);
  });

  test('without a prompt is the perceptual defect', () => {
    const defect = mergedDefect({ perceptual: map(1, 0.25), alignmentDefect: null }, { width: 2, height: 2 });
    expect(Array.from(defect)).toEqual(Array(4).fill(0.75));
  });
});

describe('mergedMask', () => {
  const maps = { perceptual: oneBadPatch, alignmentDefect: null };

  test('masks where the defect exceeds τ', () => {
    const { mask, regions } = mergedMask(maps, { width: 80, height: 80, threshold: 0.5, ...hard });
    expect(mask[55 * 80 + 25]).toBe(1);
    expect(mask[5 * 80 + 5]).toBe(0);
    expect(regions).toHaveLength(1);
    const [region] = regions;
    // The bad patch covers x 20..30, y 50..60; at half its depth the bump is about as wide.
    expect(region?.x).toBeGreaterThanOrEqual(19);
    expect((region?.x ?? 0) + (region?.width ?? 0)).toBeLessThanOrEqual(31);
    expect(region?.y).toBeGreaterThanOrEqual(49);
    expect(region?.area).toBe(mask.reduce((sum, value) => sum + value, 0));
  });

  test('an empty mask has no region', () => {
    const good = { perceptual: map(1, 1), alignmentDefect: null };
    const { mask, regions } = mergedMask(good, { width: 16, height: 8, threshold: 0.5 });
    expect(Math.max(...mask)).toBe(0);
    expect(regions).toEqual([]);
  });

  test('a mask of everything is one region', () => {
    const bad = { perceptual: map(1, 0), alignmentDefect: null };
    const { mask, regions } = mergedMask(bad, { width: 16, height: 8, threshold: 0.5 });
    expect(Math.min(...mask)).toBe(1);
    expect(regions).toEqual([{ x: 0, y: 0, width: 16, height: 8, area: 128 }]);
  });

  test('dilation grows by its length on every side', () => {
    const size = { width: 80, height: 80, threshold: 0.5 };
    const [plain] = mergedMask(maps, { ...size, ...hard }).regions;
    const [grown] = mergedMask(maps, { ...size, ...hard, dilation: 0.05 }).regions;
    expect(grown).toMatchObject({
      x: (plain?.x ?? 0) - 4,
      y: (plain?.y ?? 0) - 4,
      width: (plain?.width ?? 0) + 8,
      height: (plain?.height ?? 0) + 8,
    });
  });

  test('the feather falls from one to nothing across its width', () => {
    const { mask } = mergedMask(maps, { width: 80, height: 80, threshold: 0.5, ...hard, feather: 0.1 });
    // Leftwards from the region along the row through its middle.
    const row = Array.from(mask.subarray(55 * 80, 55 * 80 + 26));
    const edge = row.indexOf(1);
    expect(row.slice(edge)).toEqual(Array(26 - edge).fill(1));
    for (let x = edge - 7; x < edge; x++) expect(row[x]).toBeLessThan(row[x + 1] as number);
    expect(row[edge - 4]).toBeCloseTo(0.5, 6);
    expect(row[edge - 8]).toBe(0);
  });

  test('regions below the smallest side drop, the others stay', () => {
    const size = { width: 80, height: 80, threshold: 0.5, ...hard };
    const area = mergedMask(maps, size).regions[0]?.area as number;
    const side = Math.sqrt(area) / 80;
    expect(mergedMask(maps, { ...size, smallestSide: side * 0.99 }).regions).toHaveLength(1);
    const dropped = mergedMask(maps, { ...size, smallestSide: side * 1.01 });
    expect(dropped.regions).toEqual([]);
    expect(Math.max(...dropped.mask)).toBe(0);
  });

  test('regions keep apart, and merge when growing makes them touch', () => {
    const two = map(8, ...Array.from({ length: 64 }, (_, i) => (i === 9 || i === 12 ? 0 : 1)));
    const size = { width: 80, height: 80, threshold: 0.5, ...hard };
    const both = { perceptual: two, alignmentDefect: null };
    expect(mergedMask(both, size).regions).toHaveLength(2);
    expect(mergedMask(both, { ...size, dilation: 0.15 }).regions).toHaveLength(1);
  });

  test('looks the same at every resolution', () => {
    const at = (side: number) => {
      const { regions } = mergedMask(maps, { width: side, height: side, threshold: 0.5 });
      return (regions[0]?.area ?? 0) / (side * side);
    };
    expect(at(512)).toBeCloseTo(at(256), 2);
    expect(at(256)).toBeGreaterThan(0.01);
  });
});
