import { expect, test } from 'vitest';
import { fitViewport, imagePoint, keepInSight, zoomViewport } from './viewport.ts';

const stage = { width: 1000, height: 600 };

test('a picture is fitted whole and centred, a small one enlarged', () => {
  expect(fitViewport({ width: 2000, height: 1000 }, stage, 0)).toEqual({ x: 0, y: 50, scale: 0.5 });
  expect(fitViewport({ width: 500, height: 300 }, stage, 0)).toEqual({ x: 0, y: 0, scale: 2 });
  expect(fitViewport({ width: 10, height: 10 }, stage, 0).scale).toBe(6);
});

test('what lies under the pointer stays there when zooming', () => {
  const image = { width: 2000, height: 1000 };
  const before = fitViewport(image, stage, 0);
  const at = { x: 300, y: 250 };
  const after = zoomViewport(before, { factor: 3, centre: at, image, stage });
  const under = imagePoint(after, { at, image });
  expect(after.scale).toBeCloseTo(1.5);
  expect(under?.u).toBeCloseTo(imagePoint(before, { at, image })?.u ?? -1);
  expect(under?.v).toBeCloseTo(imagePoint(before, { at, image })?.v ?? -1);
});

test('zoom ends at half the fitted size and at 32 times', () => {
  const image = { width: 2000, height: 1000 };
  const fitted = fitViewport(image, stage);
  const zoom = (factor: number) => zoomViewport(fitted, { factor, centre: { x: 0, y: 0 }, image, stage }).scale;
  expect(zoom(1e-9)).toBeCloseTo(fitted.scale / 2);
  expect(zoom(1e9)).toBe(32);
});

test('a picture cannot be dragged out of sight', () => {
  const image = { width: 1000, height: 1000 };
  const far = keepInSight({ x: 1e6, y: -1e6, scale: 1 }, { image, stage });
  expect(far).toEqual({ x: 1000 - 120, y: 120 - 1000, scale: 1 });
  expect(keepInSight({ x: 10, y: 20, scale: 1 }, { image, stage })).toEqual({ x: 10, y: 20, scale: 1 });
});

test('beside the picture there is no place on it', () => {
  const image = { width: 100, height: 100 };
  const viewport = { x: 50, y: 50, scale: 2 };
  expect(imagePoint(viewport, { at: { x: 49, y: 60 }, image })).toBeNull();
  expect(imagePoint(viewport, { at: { x: 250, y: 60 }, image })).toBeNull();
  expect(imagePoint(viewport, { at: { x: 150, y: 50 }, image })).toEqual({ u: 0.5, v: 0 });
});
