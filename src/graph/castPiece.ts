import type { CheckpointTensor } from '../checkpoint/checkpoint.ts';
import { bytesToFloat32 } from '../checkpoint/dtypes.ts';
import { float32ToFloat16 } from '../checkpoint/float16.ts';
import { cannotLoadTensor } from './checkTensors.ts';
import type { StoredType } from './weights.ts';

/**
 * Numbers of a tensor as float32.
 * @throws {UserError} `CheckpointError` naming the tensor, where one is NaN or infinite
 */
export function finiteFloats(bytes: Uint8Array<ArrayBuffer>, tensor: CheckpointTensor): Float32Array<ArrayBuffer> {
  const values = bytesToFloat32(bytes, tensor.dtype);
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      throw cannotLoadTensor(tensor, 'holds NaN or infinity; the file is damaged or its training failed');
    }
  }
  return values;
}

/**
 * Numbers in the type they are stored in.
 * @param tensor where they come from, for errors
 * @throws {UserError} `CheckpointError` naming the tensor, where one is too large for the type
 */
export function storedFloats(values: Float32Array, tensor: CheckpointTensor, type: StoredType): Uint8Array {
  if (type === 'float32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const halves = float32ToFloat16(values);
  if (halves.some((half) => (half & 0x7c00) === 0x7c00)) {
    throw cannotLoadTensor(tensor, 'holds numbers beyond 65504, which half precision cannot; choose fp32');
  }
  return new Uint8Array(halves.buffer);
}

/** A piece of a tensor in the type it is stored in; throws as {@link finiteFloats} and {@link storedFloats}. */
export function castPiece(bytes: Uint8Array<ArrayBuffer>, tensor: CheckpointTensor, type: StoredType): Uint8Array {
  return storedFloats(finiteFloats(bytes, tensor), tensor, type);
}
