import { describe, expect, test } from 'vitest';
import { bytesSource } from './byteSource.ts';
import { dict, pickle, tensor, torchFile } from './handMadeFiles.ts';
import { gatherStrided, isContiguous, storageSpan } from './stridedTensor.ts';
import { openTorchFile } from './torchFile.ts';

const bytesOf = (array: ArrayBufferView<ArrayBuffer>) => new Uint8Array(array.buffer);

describe('isContiguous', () => {
  test.each<[number[], number[], boolean]>([
    [[], [], true],
    [[2, 3], [3, 1], true],
    [[2, 3], [1, 2], false],
    [[1, 3], [99, 1], true],
    [[2, 1, 3], [3, 7, 1], true],
    [[2, 2], [3, 1], false],
    [[3], [0], false],
  ])('shape %j, strides %j: %j', (shape, stride, expected) => {
    expect(isContiguous({ shape, stride })).toBe(expected);
  });
});

test('storageSpan counts from the first to the last element touched', () => {
  expect(storageSpan({ shape: [], stride: [] })).toBe(1);
  expect(storageSpan({ shape: [2, 3], stride: [1, 4] })).toBe(10);
  expect(storageSpan({ shape: [0, 3], stride: [1, 4] })).toBe(0);
  expect(storageSpan({ shape: [1, 3], stride: [Number.MAX_SAFE_INTEGER, 0] })).toBe(1);
});

describe('gatherStrided', () => {
  // Element k of the storage is k: the result shows which elements were taken.
  test.each([
    ['bytes', 1, Uint8Array],
    ['halves', 2, Uint16Array],
    ['singles', 4, Uint32Array],
    ['doubles', 8, BigUint64Array],
  ] as const)('%s: shape [2,3,2], strides [1,4,2]', (_, itemSize, Items) => {
    const storage = new Items(12) as Uint8Array<ArrayBuffer> | BigUint64Array<ArrayBuffer>;
    for (let i = 0; i < 12; i++) storage[i] = (itemSize === 8 ? BigInt(i) : i) as never;
    const result = gatherStrided(bytesOf(storage), { shape: [2, 3, 2], stride: [1, 4, 2], itemSize });
    expect([...new Items(result.buffer)].map(Number)).toEqual([0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11]);
  });

  test('the bits of a signalling NaN in F64 survive', () => {
    const storage = BigUint64Array.of(0x7ff0000000000001n, 2n);
    const result = gatherStrided(bytesOf(storage), { shape: [2, 2], stride: [0, 1], itemSize: 8 });
    expect([...new BigUint64Array(result.buffer)]).toEqual([0x7ff0000000000001n, 2n, 0x7ff0000000000001n, 2n]);
  });

  test('bytes that are not aligned, and no elements', () => {
    const shifted = new Uint8Array(5);
    shifted.set([1, 0, 2, 0], 1);
    expect([...gatherStrided(shifted.subarray(1), { shape: [2, 2], stride: [0, 1], itemSize: 2 })]).toEqual([
      1, 0, 2, 0, 1, 0, 2, 0,
    ]);
    expect(gatherStrided(new Uint8Array(0), { shape: [2, 0], stride: [1, 1], itemSize: 4 }).length).toBe(0);
  });
});

describe('tensors are checked against their storage', () => {
  const file = (value: Parameters<typeof tensor>[0]) =>
    bytesSource('x.pth', torchFile(pickle(dict({ w: tensor(value) })), { 0: Float32Array.of(0, 1, 2, 3, 4, 5) }));

  test('one that reaches the last element', async () => {
    const { tensors } = await openTorchFile(file({ shape: [2, 2], stride: [1, 3], offset: 1, count: 6 }));
    const bytes = (await tensors.get('w')?.read()) ?? new Uint8Array();
    expect([...new Float32Array(bytes.buffer)]).toEqual([1, 4, 2, 5]);
  });

  test.each<[string, Parameters<typeof tensor>[0], RegExp]>([
    [
      'one more element',
      { shape: [2, 2], stride: [1, 3], offset: 2, count: 6 },
      /tensor "w" of shape \[2,2\] and strides \[1,3\] reaches element 7 of a storage of 6/,
    ],
    [
      'a longer storage than the entry',
      { shape: [7], stride: [1] },
      /tensor "w" has a storage of 24 bytes, expected 28/,
    ],
    [
      'a storage that is not there',
      { shape: [1], stride: [1], key: '../0' },
      /storage "\.\.\/0", which the archive does not have/,
    ],
    ['a stride too few', { shape: [2, 2], stride: [1] }, /no valid strides/],
    ['a negative stride', { shape: [2], stride: [0xffffffff] }, /no valid strides/],
    ['a negative offset', { shape: [2], stride: [1], offset: 0xffffffff }, /no valid strides or offset/],
    ['a negative dimension', { shape: [0xffffffff], stride: [1], count: 1 }, /no valid shape/],
    ['a product beyond 2^53', { shape: [2147483647, 2147483647, 1000], stride: [0, 0, 0], count: 1 }, /no valid shape/],
    [
      '4 GB repeated from one element',
      { shape: [1000, 1000, 1000], stride: [0, 0, 0], count: 1 },
      /repeats 1 elements to 1000000000/,
    ],
  ])('%s', async (_, value, message) => {
    await expect(openTorchFile(file(value))).rejects.toMatchObject({
      name: 'CheckpointError',
      message: expect.stringMatching(message),
    });
  });
});
