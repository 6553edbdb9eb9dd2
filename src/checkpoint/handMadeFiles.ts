/**
 * Files written byte by byte for the tests of this folder: what no library would write can be written here.
 */

const encoder = new TextEncoder();

/** Bytes given as numbers, as text, or as bytes, one after another. */
export type Part = number | string | Uint8Array;

/** Joins parts; text is UTF-8. */
export function concat(...parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  const pieces = parts.map((part) =>
    typeof part === 'number' ? Uint8Array.of(part) : typeof part === 'string' ? encoder.encode(part) : part,
  );
  const bytes = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** Little-endian integers: `le(2, a, b)` is two of two bytes each. */
export function le(width: 2 | 4 | 8, ...integers: readonly number[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(width * integers.length);
  const view = new DataView(bytes.buffer);
  for (const [i, integer] of integers.entries()) {
    if (width === 2) view.setUint16(i * 2, integer, true);
    else if (width === 4) view.setUint32(i * 4, integer, true);
    else view.setBigUint64(i * 8, BigInt(integer), true);
  }
  return bytes;
}

/** What an entry of {@link zipFile} may lie about. */
export interface ZipLies {
  readonly method?: number;
  readonly flags?: number;
  readonly size?: number;
  readonly compressedSize?: number;
  readonly localHeader?: number;
  /** Extra field of the directory, header included. */
  readonly extra?: Uint8Array;
}

/** A zip archive of stored entries; `lies` go into its directory (PKWARE APPNOTE 4.3.12). */
export function zipFile(
  entries: Readonly<Record<string, Uint8Array>>,
  lies: Readonly<Record<string, ZipLies>> = {},
): Uint8Array<ArrayBuffer> {
  const local: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(entries)) {
    const lie = lies[name] ?? {};
    const nameBytes = encoder.encode(name);
    const extra = lie.extra ?? new Uint8Array(0);
    const packed = lie.compressedSize ?? content.length;
    const size = lie.size ?? content.length;
    directory.push(
      le(4, 0x02014b50),
      le(2, 20, 20, lie.flags ?? 0, lie.method ?? 0, 0, 0),
      le(4, 0, packed, size),
      le(2, nameBytes.length, extra.length, 0, 0, 0),
      le(4, 0, lie.localHeader ?? offset),
      nameBytes,
      extra,
    );
    const entry = concat(
      le(4, 0x04034b50),
      le(2, 20, 0, 0, 0, 0),
      le(4, 0, content.length, content.length),
      le(2, nameBytes.length, 0),
      nameBytes,
      content,
    );
    local.push(entry);
    offset += entry.length;
  }
  const count = Object.keys(entries).length;
  const listed = concat(...directory);
  return concat(...local, listed, endRecord({ count, size: listed.length, offset }));
}

/** The end record of a zip archive. */
export function endRecord({ count, size, offset }: { count: number; size: number; offset: number }): Uint8Array {
  return concat(le(4, 0x06054b50), le(2, 0, 0, count, count), le(4, size, offset), le(2, 0));
}

/** Pickle: a string. */
export function unicode(text: string): Uint8Array {
  const bytes = encoder.encode(text);
  return concat('X', le(4, bytes.length), bytes);
}

/** Pickle: an integer below 2^31. */
export function int(value: number): Uint8Array {
  return concat('J', le(4, value));
}

/** Pickle: a tuple of items. */
export function tuple(...items: readonly Part[]): Uint8Array {
  return concat('(', ...items, 't');
}

/** Pickle: a global. */
export function global(module: string, name: string): Uint8Array {
  return concat(`c${module}\n${name}\n`);
}

/** A tensor as torch pickles it; `count` is what the storage says it has. */
export interface HandMadeTensor {
  readonly storageType?: string;
  readonly key?: string;
  readonly count?: number;
  readonly offset?: number;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
}

/** Pickle: a call of `torch._utils._rebuild_tensor_v2`. */
export function tensor({
  storageType = 'FloatStorage',
  key = '0',
  offset = 0,
  shape,
  stride,
  count = shape.reduce((product, size) => product * size, 1),
}: HandMadeTensor): Uint8Array {
  const storage = tuple(unicode('storage'), global('torch', storageType), unicode(key), unicode('cpu'), int(count));
  const args = tuple(storage, 'Q', int(offset), tuple(...shape.map(int)), tuple(...stride.map(int)), 0x89, '}');
  return concat(global('torch._utils', '_rebuild_tensor_v2'), args, 'R');
}

/** A whole pickle of protocol 2. */
export function pickle(...parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  return concat(0x80, 2, ...parts, '.');
}

/** Pickle: a dict of strings to what is given. */
export function dict(members: Readonly<Record<string, Part>>): Uint8Array {
  return concat('}(', ...Object.entries(members).flatMap(([key, value]) => [unicode(key), value]), 'u');
}

/** A file of `torch.save`: the pickle, and storages by key. */
export function torchFile(
  data: Uint8Array,
  storages: Readonly<Record<string, Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>>> = {},
): Uint8Array<ArrayBuffer> {
  const entries: Record<string, Uint8Array> = { 'archive/data.pkl': data };
  for (const [key, values] of Object.entries(storages)) {
    entries[`archive/data/${key}`] = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
  return zipFile(entries);
}
