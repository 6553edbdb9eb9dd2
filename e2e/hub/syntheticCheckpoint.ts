import { float32ToFloat16 } from '../../src/checkpoint/float16.ts';

export type SyntheticDtype = 'F32' | 'F16' | 'BF16';

const ITEM_BYTES: Readonly<Record<SyntheticDtype, number>> = { F32: 4, F16: 2, BF16: 2 };
/** Weights that are made; the file repeats them. A prime number, so that no two tensors have the same rows. */
const PATTERN_LENGTH = 1_048_573;

/** A safetensors file of any size that is nowhere: a header, and the same numbers over and over. */
export interface SyntheticCheckpoint {
  readonly header: Uint8Array<ArrayBuffer>;
  readonly pattern: Uint8Array<ArrayBuffer>;
  readonly byteLength: number;
}

/** @param tensors shapes by name, in the order of the file */
export function syntheticCheckpoint(
  tensors: ReadonlyMap<string, readonly number[]>,
  dtype: SyntheticDtype,
): SyntheticCheckpoint {
  const entries: Record<string, unknown> = {};
  let end = 0;
  for (const [name, shape] of tensors) {
    const begin = end;
    end += shape.reduce((product, size) => product * size, ITEM_BYTES[dtype]);
    entries[name] = { dtype, shape, data_offsets: [begin, end] };
  }
  const text = new TextEncoder().encode(JSON.stringify(entries));
  const padded = Math.ceil(text.byteLength / 8) * 8;
  const header = new Uint8Array(8 + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(text, 8);
  return { header, pattern: pattern(dtype), byteLength: header.byteLength + end };
}

/** The file as pieces of memory, the pattern shared by all. */
export function* fileParts({ header, pattern, byteLength }: SyntheticCheckpoint): Generator<Uint8Array<ArrayBuffer>> {
  yield header;
  for (let at = header.byteLength; at < byteLength; at += pattern.byteLength) {
    yield at + pattern.byteLength <= byteLength ? pattern : pattern.subarray(0, byteLength - at);
  }
}

/** Bytes `[start, end)` of the file, without copying. */
export function* rangeParts(
  { header, pattern }: SyntheticCheckpoint,
  { start, end }: { start: number; end: number },
): Generator<Uint8Array<ArrayBuffer>> {
  if (start < header.byteLength) yield header.subarray(start, end);
  for (let at = Math.max(start, header.byteLength); at < end; ) {
    const from = (at - header.byteLength) % pattern.byteLength;
    const part = pattern.subarray(from, from + end - at);
    yield part;
    at += part.byteLength;
  }
}

/** Numbers distributed as weights are: normally, a few hundredths wide. */
function pattern(dtype: SyntheticDtype): Uint8Array<ArrayBuffer> {
  const values = new Float32Array(PATTERN_LENGTH);
  let state = 1;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  for (let i = 0; i < values.length; i++) {
    values[i] = 0.03 * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  }
  if (dtype === 'F32') return new Uint8Array(values.buffer);
  if (dtype === 'F16') return new Uint8Array(float32ToFloat16(values).buffer);
  const singles = new Uint16Array(values.buffer);
  return new Uint8Array(Uint16Array.from({ length: PATTERN_LENGTH }, (_, i) => singles[2 * i + 1] as number).buffer);
}
