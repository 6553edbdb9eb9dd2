import { viewOf } from '../container/blobReader.ts';
import { orientationOf, readExifBlock } from '../container/tiff.ts';
import { concatenated } from './bytes.ts';

/** Tags of texts in an EXIF block (EXIF 2.32, 4.6.4). */
export const exifTag = { imageDescription: 0x010e, make: 0x010f, model: 0x0110, artist: 0x013b } as const;

const exifDirectoryTag = 0x8769;
const userCommentTag = 0x9286;

/** What is to be written into an EXIF block besides what is there. */
export interface ExifAdditions {
  /** Texts of the image directory by tag. */
  readonly image: ReadonlyMap<number, string>;
  /** UserComment, written as A1111 does it: UTF-16, big-endian whatever the block's order. */
  readonly userComment: string | null;
}

/**
 * The block with its orientation set to 1 (upright), for pixels that are upright already: two bytes differ, or none.
 * @returns a copy; the block itself where it says nothing about orientation
 */
export function uprightExif(block: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const exif = readExifBlock(block);
  const found = exif && orientationOf(exif);
  if (!found || found.value === 1) return block;
  const copy = block.slice();
  const { offset, type } = found.entry;
  if (type === 3) viewOf(copy).setUint16(offset, 1, exif.littleEndian);
  else viewOf(copy).setUint32(offset, 1, exif.littleEndian);
  return copy;
}

/** Which of the places for texts hold one already. */
export function takenPlaces(block: Uint8Array | null): {
  readonly image: ReadonlySet<number>;
  readonly userComment: boolean;
} {
  const exif = block && readExifBlock(block);
  const comment = exif?.exif.get(userCommentTag) ?? exif?.image.get(userCommentTag);
  // Cameras write comments of spaces and nulls behind the prefix.
  const says = comment?.bytes.subarray(8).some((byte) => byte !== 0 && byte !== 0x20) ?? false;
  return { image: new Set(exif?.image.keys()), userComment: says };
}

/** Twelve bytes of a directory: tag, type, count, value or where it lies. */
interface RawEntry {
  readonly tag: number;
  readonly bytes: Uint8Array;
}

/** A directory's entries as they are, and where the next directory lies. */
function rawDirectory(block: Uint8Array, at: number, littleEndian: boolean) {
  const entries: RawEntry[] = [];
  const view = viewOf(block);
  if (at === 0 || at + 2 > block.length) return { entries, next: 0 };
  const count = view.getUint16(at, littleEndian);
  const end = at + 2 + count * 12;
  for (let entry = at + 2; entry < end && entry + 12 <= block.length; entry += 12) {
    entries.push({ tag: view.getUint16(entry, littleEndian), bytes: block.subarray(entry, entry + 12) });
  }
  return { entries, next: end + 4 <= block.length ? view.getUint32(end, littleEndian) : 0 };
}

/** Bytes written one after the other in a byte order. */
class TiffBuilder {
  readonly #parts: Uint8Array[] = [];
  readonly littleEndian: boolean;
  length = 0;

  constructor(littleEndian: boolean) {
    this.littleEndian = littleEndian;
  }

  add(bytes: Uint8Array): number {
    const at = this.length;
    this.#parts.push(bytes);
    this.length += bytes.length;
    // Directories and values begin at even offsets (TIFF 6.0, section 2).
    if (this.length % 2 === 1) {
      this.#parts.push(new Uint8Array(1));
      this.length++;
    }
    return at;
  }

  number(value: number, bytes: 2 | 4): Uint8Array {
    const out = new Uint8Array(bytes);
    if (bytes === 2) viewOf(out).setUint16(0, value, this.littleEndian);
    else viewOf(out).setUint32(0, value, this.littleEndian);
    return out;
  }

  /** An entry whose value lies elsewhere, unless it fits into the entry itself. */
  entry(tag: number, type: 2 | 4 | 7, value: Uint8Array | number): RawEntry {
    const bytes = new Uint8Array(12);
    bytes.set(this.number(tag, 2), 0);
    bytes.set(this.number(type, 2), 2);
    bytes.set(this.number(typeof value === 'number' ? 1 : value.length, 4), 4);
    if (typeof value === 'number') bytes.set(this.number(value, 4), 8);
    else if (value.length <= 4) bytes.set(value, 8);
    else bytes.set(this.number(this.add(value), 4), 8);
    return { tag, bytes };
  }

  /** A directory; entries of equal tag replace earlier ones. */
  directory(entries: readonly RawEntry[], next: number): number {
    const byTag = new Map(entries.map((entry) => [entry.tag, entry.bytes]));
    const sorted = [...byTag].sort(([a], [b]) => a - b).map(([, bytes]) => bytes);
    return this.add(concatenated([this.number(sorted.length, 2), ...sorted, this.number(next, 4)]));
  }

  finish(): Uint8Array<ArrayBuffer> {
    return concatenated(this.#parts);
  }
}

function utf16BigEndian(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 2);
  const view = viewOf(bytes);
  for (let i = 0; i < text.length; i++) view.setUint16(i * 2, text.charCodeAt(i));
  return bytes;
}

/**
 * An EXIF block with texts added. What was there stays where it was, thumbnails and makers' notes with their offsets included: new
 * values and directories are put behind it, and the header points to them.
 *
 * @param block null, or one that is not TIFF: a new block is begun, big-endian as A1111's (piexif) are
 */
export function withExifTexts(
  block: Uint8Array | null,
  { image, userComment }: ExifAdditions,
): Uint8Array<ArrayBuffer> {
  const exif = block && readExifBlock(block);
  const littleEndian = exif?.littleEndian ?? false;
  const builder = new TiffBuilder(littleEndian);
  const at = exif && block ? viewOf(block).getUint32(4, littleEndian) : 0;
  if (exif && block) builder.add(block);
  else builder.add(concatenated([new Uint8Array([0x4d, 0x4d, 0, 42]), builder.number(0, 4)]));

  const old = exif && block ? rawDirectory(block, at, littleEndian) : { entries: [], next: 0 };
  const added = [...image].map(([tag, text]) => builder.entry(tag, 2, new TextEncoder().encode(`${text}\0`)));
  if (userComment !== null) {
    const pointer = exif?.image.get(exifDirectoryTag);
    const exifAt = pointer && pointer.bytes.length >= 4 ? viewOf(pointer.bytes).getUint32(0, littleEndian) : 0;
    const { entries, next } = rawDirectory(block ?? new Uint8Array(), exifAt, littleEndian);
    const prefix = new TextEncoder().encode('UNICODE\0');
    const comment = builder.entry(userCommentTag, 7, concatenated([prefix, utf16BigEndian(userComment)]));
    added.push(builder.entry(exifDirectoryTag, 4, builder.directory([...entries, comment], next)));
  }
  const directoryAt = builder.directory([...old.entries, ...added], old.next);
  const bytes = builder.finish();
  viewOf(bytes).setUint32(4, directoryAt, littleEndian);
  return bytes;
}
