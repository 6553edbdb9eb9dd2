import { describe, expect, it } from 'vitest';
import type { CheckpointDtype, CheckpointTensor } from '../checkpoint/checkpoint.ts';
import { float32ToFloat16 } from '../checkpoint/float16.ts';
import { quantisePiece } from './quantisePiece.ts';
import { WeightKernel } from './weightKernel.ts';

const kernel = WeightKernel.create() as WeightKernel;

function random(count: number, seed: number): Float32Array<ArrayBuffer> {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return Float32Array.from(
    { length: count },
    () => 0.1 * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(6.283185 * uniform()),
  );
}

/** Numbers as a file has them. */
function published(values: Float32Array<ArrayBuffer>, dtype: CheckpointDtype): Uint8Array<ArrayBuffer> {
  if (dtype === 'F64') return new Uint8Array(new Float64Array(values).buffer);
  if (dtype === 'F16') return new Uint8Array(float32ToFloat16(values).buffer);
  if (dtype === 'F32') return new Uint8Array(values.buffer);
  const halves = new Uint16Array(values.buffer).filter((_, i) => i % 2 === 1);
  return new Uint8Array(halves.buffer);
}

function tensorOf(dtype: CheckpointDtype): CheckpointTensor {
  const read = async () => new Uint8Array();
  return { name: 'x', dtype, shape: [], byteLength: 0, file: 'model.safetensors', position: 0, read };
}

describe('quantisePiece', () => {
  describe.each<CheckpointDtype>(['F32', 'F16', 'BF16', 'F64'])('of %s', (dtype) => {
    it.each([
      [3, 32],
      [1, 320],
      [5, 40],
      [7, 1],
      [64, 96],
    ])('gives what plain loops give: %i rows of %i', (rows, columns) => {
      for (const bits of [4, 8] as const) {
        for (const scaleType of ['float16', 'float32'] as const) {
          const values = random(rows * columns, rows + columns);
          // Quotients a hair below a half: rounding them as floor(x + 1/2) would go up.
          for (let i = 0; i + 1 < values.length; i += 7) values[i + 1] = (values[i] as number) / 2;
          const piece = published(values, dtype);
          const options = { tensor: tensorOf(dtype), columns, bits, scaleType };
          const { packed, scales } = quantisePiece(piece, { ...options, kernel });
          const expected = quantisePiece(piece, { ...options, kernel: null });
          expect(scales, `scales of ${bits} bits, ${scaleType}`).toEqual(expected.scales);
          expect(packed, `${bits} bits, ${scaleType}`).toEqual(expected.packed);
        }
      }
    });
  });
});
