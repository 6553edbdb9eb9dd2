import type { ByteSource } from './byteSource.ts';
import { checkpointError, DOWNLOAD_AGAIN, quote } from './checkpointError.ts';
import { readExactly } from './readExactly.ts';

/** Longest central directory, in bytes, and most entries: torch writes one entry of about 80 bytes per tensor. */
export const MAX_DIRECTORY_BYTES = 8_000_000;
export const MAX_ZIP_ENTRIES = 50_000;
/** Longest entry that is inflated. torch stores without compression; this is for archives packed again by hand. */
export const MAX_INFLATED_BYTES = 16_000_000;

const END_RECORD = { signature: 0x06054b50, size: 22 };
const END_RECORD_64 = { signature: 0x06064b50, size: 56 };
const END_LOCATOR_64 = { signature: 0x07064b50, size: 20 };
const DIRECTORY_HEADER = { signature: 0x02014b50, size: 46 };
const LOCAL_HEADER = { signature: 0x04034b50, size: 30 };
const MAX_COMMENT_BYTES = 65_535;
/** A 32-bit field that says: see the zip64 field. */
const SEE_ZIP64 = 0xffffffff;

/** One file of an archive. */
export interface ZipEntry {
  readonly name: string;
  /** Length in bytes once inflated. */
  readonly size: number;
  /** Byte of the archive where the entry begins, its local header first. */
  readonly position: number;
  /**
   * Bytes `[start, end)` of the entry; everything where no range is given. Nothing is held between calls.
   * @throws {UserError} `CheckpointError`: outside the entry or the archive, compressed in a way not read here
   */
  read(start?: number, end?: number): Promise<Uint8Array<ArrayBuffer>>;
}

interface DirectoryEntry {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly localHeader: number;
}

/**
 * Lists a zip archive by its central directory (PKWARE APPNOTE 4.3, zip64 included). Sizes and places are taken from
 * there only, and checked against the archive's length when read. Checksums are not compared: torch can be told to
 * write none (`torch.serialization.set_crc32_options`), and tensors are read in parts.
 * @throws {UserError} `CheckpointError` for bytes that are no such archive
 */
export async function openZip(source: ByteSource): Promise<ReadonlyMap<string, ZipEntry>> {
  const { offset, size, count } = await findDirectory(source);
  if (size > MAX_DIRECTORY_BYTES || count > MAX_ZIP_ENTRIES) {
    throw checkpointError(
      source.name,
      `its zip directory has ${count} entries in ${size} bytes, expected at most ${MAX_ZIP_ENTRIES} in ${MAX_DIRECTORY_BYTES}`,
    );
  }
  const bytes = await readExactly(source, offset, offset + size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    const entry = readDirectoryEntry(view, at);
    if (!entry) throw damaged(source, `its zip directory breaks off at entry ${i + 1} of ${count}`);
    if (entries.has(entry.name)) throw damaged(source, `its zip directory lists ${quote(entry.name)} twice`);
    at = entry.next;
    entries.set(entry.name, {
      name: entry.name,
      size: entry.size,
      position: entry.localHeader,
      read: (start = 0, end = entry.size) => readEntry(source, entry, { start, end }),
    });
  }
  return entries;
}

function damaged(source: ByteSource, detail: string): Error {
  return checkpointError(source.name, `${detail}; ${DOWNLOAD_AGAIN}`);
}

/** Place of the central directory, from the end record, which only a comment may follow. */
async function findDirectory(source: ByteSource): Promise<{ offset: number; size: number; count: number }> {
  const tailStart = Math.max(0, source.size - END_RECORD.size - MAX_COMMENT_BYTES);
  const tail = await readExactly(source, tailStart, source.size);
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  for (let at = view.byteLength - END_RECORD.size; at >= 0; at--) {
    if (view.getUint32(at, true) !== END_RECORD.signature) continue;
    // The comment must end with the file, or the signature is part of something else.
    if (at + END_RECORD.size + view.getUint16(at + 20, true) !== view.byteLength) continue;
    const found = {
      count: view.getUint16(at + 10, true),
      size: view.getUint32(at + 12, true),
      offset: view.getUint32(at + 16, true),
    };
    return (await findDirectory64(source, tailStart + at)) ?? found;
  }
  throw damaged(source, 'it has no zip directory at its end');
}

/** The zip64 end record where there is one; torch writes it always. */
async function findDirectory64(source: ByteSource, endRecord: number) {
  const locatorStart = endRecord - END_LOCATOR_64.size;
  if (locatorStart < 0) return null;
  const locator = dataView(await readExactly(source, locatorStart, endRecord));
  if (locator.getUint32(0, true) !== END_LOCATOR_64.signature) return null;
  const start = uint64(locator, 8);
  const record = dataView(await readExactly(source, start, start + END_RECORD_64.size));
  if (record.getUint32(0, true) !== END_RECORD_64.signature) throw damaged(source, 'its zip64 end record is missing');
  return { count: uint64(record, 32), size: uint64(record, 40), offset: uint64(record, 48) };
}

function readDirectoryEntry(view: DataView<ArrayBuffer>, at: number): (DirectoryEntry & { next: number }) | null {
  if (at + DIRECTORY_HEADER.size > view.byteLength) return null;
  if (view.getUint32(at, true) !== DIRECTORY_HEADER.signature) return null;
  const nameEnd = at + DIRECTORY_HEADER.size + view.getUint16(at + 28, true);
  const extraEnd = nameEnd + view.getUint16(at + 30, true);
  const next = extraEnd + view.getUint16(at + 32, true);
  if (next > view.byteLength) return null;
  const name = new Uint8Array(
    view.buffer,
    view.byteOffset + at + DIRECTORY_HEADER.size,
    nameEnd - at - DIRECTORY_HEADER.size,
  );
  const fields = {
    size: view.getUint32(at + 24, true),
    compressedSize: view.getUint32(at + 20, true),
    localHeader: view.getUint32(at + 42, true),
  };
  if (!widenFields(view, { start: nameEnd, end: extraEnd, fields })) return null;
  return {
    // Names beyond ASCII are not torch's; replacement characters at least keep them apart from torch's.
    name: new TextDecoder().decode(name),
    flags: view.getUint16(at + 8, true),
    method: view.getUint16(at + 10, true),
    ...fields,
    next,
  };
}

/** Replaces the fields that say "see zip64" by those of the zip64 extra field, which come in this order. */
function widenFields(
  view: DataView,
  {
    start,
    end,
    fields,
  }: { start: number; end: number; fields: { size: number; compressedSize: number; localHeader: number } },
): boolean {
  const wanted = (['size', 'compressedSize', 'localHeader'] as const).filter((key) => fields[key] === SEE_ZIP64);
  if (wanted.length === 0) return true;
  for (let at = start; at + 4 <= end; ) {
    const fieldEnd = at + 4 + view.getUint16(at + 2, true);
    if (fieldEnd > end) return false;
    if (view.getUint16(at, true) === 0x0001) {
      if (at + 4 + wanted.length * 8 > fieldEnd) return false;
      for (const [i, key] of wanted.entries()) fields[key] = uint64(view, at + 4 + i * 8);
      return true;
    }
    at = fieldEnd;
  }
  return false;
}

async function readEntry(
  source: ByteSource,
  entry: DirectoryEntry,
  { start, end }: { start: number; end: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const name = quote(entry.name);
  if (!(start >= 0 && start <= end && end <= entry.size)) {
    throw damaged(source, `bytes ${start} to ${end} of ${name} were expected, found ${entry.size} in all`);
  }
  const header = dataView(await readExactly(source, entry.localHeader, entry.localHeader + LOCAL_HEADER.size));
  if (header.getUint32(0, true) !== LOCAL_HEADER.signature)
    throw damaged(source, `${name} is not where its zip directory says`);
  const data = entry.localHeader + LOCAL_HEADER.size + header.getUint16(26, true) + header.getUint16(28, true);
  if (entry.flags & 1) throw checkpointError(source.name, `${name} is encrypted; save it without a password`);
  if (entry.method === 0) {
    if (entry.compressedSize !== entry.size) {
      throw damaged(source, `${name} has ${entry.compressedSize} bytes, expected ${entry.size}`);
    }
    return readExactly(source, data + start, data + end);
  }
  if (entry.method !== 8) {
    throw checkpointError(
      source.name,
      `${name} is compressed by method ${entry.method}, expected 0 or 8; save it again with torch.save`,
    );
  }
  if (entry.size > MAX_INFLATED_BYTES || entry.compressedSize > MAX_INFLATED_BYTES) {
    throw checkpointError(
      source.name,
      `${name} is compressed and larger than ${MAX_INFLATED_BYTES} bytes; save it again with torch.save`,
    );
  }
  const inflated = await inflate(await readExactly(source, data, data + entry.compressedSize), entry.size);
  if (!inflated) throw damaged(source, `${name} does not inflate to ${entry.size} bytes`);
  return inflated.slice(start, end);
}

/** @returns null where the stream is broken or not `size` bytes long; stops as soon as it is longer */
async function inflate(compressed: Uint8Array<ArrayBuffer>, size: number): Promise<Uint8Array<ArrayBuffer> | null> {
  const { writable, readable } = new DecompressionStream('deflate-raw');
  const writer = writable.getWriter();
  // A broken stream fails both ends; the reading end reports it.
  writer.write(compressed).catch(() => {});
  writer.close().catch(() => {});
  const reader = readable.getReader();
  const bytes = new Uint8Array(size);
  let at = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (at + value.byteLength > size) return null;
      bytes.set(value, at);
      at += value.byteLength;
    }
  } catch {
    return null;
  } finally {
    await reader.cancel().catch(() => {});
  }
  return at === size ? bytes : null;
}

function dataView(bytes: Uint8Array<ArrayBuffer>): DataView<ArrayBuffer> {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Beyond 2^53 inexact, but then beyond any file as well. */
function uint64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}
