import { describe, expect, test } from 'vitest';
import type { AlignmentResult, PhraseResult } from '../quality/qualityResults.ts';
import { fallenRegions, gateRegions, gateWhole, type Judged, leastQuality, percents } from './balanceGate.ts';
import { inpaintStrength, latentMask } from './inpaintRegion.ts';
import { pasdPrompts } from './pasdPrompts.ts';
import { type DefectGrid, largestMaskSide, maskGrid, regionQuality, regionsOfMask } from './repairMask.ts';

const grid = { width: 64, height: 64 };
/** D of a picture, from a function of the cell. */
const defect = (of: (x: number, y: number) => number): DefectGrid => ({
  ...grid,
  values: Float32Array.from({ length: 64 * 64 }, (_, i) => of(i % 64, Math.floor(i / 64))),
});
const inBox = (x: number, y: number) => x >= 8 && x < 24 && y >= 8 && y < 24;
const box = regionsOfMask(
  Float32Array.from({ length: 64 * 64 }, (_, i) => (inBox(i % 64, Math.floor(i / 64)) ? 1 : 0)),
  { grid, image: grid },
);
const unprompted = (defect: DefectGrid): Judged => ({ defect, seen: { alignment: null } });

describe('gateRegions', () => {
  const before = defect((x, y) => (inBox(x, y) ? 0.4 : 0.9));
  const gate = (after: DefectGrid) =>
    gateRegions(box, { stage: 'inpaint', before: unprompted(before), after: unprompted(after), tolerance: 0.02 })[0]
      ?.outcome;

  test('compares mean quality within the region alone', () => {
    expect(gate(defect((x, y) => (inBox(x, y) ? 0.1 : 1)))).toMatchObject({
      before: expect.closeTo(0.6, 6),
      after: expect.closeTo(0.9, 6),
      kept: true,
    });
    expect(gate(defect((x, y) => (inBox(x, y) ? 0.5 : 0)))).toEqual({
      place: { x: 8, y: 8, width: 16, height: 16 },
      stage: 'inpaint',
      before: expect.closeTo(0.6, 6),
      after: expect.closeTo(0.5, 6),
      kept: false,
      reason: 'Repainting lowered the quality here from 60.0 to 50.0 of 100.',
    });
  });

  describe('where the prompt was missed', () => {
    const missed = box.map((region) => ({ ...region, fault: 'mismatch' as const }));
    const half = { gridWidth: 64, gridHeight: 64, values: defect((x, y) => (inBox(x, y) ? 1 : 0)).values };
    const elsewhere = { ...half, values: defect((x, y) => (inBox(x - 32, y) ? 1 : 0)).values };
    const cube: PhraseResult['phrase'] = {
      text: 'red cube',
      tokens: [],
      noun: { text: 'cube', start: 4, end: 8 },
      ancestor: null,
      scope: 'place',
    };
    /** An image of flawless looks or not, with a phrase found or not, here or elsewhere. */
    const judged = (
      lack: number,
      status: PhraseResult['status'],
      { nounScore = 0.1, score = 0.1, map = half }: { nounScore?: number; score?: number; map?: typeof half } = {},
    ): Judged => {
      const phrase = { phrase: cube, status, score, nounScore, map, nounMap: map, emphasis: 1, place: map };
      return {
        defect: defect(() => lack),
        seen: { alignment: { phrases: [phrase] } as unknown as AlignmentResult },
      };
    };
    const decided = (after: Judged, options: Partial<Parameters<typeof gateRegions>[1]> = {}) =>
      gateRegions(missed, { stage: 'inpaint', before: judged(0, 'missing'), after, tolerance: -0.05, ...options })[0]
        ?.outcome;

    test('judges by whether it is met, not by looks', () => {
      expect(decided(judged(0.9, 'ok'))).toMatchObject({ before: expect.closeTo(0.1, 6), after: 1, kept: true });
      expect(decided(judged(0, 'missing'))?.kept).toBe(false);
      expect(decided(judged(0, 'wrongAttribute', { score: 0.3 }))).toMatchObject({ after: expect.closeTo(0.3, 6) });
    });

    test('what would now come to another place is missed as before', () => {
      expect(decided(judged(0, 'missing', { map: elsewhere }))?.kept).toBe(false);
      const again = judged(0, 'missing', { map: elsewhere });
      const { alignment: found } = judged(0, 'missing').seen;
      expect(decided(judged(0.2, 'ok'), { before: again, found })).toMatchObject({ after: 1, kept: true });
    });

    test('restoring is to better looks', () => {
      expect(decided(judged(0.9, 'ok'), { stage: 'restore' })?.kept).toBe(false);
    });

    test('where no phrase is known to belong, looks decide', () => {
      const before = judged(0.5, 'missing', { map: elsewhere });
      expect(decided(judged(0.2, 'missing', { map: elsewhere }), { before })).toMatchObject({
        before: expect.closeTo(0.5, 6),
        after: expect.closeTo(0.8, 6),
      });
      expect(decided(unprompted(defect(() => 0.2)), { before: unprompted(defect(() => 0.5)) })?.kept).toBe(true);
    });
  });

  test('writes as many decimals as tell two qualities apart', () => {
    expect(percents(0.6, 0.5)).toEqual(['60.0', '50.0']);
    expect(percents(0.00031, 0.00034)).toEqual(['0.031', '0.034']);
    expect(percents(0.5, 0.5)).toEqual(['50.0', '50.0']);
  });

  test('forgives what is within the tolerance', () => {
    expect(gate(defect(() => 0.41))?.kept).toBe(true);
    expect(gate(defect(() => 0.43))?.kept).toBe(false);
  });

  test('weighs cells by the mask', () => {
    const soft = regionsOfMask(Float32Array.of(1, 0.5), {
      grid: { width: 2, height: 1 },
      image: { width: 2, height: 1 },
    });
    const values = Float32Array.of(0.3, 0.9);
    expect(regionQuality(soft, { width: 2, height: 1, values })).toBeCloseTo(1 - (0.3 + 0.45) / 1.5, 6);
    expect(regionQuality([], { width: 2, height: 1, values })).toBe(1);
  });
});

describe('fallenRegions', () => {
  const before = defect(() => 0.2);
  const options = (after: DefectGrid) => ({
    stage: 'restore' as const,
    before: unprompted(before),
    after: unprompted(after),
    tolerance: 0.02,
    image: { width: 640, height: 640 },
  });

  test("finds where quality fell, soft edges included, in the image's pixels", () => {
    const after = defect((x, y) => (inBox(x, y) ? 0.7 : 0.1));
    const fallen = fallenRegions(options(after));
    expect(fallen).toHaveLength(1);
    const { place } = fallen[0]?.outcome ?? { place: { x: 0, y: 0, width: 0, height: 0 } };
    expect(place.x).toBeLessThanOrEqual(80);
    expect(place.y).toBeLessThanOrEqual(80);
    expect(place.x + place.width).toBeGreaterThanOrEqual(240);
    expect(place.x + place.width).toBeLessThan(400);
    const whole = gateWhole(fallen, options(after));
    expect(whole).toMatchObject({ kept: true, place: { x: 0, y: 0, width: 640, height: 640 } });
    expect(whole.after).toBeGreaterThan(whole.before);
  });

  test('averages single cells away', () => {
    const after = defect((x, y) => ((x + y) % 2 === 0 ? 0.3 : 0.1));
    expect(fallenRegions(options(after))).toEqual([]);
  });

  test('all of it fallen: the whole image, and nothing gained', () => {
    const after = defect(() => 0.9);
    const fallen = fallenRegions(options(after));
    expect(fallen).toHaveLength(1);
    expect(gateWhole(fallen, options(after)).after).toBeCloseTo(0.8, 6);
    expect(gateWhole([], options(after)).kept).toBe(false);
  });
});

test('a further version is to be better than the original by so much, and not much worse than the best one', () => {
  const least = (qualities: readonly number[], leastImprovement = 0) =>
    leastQuality(qualities, { gateTolerance: 0.02, leastImprovement });
  expect(least([0.5])).toBe(0.5);
  expect(least([0.5, 0.6])).toBeCloseTo(0.58, 6);
  expect(least([0.5, 0.6, 0.59])).toBeCloseTo(0.58, 6);
  expect(least([0.5, 0.51])).toBe(0.5);
  expect(least([0.5], 0.1)).toBeCloseTo(0.55, 6);
  expect(least([0.02], 0.1)).toBeCloseTo(0.022, 6);
  expect(least([0.9], 0.1)).toBeCloseTo(0.91, 6);
  expect(least([0.5, 0.56], 0.1)).toBeCloseTo(0.55, 6);
  expect(least([0.5, 0.6], 0.1)).toBeCloseTo(0.58, 6);
});

test('strength grows with the defect between its bounds, and is never 1 or 0', () => {
  const bounds = { smallestStrength: 0.5, largestStrength: 0.9, mismatchStrength: 0.9 };
  expect([1, 0.5, 0].map((quality) => inpaintStrength({ quality, fault: 'rationality' }, bounds))).toEqual([
    0.5, 0.7, 0.9,
  ]);
  // Where something is missing, what is there says nothing.
  const missing = { ...bounds, mismatchStrength: 0.95 };
  expect(
    (['rationality', 'mismatch'] as const).map((fault) => inpaintStrength({ quality: 0.5, fault }, missing)),
  ).toEqual([0.7, 0.95]);
  expect(
    inpaintStrength(
      { quality: 0, fault: 'rationality' },
      { smallestStrength: 0.5, largestStrength: 1, mismatchStrength: 1 },
    ),
  ).toBe(0.99);
  expect(
    inpaintStrength(
      { quality: 1, fault: 'rationality' },
      { smallestStrength: 0, largestStrength: 1, mismatchStrength: 1 },
    ),
  ).toBe(0.02);
});

test("the latent mask takes the pixel at each latent's corner", () => {
  const repainted = new Uint8Array(16 * 8);
  repainted[8] = 1;
  repainted[1] = 1;
  expect(Array.from(latentMask(repainted, { width: 16, height: 8, downscale: 8 }))).toEqual([0, 1]);
});

test("a mask's grid is the image's pixels up to a limit", () => {
  expect(maskGrid({ width: 640, height: 3 })).toEqual({ width: 640, height: 3 });
  expect(maskGrid({ width: 8192, height: 4096 })).toEqual({ width: largestMaskSide, height: 512 });
  expect(maskGrid({ width: 100_000, height: 3 })).toEqual({ width: largestMaskSide, height: 1 });
});

test("PASD's words follow the prompt, and stand alone without one", () => {
  expect(pasdPrompts({ positive: 'a dog', negative: 'cats' })).toEqual({
    positive: 'a dog, clean, high-resolution, 8k',
    negative: 'cats, blurry, dotted, noise, raster lines, unclear, lowres, over-smoothed',
  });
  expect(pasdPrompts({ positive: ' ', negative: '' }).positive).toBe('clean, high-resolution, 8k');
});
