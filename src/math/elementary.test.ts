import { expect, test } from 'vitest';
import { exactLog, exactSinCos } from './elementary.ts';

test("the logarithm is the engine's own to 1e-15", () => {
  for (let i = 0; i < 20_000; i++) {
    const value = (i * 214_013 + 0.5) / 2 ** 32;
    expect(Math.abs(exactLog(value) - Math.log(value))).toBeLessThanOrEqual(1e-15 * Math.max(1, -Math.log(value)));
  }
  expect(exactLog(1)).toBe(0);
  expect(exactLog(1024)).toBeCloseTo(10 * Math.LN2, 14);
  for (const value of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e-310])
    expect(() => exactLog(value)).toThrow(RangeError);
});

test("sine and cosine are the engine's own to 1e-15", () => {
  for (let i = 0; i < 20_000; i++) {
    const quarters = (i * 214_013 + 0.5) / 2 ** 30;
    const [sine, cosine] = exactSinCos(quarters);
    // The engine's argument is rounded: by up to 4.4e-16 near a whole turn.
    expect(Math.abs(sine - Math.sin((quarters * Math.PI) / 2))).toBeLessThan(1e-15);
    expect(Math.abs(cosine - Math.cos((quarters * Math.PI) / 2))).toBeLessThan(1e-15);
  }
  expect([0, 1, 2, 3].map((quarters) => exactSinCos(quarters).map((value) => value + 0))).toEqual([
    [0, 1],
    [1, 0],
    [0, -1],
    [-1, 0],
  ]);
  for (const quarters of [-0.1, 4, Number.NaN]) expect(() => exactSinCos(quarters)).toThrow(RangeError);
});
