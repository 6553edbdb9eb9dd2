import { createHash } from 'node:crypto';
import { openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** One file of a served repository. */
export interface HubFile {
  readonly size: number;
  /** Kept in LFS: the hub then publishes its SHA-256 and delivers it from elsewhere. */
  readonly isLarge: boolean;
  /** Of a large file, in hex; null: none is published. Without it, it is computed, which takes seconds for each gigabyte. */
  readonly sha256?: string | null;
  /** Bytes `[start, end)`. */
  read(start: number, end: number): Uint8Array;
}

/** Files by their path in the repository. */
export type HubFiles = Readonly<Record<string, HubFile>>;

/** What the hub keeps in LFS: weights. */
const LARGE = /\.(safetensors|bin|pth|pt|ckpt)$/;

/** A file of bytes in memory. */
export function fileOfBytes(bytes: Uint8Array, { isLarge = true }: { isLarge?: boolean } = {}): HubFile {
  return { size: bytes.byteLength, isLarge, read: (start, end) => bytes.subarray(start, end) };
}

/** All files below a folder on disk. */
export function filesOfFolder(folder: string): HubFiles {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path));
  const files = paths.filter((path) => statSync(path).isFile());
  return Object.fromEntries(files.map((path) => [relative(folder, path).replaceAll(sep, '/'), fileOnDisk(path)]));
}

function fileOnDisk(path: string): HubFile {
  let descriptor: number | null = null;
  return {
    size: statSync(path).size,
    isLarge: LARGE.test(path),
    read(start, end) {
      descriptor ??= openSync(path, 'r');
      const bytes = new Uint8Array(end - start);
      readSync(descriptor, bytes, 0, bytes.byteLength, start);
      return bytes;
    },
  };
}

/** Bytes read at a time from a file, here and in answers. */
export const PIECE_BYTES = 1 << 20;

/** SHA-256 of a file in hex, computed once; null where none is published. */
export function sha256Of(file: HubFile): string | null {
  if (file.sha256 !== undefined) return file.sha256;
  const known = HASHES.get(file);
  if (known !== undefined) return known;
  const hash = createHash('sha256');
  for (let start = 0; start < file.size; start += PIECE_BYTES) {
    hash.update(file.read(start, Math.min(start + PIECE_BYTES, file.size)));
  }
  const hex = hash.digest('hex');
  HASHES.set(file, hex);
  return hex;
}

const HASHES = new WeakMap<HubFile, string>();

/** Tells a file from others, as a server's answers do: its hash, where it has one. */
export function etagOf(file: HubFile): string {
  return `"${file.isLarge ? (sha256Of(file) ?? `size-${file.size}`) : gitBlobId(file)}"`;
}

/** What git calls a file's contents, in hex. */
export function gitBlobId(file: HubFile): string {
  return createHash('sha1').update(`blob ${file.size}\0`).update(file.read(0, file.size)).digest('hex');
}
