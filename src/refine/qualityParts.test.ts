import { describe, expect, test } from 'vitest';
import { defaultQRefineSettings } from './qRefineSettings.ts';
import { lackOfParts, meanQuality, qualityLevel, qualityParts, repaintedParts } from './qualityParts.ts';
import { readMaskRow } from './softMask.ts';

const map = (gridWidth: number, gridHeight: number, values: readonly number[]) => ({
  gridWidth,
  gridHeight,
  values: Float32Array.from(values),
});

test('two thresholds tell three levels apart; a quality on one belongs above it', () => {
  const levels = [0, 0.34, 0.35, 0.64, 0.65, 1].map((quality) => qualityLevel(quality, defaultQRefineSettings));
  expect(levels).toEqual(['low', 'low', 'medium', 'medium', 'high', 'high']);
});

describe('parts of a map', () => {
  test('are means of their patches', () => {
    const { values } = qualityParts(map(4, 2, [0, 1, 0.5, 0.5, 1, 0, 0.5, 0.5]), 2);
    expect([...values]).toEqual([0.5, 0.5, 0.5, 0.5]);
    expect([...qualityParts(map(2, 2, [0, 1, 0.5, 0.25]), 2).values]).toEqual([0, 1, 0.5, 0.25]);
  });

  test('take patches that lie in two of them by their share', () => {
    // Three patches in two parts: the middle one lies half in each.
    const { values } = qualityParts(map(3, 1, [0, 0.6, 0.9]), 2);
    expect(values[0]).toBeCloseTo(0.2, 6);
    expect(values[1]).toBeCloseTo(0.8, 6);
    expect(meanQuality(qualityParts(map(3, 1, [0, 0.6, 0.9]), 2))).toBeCloseTo(0.5, 6);
  });

  test('may be finer than the map', () => {
    expect([...qualityParts(map(1, 1, [0.25]), 3).values]).toEqual(Array(9).fill(0.25));
  });
});

describe('what is repainted', () => {
  const settings = { ...defaultQRefineSettings, gridSide: 2 };
  const masked = (image: { width: number; height: number }, parts: ReturnType<typeof map>) => {
    const regions = repaintedParts(parts, { image, settings });
    const at = (x: number, y: number) => {
      const row = new Float32Array(1);
      let most = 0;
      for (const { mask } of regions) {
        readMaskRow(mask, { x, y }, row);
        most = Math.max(most, row[0] as number);
      }
      return most;
    };
    return { regions, at };
  };

  test.each([
    [64, 64],
    [4000, 3000],
  ])('spares high quality to the last pixel, softly from within: %i x %i', (width, height) => {
    const { regions, at } = masked({ width, height }, map(2, 2, [0.1, 0.9, 0.5, 0.9]));
    expect(regions).toHaveLength(1);
    const [left, right] = [width / 2 - 1, width / 2];
    for (const y of [0, height / 2, height - 1]) {
      expect(at(0, y)).toBe(1);
      expect(at(left, y)).toBeLessThan(0.1);
      expect(at(Math.round(left * 0.75), y)).toBeGreaterThan(0.4);
      expect(at(right, y)).toBe(0);
      expect(at(width - 1, y)).toBe(0);
    }
  });

  test('is nothing where all is good, and everything where nothing is', () => {
    expect(masked({ width: 64, height: 64 }, map(2, 2, [0.7, 0.9, 0.66, 1])).regions).toEqual([]);
    const { regions, at } = masked({ width: 64, height: 48 }, map(2, 2, [0.1, 0.6, 0.4, 0]));
    expect(regions.map(({ place }) => place)).toEqual([{ x: 0, y: 0, width: 64, height: 48 }]);
    expect([at(0, 0), at(63, 47), at(32, 24)]).toEqual([1, 1, 1]);
  });
});

test('the lack of the parts on the grid of masks', () => {
  const { width, height, values } = lackOfParts(map(2, 1, [0.25, 1]), { width: 4, height: 2 });
  expect([width, height, ...values]).toEqual([4, 2, 0.75, 0.75, 0, 0, 0.75, 0.75, 0, 0]);
});
