import { describe, expect, it } from 'vitest';
import { type QuantisedBits, quantiseMatrix } from './blockQuantisation.ts';

/** What MatMulNBits computes from packed weights without zero points. */
function dequantise(
  { packed, scales }: { packed: Uint8Array; scales: Float32Array },
  { columns, bits }: { columns: number; bits: QuantisedBits },
): number[] {
  const blocks = Math.ceil(columns / 32);
  const values: number[] = [];
  for (let row = 0; row < scales.length / blocks; row++) {
    for (let column = 0; column < columns; column++) {
      const block = row * blocks + Math.floor(column / 32);
      const i = column % 32;
      const byte = packed[block * 4 * bits + (bits === 4 ? i >> 1 : i)] as number;
      const level = bits === 8 ? byte - 128 : ((i % 2 === 0 ? byte : byte >> 4) & 15) - 8;
      values.push(level * (scales[block] as number));
    }
  }
  return values;
}

function gaussian(count: number): Float32Array {
  let state = 1;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(6.283185 * uniform()),
  );
}

function relativeError(actual: readonly number[], expected: Float32Array): number {
  let error = 0;
  let size = 0;
  for (let i = 0; i < expected.length; i++) {
    error += ((actual[i] as number) - (expected[i] as number)) ** 2;
    size += (expected[i] as number) ** 2;
  }
  return Math.sqrt(error / size);
}

describe('quantiseMatrix', () => {
  it('keeps multiples of a step exactly in 4 bit, the earlier weight in the lower half of the byte', () => {
    const values = Float32Array.from({ length: 32 }, (_, i) => ((i % 16) - 8) * 0.5);
    const { packed, scales } = quantiseMatrix(values, { columns: 32, bits: 4, scaleType: 'float32' });
    expect([...scales]).toEqual([0.5]);
    // Levels -8, -7 | -6, -5 | … stored as 0, 1 | 2, 3 | …
    expect([...packed.slice(0, 4)]).toEqual([0x10, 0x32, 0x54, 0x76]);
  });

  it('makes the scale negative where the largest weight is positive, for the extra level at that end', () => {
    const values = new Float32Array(32);
    values[0] = 8;
    values[1] = -7;
    const { packed, scales } = quantiseMatrix(values, { columns: 32, bits: 4, scaleType: 'float32' });
    expect([...scales]).toEqual([-1]);
    expect(packed[0]).toBe(0xf0);
    expect(packed[1]).toBe(0x88);
  });

  it('stores 8-bit levels around 128', () => {
    const values = new Float32Array(32);
    values.set([-12.7, 12.7, 0.1]);
    const { packed, scales } = quantiseMatrix(values, { columns: 32, bits: 8, scaleType: 'float32' });
    expect(scales[0]).toBeCloseTo(0.1, 7);
    expect([...packed.slice(0, 4)]).toEqual([1, 255, 129, 128]);
  });

  it('stores zeros as zeros', () => {
    for (const bits of [4, 8] as const) {
      const matrix = quantiseMatrix(new Float32Array(64), { columns: 32, bits, scaleType: 'float16' });
      expect(dequantise(matrix, { columns: 32, bits })).toEqual(new Array(64).fill(0));
    }
  });

  it('pads the last block of each row with the level of zero', () => {
    const matrix = quantiseMatrix(new Float32Array(80).fill(3), { columns: 40, bits: 4, scaleType: 'float32' });
    expect(matrix.scales.length).toBe(4);
    expect(matrix.packed.length).toBe(4 * 16);
    expect([...matrix.packed.slice(20, 32)]).toEqual(new Array(12).fill(0x88));
    expect(dequantise(matrix, { columns: 40, bits: 4 })).toEqual(new Array(80).fill(3));
  });

  it('rounds weights against the half-precision scale', () => {
    const values = gaussian(3200);
    const { scales } = quantiseMatrix(values, { columns: 32, bits: 8, scaleType: 'float16' });
    expect([...scales].every((scale) => Math.abs(scale * 2 ** 20) % 1 === 0)).toBe(true);
  });

  it('loses as much of normally distributed weights as the theory says', () => {
    const values = gaussian(32 * 3000);
    const errorOf = (bits: QuantisedBits) => {
      const matrix = quantiseMatrix(values, { columns: 96, bits, scaleType: 'float16' });
      return relativeError(dequantise(matrix, { columns: 96, bits }), values);
    };
    // The best uniform 16-level quantiser of a normal variable has 0.0975 (Max 1960); a scale per block beats it.
    // 8 bit: the largest of 32 magnitudes is 2.39 sigma in the root mean square; a 127th of it, /sqrt(12), is 0.0054.
    expect(errorOf(4)).toBeLessThan(0.083);
    expect(errorOf(8)).toBeLessThan(0.0055);
  });

  it('rejects weights that are not whole rows', () => {
    expect(() => quantiseMatrix(new Float32Array(33), { columns: 32, bits: 4, scaleType: 'float32' })).toThrow(
      RangeError,
    );
  });
});
