import { expect, test } from 'vitest';
import type { Phrase } from '../prompt/phrase.ts';
import { missingPlaces, type Placed } from './missingPlace.ts';

const side = 16;
const grid = { gridWidth: side, gridHeight: side };

/** A map that is 1 in a rectangle and 0 elsewhere. */
function at(x: number, y: number, width: number, height: number) {
  const values = new Float32Array(side * side);
  for (let j = y; j < y + height; j++) values.fill(1, j * side + x, j * side + x + width);
  return { ...grid, values };
}

function placed(status: Placed['status'], over: Partial<Phrase> = {}, map = at(0, 0, 0, 0)): Placed {
  const noun = { text: 'thing', start: 0, end: 5 };
  return { phrase: { text: 'thing', tokens: [noun], noun, ancestor: null, scope: 'place', ...over }, status, map };
}

/** Centre of mass and area of the only missing thing's place. */
function placeOf(...results: Placed[]) {
  const place = missingPlaces(results, grid).find((one) => one !== null) as Float32Array;
  let [x, y, area] = [0, 0, 0];
  place.forEach((value, i) => {
    x += value * (i % side);
    y += value * Math.floor(i / side);
    area += value;
  });
  return { x: x / area, y: y / area, area, place };
}

const middle = placed('ok', {}, at(6, 6, 4, 4));

test('a part of its ancestor comes on it, as Algorithm 1 has it', () => {
  const { place } = placeOf(middle, placed('missing', { ancestor: 0 }));
  expect(Array.from(place)).toEqual(Array.from(middle.map.values));
});

test.each([
  ['left', (x: number) => x < 5],
  ['right', (x: number) => x > 10],
  ['above', (_: number, y: number) => y < 5],
  ['below', (_: number, y: number) => y > 10],
] as const)('what stands %s comes there, in line, and not on its ancestor', (standing, isThere) => {
  const { x, y, area, place } = placeOf(middle, placed('missing', { ancestor: 0, standing }));
  expect(isThere(x, y)).toBe(true);
  expect(Math.abs((standing === 'left' || standing === 'right' ? y : x) - 7.5)).toBeLessThan(1.5);
  expect(area).toBeGreaterThan(9);
  expect(area).toBeLessThan(side * side * 0.25);
  expect(middle.map.values.some((value, i) => value === 1 && place[i] !== 0)).toBe(false);
});

test('a missing ancestor comes to where what hangs on it leaves it', () => {
  const missing = placed('missing');
  expect(
    placeOf(missing, { ...middle, phrase: { ...middle.phrase, ancestor: 0, standing: 'left' } }).x,
  ).toBeGreaterThan(10);
});

test('through an ancestor that is missing too, the standing is that of the one in between', () => {
  const between = placed('missing', { ancestor: 0, standing: 'right' });
  const [, first, second] = missingPlaces([middle, between, placed('missing', { ancestor: 1 })], grid);
  for (const place of [first, second]) {
    const x = (place as Float32Array).reduce((sum, value, i) => sum + value * (i % side), 0);
    expect(x / (place as Float32Array).reduce((sum, value) => sum + value, 0)).toBeGreaterThan(8);
  }
});

test('what hangs on nothing comes to the emptiest place; the next one beside it', () => {
  const left = placed('ok', {}, at(0, 0, 7, side));
  const [, first, second] = missingPlaces([left, placed('missing'), placed('missing')], grid);
  const both = (first as Float32Array).reduce(
    (sum, value, i) => sum + Math.min(value, (second as Float32Array)[i] as number),
    0,
  );
  expect(placeOf(left, placed('missing')).x).toBeGreaterThan(8);
  expect(both).toBeLessThan(0.1 * (first as Float32Array).reduce((sum, value) => sum + value, 0));
});

test('where nothing that was asked for is found, or only the ground, it is the whole image', () => {
  const ground = placed('ok', {}, at(0, 4, side, 12));
  for (const others of [[], [ground], [placed('ok', { negated: true }, at(2, 2, 3, 3))]]) {
    expect(new Set(placeOf(...others, placed('missing')).place)).toEqual(new Set([1]));
  }
});

test('a circle of missing ancestors ends', () => {
  const circle = [placed('missing', { ancestor: 1 }), placed('missing', { ancestor: 0 })];
  expect(missingPlaces(circle, grid).every((place) => place?.every((value) => value === 1))).toBe(true);
});
