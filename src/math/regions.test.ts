import { describe, expect, test } from 'vitest';
import { connectedComponents } from './connectedComponents.ts';
import { squaredDistances } from './distanceTransform.ts';

/** Pixels drawn with `#`. */
function drawn(...rows: string[]) {
  const width = (rows[0] as string).length;
  return { pixels: Uint8Array.from(rows.join(''), (c) => (c === '#' ? 1 : 0)), size: { width, height: rows.length } };
}

/** The same picture on every run: set with probability `share`. */
function random(width: number, height: number, share: number): Uint8Array {
  let state = width * 7919 + height;
  return Uint8Array.from({ length: width * height }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 < share ? 1 : 0;
  });
}

describe('connectedComponents', () => {
  test('joins over corners and tells boxes and areas', () => {
    const { pixels, size } = drawn('##..#', '..#..', '.....', '#...#');
    expect(connectedComponents(pixels, size).map(({ runs, ...box }) => box)).toEqual([
      { x: 0, y: 0, width: 3, height: 2, area: 3 },
      { x: 4, y: 0, width: 1, height: 1, area: 1 },
      { x: 0, y: 3, width: 1, height: 1, area: 1 },
      { x: 4, y: 3, width: 1, height: 1, area: 1 },
    ]);
  });

  test('joins arms that meet only further down', () => {
    const { pixels, size } = drawn('#.#.#', '#.#.#', '#####');
    const found = connectedComponents(pixels, size);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ x: 0, y: 0, width: 5, height: 3, area: 11 });
    expect(Array.from(found[0]?.runs ?? [])).toEqual([0, 0, 1, 0, 2, 3, 0, 4, 5, 1, 0, 1, 1, 2, 3, 1, 4, 5, 2, 0, 5]);
  });

  test('agrees with a flood fill on random pictures', () => {
    for (const share of [0.2, 0.4, 0.6]) {
      const width = 31;
      const height = 23;
      const pixels = random(width, height, share);
      const areas = floodFillAreas(pixels, width, height);
      expect(connectedComponents(pixels, { width, height }).map(({ area }) => area)).toEqual(areas);
    }
  });

  test('finds nothing in nothing', () => {
    expect(connectedComponents(new Uint8Array(6), { width: 3, height: 2 })).toEqual([]);
    expect(() => connectedComponents(new Uint8Array(5), { width: 3, height: 2 })).toThrow(RangeError);
  });
});

function floodFillAreas(pixels: Uint8Array, width: number, height: number): number[] {
  const left = Uint8Array.from(pixels);
  const areas: number[] = [];
  for (let start = 0; start < left.length; start++) {
    if (left[start] === 0) continue;
    const stack = [start];
    left[start] = 0;
    let area = 0;
    while (stack.length > 0) {
      const at = stack.pop() as number;
      area++;
      for (let y = Math.floor(at / width) - 1; y <= Math.floor(at / width) + 1; y++) {
        for (let x = (at % width) - 1; x <= (at % width) + 1; x++) {
          if (x < 0 || y < 0 || x >= width || y >= height || left[y * width + x] === 0) continue;
          left[y * width + x] = 0;
          stack.push(y * width + x);
        }
      }
    }
    areas.push(area);
  }
  return areas;
}

describe('squaredDistances', () => {
  test('agrees with trying all pixels, up to the limit', () => {
    for (const share of [0.005, 0.03, 0.3]) {
      const width = 37;
      const height = 29;
      const limit = 8;
      const pixels = random(width, height, share);
      const found = squaredDistances(pixels, { width, height, limit });
      for (let at = 0; at < pixels.length; at++) {
        let nearest = Number.POSITIVE_INFINITY;
        pixels.forEach((isSet, other) => {
          if (isSet === 0) return;
          const dx = (at % width) - (other % width);
          const dy = Math.floor(at / width) - Math.floor(other / width);
          nearest = Math.min(nearest, dx * dx + dy * dy);
        });
        if (nearest <= limit * limit) expect(found[at]).toBe(nearest);
        else expect(found[at]).toBeGreaterThan(limit * limit);
      }
    }
  });

  test('without a set pixel everything is far', () => {
    const found = squaredDistances(new Uint8Array(4), { width: 2, height: 2, limit: 3 });
    expect(Math.min(...found)).toBeGreaterThan(9);
  });
});
