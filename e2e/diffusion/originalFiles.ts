import type { Checkpoint, CheckpointTensor } from '../../src/checkpoint/checkpoint.ts';
import { DTYPE_BYTES } from '../../src/checkpoint/dtypes.ts';
import { concat, dict, int, le, pickle, tensor, torchFile } from '../../src/checkpoint/handMadeFiles.ts';

/**
 * One tensor of a single-file checkpoint and what it is made of, as `reference/original_layout.py` lists them: its name and
 * shape in the file, how, and `part/published name` of its sources.
 */
export type OriginalEntry = readonly [
  name: string,
  shape: readonly number[],
  how: 'same' | 'rows' | 'transposed' | 'conv',
  published: readonly string[],
];

/** A tensor to write. */
export interface OriginalTensor {
  readonly name: string;
  readonly dtype: CheckpointTensor['dtype'];
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/**
 * The tensors of a pipeline in diffusers' layout as a single file has them, in the order in which the compiler comes past the
 * published ones: so what it writes is the same byte for byte, places included.
 */
export async function originalTensors(
  entries: readonly OriginalEntry[],
  parts: Readonly<Record<string, Checkpoint>>,
): Promise<OriginalTensor[]> {
  const order = Object.keys(parts);
  const sourcesOf = (published: readonly string[]) =>
    published.map((path) => {
      const [part = '', name = ''] = path.split(/\/(.*)/s);
      const source = parts[part]?.tensors.get(name);
      if (!source) throw new RangeError(`No tensor "${path}"`);
      return { source, part: order.indexOf(part) };
    });
  const placed = entries.map((entry) => {
    const sources = sourcesOf(entry[3]);
    const position = Math.max(...sources.map(({ source }) => source.position));
    return { entry, sources, position, part: sources[0]?.part ?? 0 };
  });
  placed.sort((a, b) => a.part - b.part || a.position - b.position);
  const tensors: OriginalTensor[] = [];
  for (const { entry, sources } of placed) {
    const [name, shape, how] = entry;
    const bytes = concat(...(await Promise.all(sources.map(({ source }) => source.read()))));
    const { dtype } = (sources[0] as (typeof sources)[number]).source;
    const stored = how === 'transposed' ? columnsFirst(bytes, { shape, itemSize: DTYPE_BYTES[dtype] }) : bytes;
    tensors.push({ name, dtype, shape, bytes: stored });
  }
  return tensors;
}

/** @param layout the shape wanted, `[rows, columns]`; `bytes` are `[columns, rows]` */
function columnsFirst(bytes: Uint8Array, { shape, itemSize }: { shape: readonly number[]; itemSize: number }) {
  const [rows = 0, columns = 0] = shape;
  const result = new Uint8Array(bytes.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = (column * rows + row) * itemSize;
      result.set(bytes.subarray(from, from + itemSize), (row * columns + column) * itemSize);
    }
  }
  return result;
}

/** The header of a safetensors file with these tensors, one after another, its length first. */
export function safetensorsHeader(tensors: readonly Omit<OriginalTensor, 'bytes'>[]): Uint8Array<ArrayBuffer> {
  const entries: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let offset = 0;
  for (const { name, dtype, shape } of tensors) {
    const end = offset + shape.reduce((product, size) => product * size, 1) * DTYPE_BYTES[dtype];
    entries[name] = { dtype, shape, data_offsets: [offset, end] };
    offset = end;
  }
  const header = new TextEncoder().encode(JSON.stringify(entries));
  return concat(le(8, header.length), header);
}

/** A `.safetensors` file. */
export function safetensorsFile(tensors: readonly OriginalTensor[]): Uint8Array<ArrayBuffer> {
  return concat(safetensorsHeader(tensors), ...tensors.map(({ bytes }) => bytes));
}

const STORAGES: Readonly<Record<string, string>> = {
  F32: 'FloatStorage',
  F16: 'HalfStorage',
  BF16: 'BFloat16Storage',
  I64: 'LongStorage',
};

/** A `.ckpt` file as trainers save it: the state dict under its key, beside other things. */
export function torchCheckpoint(tensors: readonly OriginalTensor[]): Uint8Array<ArrayBuffer> {
  const storages: Record<string, Uint8Array<ArrayBuffer>> = {};
  const state: Record<string, Uint8Array> = {};
  for (const [i, { name, dtype, shape, bytes }] of tensors.entries()) {
    const stride = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
    state[name] = tensor({ storageType: STORAGES[dtype] as string, key: String(i), shape, stride });
    storages[i] = concat(bytes);
  }
  return torchFile(pickle(dict({ global_step: int(440_000), state_dict: dict(state) })), storages);
}
