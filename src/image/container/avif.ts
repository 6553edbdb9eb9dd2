import { type BlobReader, latin1, viewOf } from './blobReader.ts';
import type { ByteRange, ContainerHeader } from './container.ts';

/** One box of an ISO base media file: its content, without size and type. */
interface Box extends ByteRange {
  readonly type: string;
}

const maxBoxes = 1 << 12;
/** Items and pieces of an item that are looked at; the tiles of a huge grid are a few hundred items. */
const maxItems = 1 << 12;
const maxExtents = 1 << 8;
/** Bytes of an item table that are read; a real one has a few hundred. */
const maxTableBytes = 1 << 20;

/** The boxes in `[start, end)`. A box that claims to reach beyond is cut there. */
async function* boxes(file: BlobReader, start: number, end: number): AsyncGenerator<Box> {
  let at = start;
  for (let i = 0; i < maxBoxes && at + 8 <= end; i++) {
    const head = await file.bytes(at, 16);
    if (head.length < 8) return;
    const view = viewOf(head);
    const small = view.getUint32(0);
    const type = latin1(head.subarray(4, 8));
    const headLength = small === 1 ? 16 : 8;
    if (head.length < headLength) return;
    const length = small === 0 ? end - at : small === 1 ? Number(view.getBigUint64(8)) : small;
    if (length < headLength) return;
    yield { type, start: at + headLength, length: Math.min(length, end - at) - headLength };
    at += length;
  }
}

/** The first box of a type in another. */
async function boxIn(file: BlobReader, parent: ByteRange, type: string, skip = 0): Promise<Box | null> {
  for await (const box of boxes(file, parent.start + skip, parent.start + parent.length)) {
    if (box.type === type) return box;
  }
  return null;
}

/** Reads big-endian numbers of the sizes the tables declare; NaN past the end. */
class TableReader {
  #at = 0;
  readonly #view: DataView;
  constructor(bytes: Uint8Array) {
    this.#view = viewOf(bytes);
  }
  uint(size: number): number {
    let value = 0;
    for (let i = 0; i < size; i++) {
      if (this.#at >= this.#view.byteLength) return Number.NaN;
      value = value * 256 + this.#view.getUint8(this.#at++);
    }
    return value;
  }
}

/** Ids of the items by type (ISO 14496-12 8.11.6, item information). */
async function itemsOfType(file: BlobReader, meta: ByteRange, itemType: string): Promise<ReadonlySet<number>> {
  const ids = new Set<number>();
  const table = await boxIn(file, meta, 'iinf', 4);
  if (!table) return ids;
  const [version] = await file.bytes(table.start, 1);
  const skip = version === 0 ? 6 : 8;
  for await (const entry of boxes(file, table.start + skip, table.start + table.length)) {
    if (entry.type !== 'infe') continue;
    const reader = new TableReader(await file.bytes(entry.start, Math.min(entry.length, 16)));
    const entryVersion = reader.uint(1);
    reader.uint(3);
    const id = reader.uint(entryVersion === 2 ? 2 : 4);
    reader.uint(2);
    const type = String.fromCharCode(reader.uint(1), reader.uint(1), reader.uint(1), reader.uint(1));
    if (entryVersion >= 2 && type === itemType) ids.add(id);
  }
  return ids;
}

/** Where the items lie (ISO 14496-12 8.11.3, item location); items in several pieces or inside `idat` are left out. */
async function itemRanges(file: BlobReader, meta: ByteRange): Promise<ReadonlyMap<number, ByteRange>> {
  const ranges = new Map<number, ByteRange>();
  const table = await boxIn(file, meta, 'iloc', 4);
  if (!table) return ranges;
  const reader = new TableReader(await file.bytes(table.start, Math.min(table.length, maxTableBytes)));
  const version = reader.uint(1);
  reader.uint(3);
  const sizes = reader.uint(2);
  const [offsetSize, lengthSize, baseSize, indexSize] = [sizes >> 12, (sizes >> 8) & 15, (sizes >> 4) & 15, sizes & 15];
  const count = reader.uint(version < 2 ? 2 : 4);
  for (let i = 0; i < Math.min(count, maxItems); i++) {
    const id = reader.uint(version < 2 ? 2 : 4);
    const method = version === 0 ? 0 : reader.uint(2) & 15;
    reader.uint(2);
    const base = reader.uint(baseSize);
    const extents = reader.uint(2);
    if (!(extents <= maxExtents)) break;
    for (let extent = 0; extent < extents; extent++) {
      if (version > 0) reader.uint(indexSize);
      const start = base + reader.uint(offsetSize);
      const length = reader.uint(lengthSize);
      if (Number.isNaN(length)) return ranges;
      if (extents === 1 && method === 0) ranges.set(id, { start, length });
    }
  }
  return ranges;
}

async function metaBox(file: BlobReader): Promise<Box | null> {
  return boxIn(file, { start: 0, length: file.size }, 'meta');
}

/** The content of the items of a type that lie in the file, e.g. `Exif` or `mime` (XMP). */
export async function avifItems(file: BlobReader, itemType: string): Promise<readonly ByteRange[]> {
  const meta = await metaBox(file);
  if (!meta) return [];
  const ids = await itemsOfType(file, meta, itemType);
  const ranges = await itemRanges(file, meta);
  return [...ids].flatMap((id) => ranges.get(id) ?? []);
}

/**
 * Reads the size of an AVIF (ISO 23008-12 6.5.3, `ispe`): the largest of all items, so that neither a thumbnail nor the tiles of
 * a grid stand for the whole. Orientation (`irot`, `imir`) is part of decoding here, and EXIF's is to be ignored.
 */
export async function avifHeader(file: BlobReader): Promise<ContainerHeader> {
  const meta = await metaBox(file);
  const properties = meta && (await boxIn(file, meta, 'iprp', 4));
  const container = properties && (await boxIn(file, properties, 'ipco'));
  let size: ContainerHeader['size'] = null;
  if (container) {
    for await (const box of boxes(file, container.start, container.start + container.length)) {
      if (box.type !== 'ispe') continue;
      const view = viewOf(await file.bytes(box.start, 12));
      if (view.byteLength < 12) continue;
      const [width, height] = [view.getUint32(4), view.getUint32(8)];
      if (!size || width * height > size.width * size.height) size = { width, height };
    }
  }
  const ranges = meta ? await itemRanges(file, meta) : new Map<number, ByteRange>();
  const complete = [...ranges.values()].every(({ start, length }) => start + length <= file.size);
  return { size, exif: null, complete };
}
