import { expect, test } from 'vitest';
import { ArrayTensorDevice } from './arrayTensorDevice.ts';

const device = new ArrayTensorDevice();
const tensor = (dims: readonly number[], ...values: number[]) => device.create(dims, Float32Array.from(values));

test('creates zeros, or copies of values', async () => {
  const values = Float32Array.of(1, 2);
  const made = device.create([2], values);
  values[0] = 9;
  expect(Array.from(await device.read(made))).toEqual([1, 2]);
  expect(Array.from(await device.read(device.create([1, 3])))).toEqual([0, 0, 0]);
  expect(() => device.create([2], Float32Array.of(1))).toThrow(RangeError);
});

test('combines, the target among the sources', async () => {
  const a = tensor([2], 1, 2);
  const b = tensor([2], 10, 20);
  device.combine(a, [
    { source: b, factor: 0.5 },
    { source: a, factor: -1 },
    { source: a, factor: 3 },
  ]);
  expect(Array.from(await device.read(a))).toEqual([7, 14]);
  expect(() => device.combine(a, [])).toThrow(RangeError);
  expect(() => device.combine(a, Array(9).fill({ source: b, factor: 1 }))).toThrow(RangeError);
  expect(() => device.combine(a, [{ source: tensor([1], 1), factor: 1 }])).toThrow(RangeError);
});

test('copies windows, weighted and added', async () => {
  const source = tensor([1, 2, 2, 3], 1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60);
  const target = device.create([1, 2, 2, 2], new Float32Array(8).fill(100));
  const window = { from: { x: 1, y: 0 }, to: { x: 1, y: 0 }, width: 1, height: 2 };
  device.copyWindow(source, target, window);
  expect(Array.from(await device.read(target))).toEqual([100, 2, 100, 5, 100, 20, 100, 50]);
  device.copyWindow(source, target, { ...window, weights: tensor([2, 1], 1, 0.5), add: true });
  expect(Array.from(await device.read(target))).toEqual([100, 4, 100, 7.5, 100, 40, 100, 75]);
  expect(() => device.copyWindow(source, target, { ...window, width: 2 })).toThrow('2x2 at 1, 0 of 2x2');
  expect(() => device.copyWindow(source, target, { ...window, weights: tensor([1], 1) })).toThrow(RangeError);
  expect(() => device.copyWindow(tensor([1, 1, 1, 1], 1), target, window)).toThrow(RangeError);
  expect(() => device.copyWindow(tensor([2], 1, 2), target, window)).toThrow(RangeError);
});

test('finds numbers that are none', async () => {
  expect(await device.allFinite(tensor([2], 1, -3e38))).toBe(true);
  expect(await device.allFinite(tensor([2], 1, Number.NaN))).toBe(false);
  expect(await device.allFinite(tensor([2], Number.NEGATIVE_INFINITY, 1))).toBe(false);
});

test('what is disposed, or of another device, is not used', async () => {
  const gone = tensor([1], 1);
  gone.dispose();
  gone.dispose();
  await expect(device.read(gone)).rejects.toThrow(TypeError);
  expect(() => device.write({ dims: [1], dispose() {} }, Float32Array.of(1))).toThrow(TypeError);
  const { alive } = new ArrayTensorDevice();
  expect(alive).toBe(0);
});
