import { expect, test } from 'vitest';
import { handMaskRegions } from './handMask.ts';

test('the parts of a mask, as given', () => {
  const values = Uint8Array.from([255, 51, 0, 0, 0, 0, 0, 255]);
  const regions = handMaskRegions({ width: 4, height: 2, values }, { width: 4, height: 2 });
  expect(regions.map(({ place }) => place)).toEqual([
    { x: 0, y: 0, width: 2, height: 1 },
    { x: 3, y: 1, width: 1, height: 1 },
  ]);
  expect([...(regions[0]?.mask.values ?? [])].map((value) => Math.round(value * 100))).toEqual([100, 20]);
  expect(handMaskRegions({ width: 2, height: 1, values: new Uint8Array(2) }, { width: 4, height: 2 })).toEqual([]);
});

test('a mask that does not fit its grid is an error', () => {
  const image = { width: 4, height: 2 };
  expect(() => handMaskRegions({ width: 3, height: 2, values: new Uint8Array(8) }, image)).toThrow(RangeError);
  expect(() => handMaskRegions({ width: 2048, height: 1, values: new Uint8Array(2048) }, image)).toThrow(/1024/);
});
