import { float32ToFloat16 } from '../../src/checkpoint/float16.ts';
import type { HubFile } from './hubFiles.ts';

/** Numbers that are made; the file repeats them. A prime, so that no two tensors begin alike. */
const PATTERN_LENGTH = 1_048_573;
const ITEM_BYTES = { F32: 4, F16: 2 } as const;

/**
 * A safetensors file of any size that lies nowhere: each byte follows from its offset alone.
 * @param tensors shapes by name, in the order of the file
 * @param options `dtype` of all of them; their numbers are about as large as weights are.
 *   `publishesHash`: the hub tells its SHA-256, which takes seconds for each gigabyte when it is first asked
 */
export function syntheticFile(
  tensors: ReadonlyMap<string, readonly number[]>,
  { dtype, publishesHash = true }: { dtype: keyof typeof ITEM_BYTES; publishesHash?: boolean },
): HubFile {
  const entries: Record<string, unknown> = {};
  let end = 0;
  for (const [name, shape] of tensors) {
    const begin = end;
    end += shape.reduce((product, side) => product * side, ITEM_BYTES[dtype]);
    entries[name] = { dtype, shape, data_offsets: [begin, end] };
  }
  const header = headerBytes(entries);
  const pattern = patternBytes(dtype);
  return {
    size: header.byteLength + end,
    isLarge: true,
    ...(publishesHash ? {} : { sha256: null }),
    read(from, to) {
      const bytes = new Uint8Array(to - from);
      if (from < header.byteLength) bytes.set(header.subarray(from, to));
      for (let at = Math.max(from, header.byteLength); at < to; ) {
        const start = (at - header.byteLength) % pattern.byteLength;
        const part = pattern.subarray(start, start + to - at);
        bytes.set(part, at - from);
        at += part.byteLength;
      }
      return bytes;
    },
  };
}

/** The header as the format has it: its length, and JSON that spaces fill up to eight bytes. */
function headerBytes(entries: Record<string, unknown>): Uint8Array {
  const text = JSON.stringify(entries);
  const header = new Uint8Array(8 + Math.ceil(text.length / 8) * 8).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.byteLength - 8), true);
  header.set(new TextEncoder().encode(text), 8);
  return header;
}

function patternBytes(dtype: keyof typeof ITEM_BYTES): Uint8Array {
  let state = 1;
  const values = Float32Array.from({ length: PATTERN_LENGTH }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * 0.05;
  });
  return new Uint8Array((dtype === 'F16' ? float32ToFloat16(values) : values).buffer);
}
