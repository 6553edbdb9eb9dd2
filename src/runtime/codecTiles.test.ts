import { describe, expect, test } from 'vitest';
import { codecTiles, tileWeights } from './codecTiles.ts';

describe('codecTiles', () => {
  test('what is no longer than a tile is not cut', () => {
    const [tile, ...others] = codecTiles({ width: 12, height: 7 }, { side: 12, overlap: 3 });
    expect(others).toEqual([]);
    expect(tile).toMatchObject({ x: 0, y: 0, width: 12, height: 7 });
    expect(tileWeights(tile as NonNullable<typeof tile>)).toEqual(new Float32Array(84).fill(1));
  });

  test('one fades into the next in a straight line', () => {
    const tiles = codecTiles({ width: 14, height: 8 }, { side: 8, overlap: 2 });
    expect(tiles.map(({ x, y, width, height }) => [x, y, width, height])).toEqual([
      [0, 0, 8, 8],
      [6, 0, 8, 8],
    ]);
    expect([...(tiles[0]?.columns ?? [])]).toEqual([1, 1, 1, 1, 1, 1, 0.75, 0.25]);
    expect([...(tiles[1]?.columns ?? [])]).toEqual([0.25, 0.75, 1, 1, 1, 1, 1, 1]);
  });

  for (const [width, height, side, overlap, scale] of [
    [100, 37, 16, 4, 1],
    [33, 33, 32, 8, 1],
    [64, 64, 13, 5, 1],
    [40, 17, 16, 4, 8],
  ] as const) {
    test(`${width} × ${height} in tiles of ${side}: all is covered, and weights add up to 1`, () => {
      const sums = new Float64Array(width * height * scale * scale);
      for (const tile of codecTiles({ width, height }, { side, overlap, scale })) {
        expect(tile.x + tile.width).toBeLessThanOrEqual(width);
        expect(tile.y + tile.height).toBeLessThanOrEqual(height);
        const weights = tileWeights(tile);
        expect(Math.min(...weights)).toBeGreaterThan(0);
        for (let i = 0; i < weights.length; i++) {
          const x = tile.x * scale + (i % tile.columns.length);
          const y = tile.y * scale + Math.floor(i / tile.columns.length);
          sums[y * width * scale + x] = (sums[y * width * scale + x] as number) + (weights[i] as number);
        }
      }
      expect(Math.max(...sums)).toBeCloseTo(1, 5);
      expect(Math.min(...sums)).toBeCloseTo(1, 5);
    });
  }

  test('an overlap that leaves nothing of a tile is refused', () => {
    expect(() => codecTiles({ width: 9, height: 9 }, { side: 4, overlap: 2 })).toThrow(RangeError);
  });
});
