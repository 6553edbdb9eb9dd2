import { describe, expect, it } from 'vitest';
import type { CheckpointDtype, CheckpointTensor } from '../checkpoint/checkpoint.ts';
import { float32ToFloat16 } from '../checkpoint/float16.ts';
import { castPiece } from './castPiece.ts';
import { PIECE_BYTES } from './tensorPieces.ts';
import { WeightKernel } from './weightKernel.ts';
import type { StoredType } from './weights.ts';

const accelerated = WeightKernel.create();

function tensorOf(dtype: CheckpointDtype): CheckpointTensor {
  const read = async () => new Uint8Array();
  return { name: 'x', dtype, shape: [], byteLength: 0, file: 'model.safetensors', position: 0, read };
}

function bytesOf(array: ArrayBufferView<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

const ALL_HALVES = Uint16Array.from({ length: 65536 }, (_, half) => half);
const FINITE_HALVES = ALL_HALVES.filter((half) => (half & 0x7c00) !== 0x7c00);
/** Those that halves can hold. */
const SMALL_BFLOATS = ALL_HALVES.filter((bits) => (bits & 0x7fff) < 0x4780);

/** Around every tie between two halves, of both signs: at it, a hair below and above; then what rounds to zero. */
function singlesNearTies(): Float32Array<ArrayBuffer> {
  const bits: number[] = [];
  const value = new Float32Array(1);
  const word = new Uint32Array(value.buffer);
  for (let half = 0; half < 0x7bff; half++) {
    const exponent = half >> 10;
    const unit = 2 ** (Math.max(exponent, 1) - 25);
    value[0] = (exponent === 0 ? half : 1024 + (half & 1023)) * unit + unit / 2;
    const tie = word[0] as number;
    for (const near of [tie - 1, tie, tie + 1]) bits.push(near, (near | 0x80000000) >>> 0);
  }
  bits.push(0, 0x80000000, 1, 0x80000001, 0x007fffff, 0x32ffffff, 0x33000000, 0x33000001, 0x477fefff, 0xc77fefff);
  return new Float32Array(Uint32Array.from(bits).buffer);
}

const NUMBERS: [CheckpointDtype, Uint8Array<ArrayBuffer>][] = [
  ['F16', bytesOf(FINITE_HALVES)],
  ['BF16', bytesOf(SMALL_BFLOATS)],
  ['F32', bytesOf(singlesNearTies())],
  ['F64', bytesOf(new Float64Array(singlesNearTies()))],
];

describe.each(NUMBERS)('castPiece of %s', (dtype, bytes) => {
  const cast = (piece: Uint8Array<ArrayBuffer>, type: StoredType, kernel: WeightKernel | null) =>
    castPiece(piece, { tensor: tensorOf(dtype), type, kernel }).slice();

  it.each<StoredType>(['float32', 'float16'])('gives in WebAssembly what plain loops give, to %s', (type) => {
    expect(accelerated).not.toBeNull();
    const size = { F16: 2, BF16: 2, F32: 4, F64: 8 }[dtype as 'F16'];
    // Lengths that are no multiple of what is converted at once, and a piece at an odd place.
    for (const count of [0, 1, 3, 7, 9, bytes.byteLength / size]) {
      const piece = bytes.subarray(0, count * size);
      const shifted = new Uint8Array(piece.byteLength + 1);
      shifted.set(piece, 1);
      const expected = cast(piece, type, null);
      expect(Buffer.compare(cast(piece, type, accelerated), expected), `${count}`).toBe(0);
      expect(Buffer.compare(cast(shifted.subarray(1), type, accelerated), expected), `${count}, shifted`).toBe(0);
    }
  });

  it.each<StoredType>(['float32', 'float16'])('refuses NaN and infinity wherever they are, to %s', (type) => {
    for (const kernel of [accelerated, null]) {
      for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        for (const at of [0, 5, 10]) {
          const values = new Float32Array(11).fill(1);
          values[at] = wrong;
          const piece = published(values, dtype);
          expect(() => cast(piece, type, kernel), `${wrong} at ${at}`).toThrow(
            'Cannot load "model.safetensors": tensor "x" holds NaN or infinity',
          );
        }
      }
    }
  });

  it('takes a whole piece, and leaves nothing of it for the next', () => {
    const size = dtype === 'F64' ? 8 : dtype === 'F32' ? 4 : 2;
    const whole = published(new Float32Array(PIECE_BYTES / size).fill(3), dtype);
    for (const type of ['float32', 'float16'] as const) {
      expect(cast(whole, type, accelerated).byteLength).toBe((whole.byteLength / size) * (type === 'float32' ? 4 : 2));
      const one = published(Float32Array.of(-2), dtype);
      expect(cast(one, type, accelerated)).toEqual(cast(one, type, null));
    }
  });
});

it.each<[CheckpointDtype, number]>([
  ['F32', 65520],
  ['F64', 65520],
  ['BF16', 65536],
])('castPiece of %s refuses what half precision cannot, from %i on', (dtype, least) => {
  for (const kernel of [accelerated, null]) {
    for (const beyond of [least, -least]) {
      const piece = published(Float32Array.of(1, 2, beyond), dtype);
      const cast = (type: StoredType) => castPiece(piece, { tensor: tensorOf(dtype), type, kernel });
      expect(() => cast('float16')).toThrow('tensor "x" holds numbers beyond 65504');
      expect(cast('float32').byteLength).toBe(12);
    }
  }
});

/** Numbers as a file has them; bfloat16 by cutting off. */
function published(values: Float32Array<ArrayBuffer>, dtype: CheckpointDtype): Uint8Array<ArrayBuffer> {
  if (dtype === 'F64') return bytesOf(new Float64Array(values));
  if (dtype === 'F16') return bytesOf(float32ToFloat16(values));
  if (dtype === 'F32') return bytesOf(values);
  return bytesOf(new Uint16Array(values.buffer).filter((_, i) => i % 2 === 1));
}
