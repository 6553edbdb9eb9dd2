import type { CheckpointDtype, CheckpointTensor } from '../checkpoint/checkpoint.ts';
import { bytesToFloat32, DTYPE_BYTES } from '../checkpoint/dtypes.ts';
import { float32ToFloat16 } from '../checkpoint/float16.ts';
import { cannotLoadTensor } from './checkTensors.ts';
import { SLACK, WeightKernel } from './weightKernel.ts';
import type { StoredType } from './weights.ts';

/** Bits of the least float32 that is no number, and of the least that rounds to a half that is none. */
const INFINITY_32 = 0x7f800000;
const BEYOND_HALF = 0x477ff000;
const INFINITY_16 = 0x7c00;

/**
 * A piece of a tensor in the type it is stored in.
 * @param piece its bytes, at most `PIECE_BYTES` where there is a `kernel`
 * @returns `piece` itself, or memory that is good until the next call
 * @throws {UserError} `CheckpointError` naming the tensor, where a number is NaN, infinite or too large for the type
 */
export function castPiece(
  piece: Uint8Array<ArrayBuffer>,
  { tensor, type, kernel }: { tensor: CheckpointTensor; type: StoredType; kernel: WeightKernel | null },
): Uint8Array<ArrayBuffer> {
  const { dtype } = tensor;
  if (STORED_AS_IT_IS[dtype] === type) {
    if (!isFinitePiece(piece, dtype)) throw notFinite(tensor);
    return piece;
  }
  if (!kernel) return storedFloats(finiteFloats(piece, tensor), tensor, type);
  const count = piece.byteLength / DTYPE_BYTES[dtype];
  const at = placeSingles(piece, { tensor, kernel });
  if (type === 'float32') return kernel.bytes(at, count * 4);
  const to = at === WeightKernel.PIECE ? WeightKernel.WIDE : WeightKernel.PIECE;
  if (kernel.run.singlesToHalves(at, to, count) >= BEYOND_HALF) throw tooLarge(tensor);
  return kernel.bytes(to, count * 2);
}

/**
 * A piece as float32 in the kernel's memory.
 * @returns where it begins; zeros follow
 * @throws {UserError} `CheckpointError` naming the tensor, where a number is NaN or infinite
 */
export function placeSingles(
  piece: Uint8Array<ArrayBuffer>,
  { tensor, kernel }: { tensor: CheckpointTensor; kernel: WeightKernel },
): number {
  const { dtype } = tensor;
  const { PIECE, WIDE } = WeightKernel;
  const count = piece.byteLength / DTYPE_BYTES[dtype];
  let allFinite: boolean;
  if (dtype === 'F16') {
    allFinite = kernel.run.halvesToSingles(kernel.place(piece), WIDE, count) < INFINITY_16;
  } else if (dtype === 'BF16') {
    allFinite = kernel.run.bfloatsToSingles(kernel.place(piece), WIDE, count) < INFINITY_32;
  } else {
    const { buffer, byteOffset, byteLength } = bytesToFloat32(piece, dtype);
    const singles = new Uint8Array(buffer, byteOffset, byteLength);
    allFinite = isFinitePiece(singles, 'F32');
    kernel.place(singles);
  }
  if (!allFinite) throw notFinite(tensor);
  if (DTYPE_BYTES[dtype] !== 2) return PIECE;
  kernel.bytes(WIDE + count * 4, SLACK).fill(0);
  return WIDE;
}

const STORED_AS_IT_IS: Readonly<Partial<Record<CheckpointDtype, StoredType>>> = { F32: 'float32', F16: 'float16' };

/** Whether all F32 or F16 numbers are finite. Works on the bits: adding one to a full exponent carries into the sign's place. */
function isFinitePiece(piece: Uint8Array<ArrayBuffer>, dtype: CheckpointDtype): boolean {
  const { buffer, byteOffset, byteLength } = piece.byteOffset % 4 === 0 ? piece : piece.slice();
  const words = new Uint32Array(buffer, byteOffset, byteLength >> 2);
  let carried = 0;
  if (dtype === 'F32') {
    for (let i = 0; i < words.length; i++) carried |= ((words[i] as number) & 0x7f800000) + 0x00800000;
    return carried >= 0;
  }
  for (let i = 0; i < words.length; i++) carried |= ((words[i] as number) & 0x7c007c00) + 0x04000400;
  if (byteLength % 4 !== 0) {
    carried |= ((new Uint16Array(buffer, byteOffset + byteLength - 2, 1)[0] as number) & 0x7c00) + 0x0400;
  }
  return (carried & 0x80008000) === 0;
}

/**
 * Numbers of a tensor as float32.
 * @throws {UserError} `CheckpointError` naming the tensor, where one is NaN or infinite
 */
export function finiteFloats(bytes: Uint8Array<ArrayBuffer>, tensor: CheckpointTensor): Float32Array<ArrayBuffer> {
  const values = bytesToFloat32(bytes, tensor.dtype);
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) throw notFinite(tensor);
  return values;
}

/**
 * Numbers in the type they are stored in.
 * @param tensor where they come from, for errors
 * @throws {UserError} `CheckpointError` naming the tensor, where one is too large for the type
 */
export function storedFloats(
  values: Float32Array,
  tensor: CheckpointTensor,
  type: StoredType,
): Uint8Array<ArrayBuffer> {
  if (type === 'float32') return new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength);
  const halves = float32ToFloat16(values);
  if (halves.some((half) => (half & INFINITY_16) === INFINITY_16)) throw tooLarge(tensor);
  return new Uint8Array(halves.buffer);
}

function notFinite(tensor: CheckpointTensor): Error {
  return cannotLoadTensor(tensor, 'holds NaN or infinity; the file is damaged or its training failed');
}

/** Said of scales as well, which are a fraction of the largest weight. */
export function tooLarge(tensor: CheckpointTensor): Error {
  return cannotLoadTensor(tensor, 'holds numbers beyond 65504, which half precision cannot; choose fp32');
}
