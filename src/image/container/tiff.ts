import { viewOf } from './blobReader.ts';

/** One entry of a TIFF directory: its bytes are a view into the block. */
export interface TiffEntry {
  /** TIFF field type: 2 ASCII, 3 SHORT, 4 LONG, 7 UNDEFINED and others. */
  readonly type: number;
  /** Offset of the value in the block. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** An EXIF block: the tags of the image and of the EXIF directory. */
export interface ExifBlock {
  readonly littleEndian: boolean;
  /** IFD0 by tag. */
  readonly image: ReadonlyMap<number, TiffEntry>;
  /** The EXIF directory by tag. */
  readonly exif: ReadonlyMap<number, TiffEntry>;
}

/** Bytes of one element by field type (TIFF 6.0, section 2); unknown types count as bytes. */
const typeSizes = [1, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];
const maxEntries = 512;
const exifDirectoryTag = 0x8769;

function directory(block: Uint8Array, at: number, littleEndian: boolean): Map<number, TiffEntry> {
  const entries = new Map<number, TiffEntry>();
  const view = viewOf(block);
  if (at + 2 > block.length) return entries;
  const count = Math.min(view.getUint16(at, littleEndian), maxEntries);
  for (let i = 0; i < count; i++) {
    const entry = at + 2 + i * 12;
    if (entry + 12 > block.length) break;
    const tag = view.getUint16(entry, littleEndian);
    const type = view.getUint16(entry + 2, littleEndian);
    const length = view.getUint32(entry + 4, littleEndian) * (typeSizes[type] ?? 1);
    const offset = length <= 4 ? entry + 8 : view.getUint32(entry + 8, littleEndian);
    // What reaches beyond the block is cut, not refused: the beginning of a text is worth more than nothing.
    if (!entries.has(tag)) entries.set(tag, { type, offset, bytes: block.subarray(offset, offset + length) });
  }
  return entries;
}

function uint(entry: TiffEntry | undefined, littleEndian: boolean): number | null {
  if (entry?.type === 3 && entry.bytes.length >= 2) return viewOf(entry.bytes).getUint16(0, littleEndian);
  if (entry?.type === 4 && entry.bytes.length >= 4) return viewOf(entry.bytes).getUint32(0, littleEndian);
  return null;
}

/**
 * Reads an EXIF block (TIFF header, IFD0 and the EXIF directory; EXIF 2.32). Never throws: what cannot be read is left out.
 *
 * @returns null if the block is not TIFF
 */
export function readExifBlock(block: Uint8Array): ExifBlock | null {
  if (block.length < 8) return null;
  const order = String.fromCharCode(block[0] as number, block[1] as number);
  if (order !== 'II' && order !== 'MM') return null;
  const littleEndian = order === 'II';
  const view = viewOf(block);
  if (view.getUint16(2, littleEndian) !== 42) return null;
  const image = directory(block, view.getUint32(4, littleEndian), littleEndian);
  const exifAt = uint(image.get(exifDirectoryTag), littleEndian);
  return { littleEndian, image, exif: exifAt === null ? new Map() : directory(block, exifAt, littleEndian) };
}

/** How the stored picture is turned: EXIF's 1 (upright) to 8. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** The orientation of an EXIF block and where it is written; null where it says nothing valid. */
export function orientationOf(exif: ExifBlock): { readonly value: Orientation; readonly entry: TiffEntry } | null {
  const entry = exif.image.get(0x0112);
  const value = uint(entry, exif.littleEndian);
  return entry && value !== null && value >= 1 && value <= 8 ? { value: value as Orientation, entry } : null;
}
