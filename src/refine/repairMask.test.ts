import { expect, test } from 'vitest';
import type { AnalysisResult } from '../pipeline/analysis.ts';
import { defaultRefineSettings } from './refineSettings.ts';
import { asFarAsBad, regionsOfMask, repairRegions } from './repairMask.ts';

const size = { width: 6, height: 4 };
const cell = (x: number, y: number) => y * size.width + x;

test('new pixels count the less the better a place was, each by the defect of its own cell', () => {
  const mask = new Float32Array(24);
  const defect = new Float32Array(24).fill(0.9);
  // Off the corner, so that cells of the region are not those of the image.
  const places = [
    { at: cell(2, 1), mask: 1, defect: 1 },
    { at: cell(3, 1), mask: 1, defect: 0.5 },
    { at: cell(4, 1), mask: 0.5, defect: 0.2 },
    { at: cell(2, 2), mask: 0.5, defect: 1 },
    { at: cell(3, 2), mask: 1, defect: 0 },
  ];
  for (const place of places) {
    mask[place.at] = place.mask;
    defect[place.at] = place.defect;
  }
  const [region] = regionsOfMask(mask, { grid: size, image: size, fault: 'technical' });
  if (!region) throw new Error('no region');
  const { part } = region.mask;
  const weighed = asFarAsBad(region, { ...size, values: defect });
  const at = (i: number) => (Math.floor(i / 6) - part.y) * part.width + (i % 6) - part.x;
  for (const place of places) expect(weighed.mask.values[at(place.at)]).toBeCloseTo(place.mask * place.defect ** 2);
  expect(weighed).toMatchObject({ fault: 'technical', place: region.place });
  // The region itself is still the one that the gate decides about.
  expect(region.mask.values[at(places[1]?.at ?? 0)]).toBe(1);
});

test('of what only looks bad, regions are repaired whose worst place is bad enough', () => {
  const side = 28;
  // Two squares: one bad throughout, one just beyond the threshold.
  const quality = new Float32Array(side * side).fill(1);
  for (let i = 0; i < 36; i++) {
    const [x, y] = [i % 6, Math.floor(i / 6)];
    quality[(3 + y) * side + 3 + x] = 0.25;
    quality[(18 + y) * side + 18 + x] = 0.45;
  }
  const map = { gridWidth: side, gridHeight: side, values: quality };
  const analysis = {
    imageWidth: 112,
    imageHeight: 112,
    perceptual: { map, factorMaps: { technical: map, rationality: map, naturalness: map } },
    alignment: null,
  } as unknown as AnalysisResult;
  const places = (leastDamage: number) =>
    repairRegions(analysis, { ...defaultRefineSettings, leastDamage }).map(({ place }) => place.x < 56);
  expect(places(0)).toEqual([true, false]);
  expect(places(0.55)).toEqual([true, false]);
  expect(places(0.75)).toEqual([true]);
  expect(places(1)).toEqual([]);
});
