import { describe, expect, test } from 'vitest';
import type { CheckpointDtype, CheckpointTensor } from './checkpoint.ts';
import { bytesToFloat32, DTYPE_BYTES, isCheckpointDtype, tensorAsFloat32 } from './dtypes.ts';

function bytesOf(array: ArrayBufferView<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

describe('bytesToFloat32', () => {
  test.each<[CheckpointDtype, ArrayBufferView<ArrayBuffer>, number[]]>([
    ['F32', Float32Array.of(1.5, -0, Number.POSITIVE_INFINITY), [1.5, -0, Number.POSITIVE_INFINITY]],
    ['F64', Float64Array.of(0.1, -2, 1e300), [Math.fround(0.1), -2, Number.POSITIVE_INFINITY]],
    ['F16', Uint16Array.of(0x3c00, 0xc000, 0x0001), [1, -2, 2 ** -24]],
    ['BF16', Uint16Array.of(0x3f80, 0xc000, 0x0001, 0xff80), [1, -2, 2 ** -133, Number.NEGATIVE_INFINITY]],
    ['I32', Int32Array.of(-7, 16777217, 2147483647), [-7, 16777216, 2147483648]],
    ['I16', Int16Array.of(-32768, 32767), [-32768, 32767]],
    ['I8', Int8Array.of(-128, 127), [-128, 127]],
    ['U8', Uint8Array.of(0, 255), [0, 255]],
    ['BOOL', Uint8Array.of(0, 1, 2), [0, 1, 1]],
  ])('%s', (dtype, array, expected) => {
    expect([...bytesToFloat32(bytesOf(array), dtype)]).toEqual(expected);
  });

  test('I64 is rounded once: just above a tie goes up, a tie to even, at both signs', () => {
    // Between 2^62 and 2^63 neighbouring float32 lie 2^39 apart.
    const base = 2n ** 62n;
    const ulp = 2n ** 39n;
    const cases: [bigint, number][] = [
      [0n, 0],
      [-1n, -1],
      [4294967296n, 4294967296],
      [-4294967297n, -4294967296],
      [9007199254740993n, 9007199254740992],
      [base + ulp / 2n, 2 ** 62],
      [base + ulp / 2n + 1n, 2 ** 62 + 2 ** 39],
      [base + ulp / 2n - 1n, 2 ** 62],
      [base + ulp + ulp / 2n, 2 ** 62 + 2 ** 40],
      [base + ulp + ulp / 2n - 1n, 2 ** 62 + 2 ** 39],
      [-(base + ulp / 2n), -(2 ** 62)],
      [-(base + ulp / 2n + 1n), -(2 ** 62 + 2 ** 39)],
      [-(base + ulp + ulp / 2n - 1n), -(2 ** 62 + 2 ** 39)],
      [-(2n ** 63n), -(2 ** 63)],
      [2n ** 63n - 1n, 2 ** 63],
    ];
    const values = bytesToFloat32(bytesOf(BigInt64Array.from(cases, ([integer]) => integer)), 'I64');
    expect([...values]).toEqual(cases.map(([, value]) => value));
  });

  test('bytes at an odd offset are read as well, and aligned F32 is not copied', () => {
    const shifted = new Uint8Array(9);
    shifted.set(bytesOf(Float32Array.of(3, 4)), 1);
    expect([...bytesToFloat32(shifted.subarray(1), 'F32')]).toEqual([3, 4]);
    const aligned = bytesOf(Float32Array.of(3, 4));
    expect(bytesToFloat32(aligned, 'F32').buffer).toBe(aligned.buffer);
  });

  test('half an element is misuse', () => {
    expect(() => bytesToFloat32(new Uint8Array(7), 'F32')).toThrow(RangeError);
  });
});

test('isCheckpointDtype knows its own names only', () => {
  expect(Object.keys(DTYPE_BYTES).every(isCheckpointDtype)).toBe(true);
  expect(['toString', '__proto__', 'f32', 4, null].some(isCheckpointDtype)).toBe(false);
});

test('tensorAsFloat32 names the tensor whose file shrank', async () => {
  const tensor: CheckpointTensor = {
    name: 'a.weight',
    dtype: 'F32',
    shape: [2],
    byteLength: 8,
    file: 'model.safetensors',
    position: 0,
    read: async () => new Uint8Array(4),
  };
  await expect(tensorAsFloat32(tensor)).rejects.toMatchObject({
    name: 'CheckpointError',
    message: expect.stringContaining('tensor "a.weight" has 4 bytes, expected 8'),
  });
});
