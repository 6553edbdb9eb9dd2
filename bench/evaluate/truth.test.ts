import { expect, test } from 'vitest';
import { auroc, balancedAccuracy, psnr, truthOf } from './truth.ts';

test('the area under the curve: all right, all wrong, no better than chance', () => {
  const truth = [true, true, false, false];
  expect(auroc([4, 3, 2, 1], truth)).toBe(1);
  expect(auroc([1, 2, 3, 4], truth)).toBe(0);
  expect(auroc([1, 1, 1, 1], truth)).toBe(0.5);
  // One pair of four is the wrong way round.
  expect(auroc([4, 2, 3, 1], truth)).toBe(0.75);
  expect(auroc([1, 2], [true, true])).toBeNaN();
});

test('phrases against what is in the picture', () => {
  const solids = [
    { shape: 'cube', colour: 'red', size: 'small', material: 'shiny' },
    { shape: 'ring', colour: 'blue', size: 'large', material: 'matte' },
  ];
  expect(truthOf('small red cube', solids)).toBe('ok');
  expect(truthOf('Two rings', solids)).toBe('ok');
  expect(truthOf('blue cube', solids)).toBe('wrong');
  expect(truthOf('large ring striped', solids)).toBe('wrong');
  expect(truthOf('green cone', solids)).toBe('absent');
  expect(truthOf('wooden floor', solids)).toBeNull();
});

test('balanced accuracy weighs both sides the same', () => {
  const told = [
    { truth: true, told: true },
    { truth: false, told: false },
    { truth: false, told: true },
    { truth: false, told: true },
    { truth: false, told: true },
  ];
  expect(balancedAccuracy(told)).toBe((1 + 0.25) / 2);
  expect(balancedAccuracy([])).toBeNaN();
});

test('PSNR by hand, in a mask and without', () => {
  const picture = (...grey: number[]) => ({
    width: 2,
    height: 1,
    data: Uint8ClampedArray.from(grey.flatMap((value) => [value, value, value, 255])),
  });
  expect(psnr(picture(1, 2), picture(1, 2))).toBe(99);
  expect(psnr(picture(10, 2), picture(0, 2))).toBeCloseTo(10 * Math.log10(255 ** 2 / 50), 10);
  expect(psnr(picture(10, 2), picture(0, 2), Uint8Array.of(255, 0))).toBeCloseTo(10 * Math.log10(255 ** 2 / 100), 10);
  expect(psnr(picture(10, 2), picture(0, 2), Uint8Array.of(0, 0))).toBeNaN();
});
