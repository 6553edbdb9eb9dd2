import { expect, test } from 'vitest';
import { asFarAsBad, regionsOfMask } from './repairMask.ts';

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
