import { describe, expect, test } from 'vitest';
import { float16ToFloat32, float32ToFloat16 } from './float16.ts';

const ALL_HALVES = Uint16Array.from({ length: 65536 }, (_, half) => half);

/** The value of a half straight from the definition in IEEE 754, section 3.4. */
function valueOfHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * (fraction / 1024) * 2 ** -14 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function halfOf(value: number): number {
  return float32ToFloat16(Float32Array.of(value))[0] as number;
}

function floatFromBits(bits: number): Float32Array {
  return new Float32Array(Uint32Array.of(bits).buffer);
}

/** The float32 next to a positive finite one. */
function neighbour(value: number, direction: 1 | -1): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0] = (bits[0] as number) + direction;
  return new Float32Array(bits.buffer)[0] as number;
}

describe('float16ToFloat32', () => {
  test('all 65,536 halves have the value of their definition, zeros their sign', () => {
    const values = float16ToFloat32(ALL_HALVES);
    const wrong = ALL_HALVES.filter((half) => !Object.is(values[half], valueOfHalf(half)));
    expect([...wrong]).toEqual([]);
  });
});

describe('float32ToFloat16', () => {
  test('every half that is a number survives the round trip; NaN stays NaN, becomes quiet and keeps its payload', () => {
    const back = float32ToFloat16(float16ToFloat32(ALL_HALVES));
    const wrong = ALL_HALVES.filter((half) => {
      const isNaN16 = (half & 0x7c00) === 0x7c00 && (half & 0x3ff) !== 0;
      return back[half] !== (isNaN16 ? half | 0x200 : half);
    });
    expect([...wrong]).toEqual([]);
  });

  test('between any two neighbouring halves: the tie goes to the even one, a hair to either side to the nearer one', () => {
    const wrong: number[] = [];
    for (let half = 0; half < 0x7c00; half++) {
      const low = valueOfHalf(half);
      // The neighbour above the greatest half is 2^16, which is written as infinity.
      const high = half === 0x7bff ? 65536 : valueOfHalf(half + 1);
      const middle = (low + high) / 2;
      const even = half % 2 === 0 ? half : half + 1;
      for (const sign of [0, 0x8000]) {
        const s = sign ? -1 : 1;
        if (halfOf(s * middle) !== (sign | even)) wrong.push(sign | half);
        if (halfOf(s * neighbour(middle, -1)) !== (sign | half)) wrong.push(sign | half);
        if (halfOf(s * neighbour(middle, 1)) !== (sign | (half + 1))) wrong.push(sign | half);
      }
    }
    expect(wrong).toEqual([]);
  });

  test.each([
    ['greatest half', 65504, 0x7bff],
    ['least float that overflows', 65520, 0x7c00],
    ['greatest float that does not', neighbour(65520, -1), 0x7bff],
    ['greatest float', 3.4028234663852886e38, 0x7c00],
    ['infinity', Number.POSITIVE_INFINITY, 0x7c00],
    ['minus infinity', Number.NEGATIVE_INFINITY, 0xfc00],
    ['minus zero', -0, 0x8000],
    ['least subnormal', 2 ** -24, 0x0001],
    ['half of the least subnormal: a tie to zero', 2 ** -25, 0x0000],
    ['a hair more', neighbour(2 ** -25, 1), 0x0001],
    ['greatest subnormal rounded up to normal', 2 ** -14 - 2 ** -26, 0x0400],
    ['least float32 subnormal', 2 ** -149, 0x0000],
    ['one third', 1 / 3, 0x3555],
  ])('%s', (_, value, half) => {
    expect(halfOf(value)).toBe(half);
  });

  test('a NaN whose payload lies in the dropped bits stays NaN', () => {
    expect(float32ToFloat16(floatFromBits(0x7f800001))[0]).toBe(0x7e00);
    expect(float32ToFloat16(floatFromBits(0xff800001))[0]).toBe(0xfe00);
  });

  test('reads a view that does not start at the beginning of its buffer', () => {
    expect([...float32ToFloat16(Float32Array.of(7, 1, 2).subarray(1))]).toEqual([0x3c00, 0x4000]);
  });
});
