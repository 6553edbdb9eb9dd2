import type { CheckpointDtype, CheckpointTensor } from './checkpoint.ts';
import { checkpointError, DOWNLOAD_AGAIN } from './checkpointError.ts';
import { float16ToFloat32 } from './float16.ts';

/** Bytes of one element. */
export const DTYPE_BYTES: Readonly<Record<CheckpointDtype, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

/** Whether `name` is a dtype this project reads. */
export function isCheckpointDtype(name: unknown): name is CheckpointDtype {
  return typeof name === 'string' && Object.hasOwn(DTYPE_BYTES, name);
}

/**
 * Raw little-endian elements as float32. F32, F16, BF16, I16, I8, U8 and BOOL (0 or 1) are exact; F64, I64 and I32 are
 * rounded once, to the nearest, ties to even.
 * @returns a view of `bytes` itself where they are aligned float32 already; a new array otherwise
 * @throws {RangeError} `bytes` is not a whole number of elements
 */
export function bytesToFloat32(bytes: Uint8Array<ArrayBuffer>, dtype: CheckpointDtype): Float32Array<ArrayBuffer> {
  const size = DTYPE_BYTES[dtype];
  if (bytes.byteLength % size !== 0) {
    throw new RangeError(`${bytes.byteLength} bytes are not a whole number of ${dtype} elements of ${size} bytes`);
  }
  // Typed arrays read in the machine's order; every machine with a browser that has WebGPU is little-endian.
  const { buffer, byteOffset } = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  const count = bytes.byteLength / size;
  switch (dtype) {
    case 'F32':
      return new Float32Array(buffer, byteOffset, count);
    case 'F64':
      return new Float32Array(new Float64Array(buffer, byteOffset, count));
    case 'F16':
      return float16ToFloat32(new Uint16Array(buffer, byteOffset, count));
    case 'BF16':
      return bfloat16ToFloat32(new Uint16Array(buffer, byteOffset, count));
    case 'I64':
      return int64ToFloat32(new Int32Array(buffer, byteOffset, count * 2));
    case 'I32':
      return new Float32Array(new Int32Array(buffer, byteOffset, count));
    case 'I16':
      return new Float32Array(new Int16Array(buffer, byteOffset, count));
    case 'I8':
      return new Float32Array(new Int8Array(buffer, byteOffset, count));
    case 'U8':
      return new Float32Array(new Uint8Array(buffer, byteOffset, count));
    case 'BOOL':
      return Float32Array.from(new Uint8Array(buffer, byteOffset, count), (value) => (value === 0 ? 0 : 1));
  }
}

/** bfloat16 is the upper half of a float32. */
function bfloat16ToFloat32(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = (halves[i] as number) << 16;
  return new Float32Array(bits.buffer);
}

/** @param words the low and high words of each element in turn */
function int64ToFloat32(words: Int32Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(words.length / 2);
  for (let i = 0; i < values.length; i++) {
    let low = (words[2 * i] as number) >>> 0;
    const high = words[2 * i + 1] as number;
    // Beyond 2^53 going through a double would round twice. What lies below bit 11 can only break ties of a float32
    // there, so it is folded into bit 11 (round to odd), and the double is exact.
    if (high >= 0x200000 || high < -0x200000) low = (low & 0x7ff) === 0 ? low : ((low & ~0x7ff) | 0x800) >>> 0;
    values[i] = high * 0x1_0000_0000 + low;
  }
  return values;
}

/**
 * Bytes `[start, end)` of a tensor, all of them.
 * @throws {UserError} `CheckpointError`: the file no longer has the tensor's bytes
 */
export async function readTensorBytes(
  tensor: CheckpointTensor,
  { start, end }: { start: number; end: number } = { start: 0, end: tensor.byteLength },
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await tensor.read(start, end);
  if (bytes.byteLength !== end - start) {
    throw checkpointError(
      tensor.file,
      `tensor "${tensor.name}" has ${start + bytes.byteLength} bytes, expected ${tensor.byteLength}; ${DOWNLOAD_AGAIN}`,
    );
  }
  return bytes;
}

/**
 * Reads one tensor as float32; rounding as in {@link bytesToFloat32}.
 * @throws {UserError} `CheckpointError`: the file no longer has the tensor's bytes
 */
export async function tensorAsFloat32(tensor: CheckpointTensor): Promise<Float32Array<ArrayBuffer>> {
  return bytesToFloat32(await readTensorBytes(tensor), tensor.dtype);
}
