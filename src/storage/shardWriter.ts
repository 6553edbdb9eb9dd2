import { UserError } from '../errors.ts';
import type { ShardSink, TensorLayout } from '../graph/weights.ts';
import { BLOCK_BYTES, type ShardChecksums, sha256Hex } from './blockChecksums.ts';
import { asStorageError } from './storageError.ts';

/** Largest shard in bytes. Below 2 GiB, so that every runtime build can read one whole. */
export const SHARD_LIMIT = 1024 ** 3;

/** Digests that may be under way: each holds a copy of its block. */
const MAX_DIGESTING = 3;

/** A shard as far as it is on the disk. */
export interface WrittenShard extends ShardChecksums {
  readonly name: string;
}

interface GrowingShard {
  readonly name: string;
  byteLength: number;
  readonly sha256: (string | Promise<string>)[];
}

/** Sizes of a {@link ShardWriter}, in bytes; others than the default for tests. */
export interface ShardSizes {
  readonly limit?: number;
  readonly blockBytes?: number;
}

/**
 * Writes compiled weights into shard files of a folder in the browser's private file system, one tensor after another, in
 * blocks: each is read back and compared once it is full, and gets a checksum made from the bytes in memory.
 * Sync access handles exist in workers only. Owns the open file: call `close` in a `finally`.
 */
export class ShardWriter implements ShardSink {
  readonly #folder: FileSystemDirectoryHandle;
  readonly #limit: number;
  readonly #block: Uint8Array<ArrayBuffer>;
  readonly #readBack: Uint8Array<ArrayBuffer>;
  /** Shards in order; the last one is open while there is a handle. A checksum that is being made is a promise. */
  readonly #shards: GrowingShard[] = [];
  readonly #digesting = new Set<Promise<string>>();
  #handle: FileSystemSyncAccessHandle | null = null;
  /** Bytes of the open block in memory, and how many of them are in the file. */
  #filled = 0;
  #written = 0;
  #total = 0;

  private constructor(
    folder: FileSystemDirectoryHandle,
    { limit = SHARD_LIMIT, blockBytes = BLOCK_BYTES }: ShardSizes,
  ) {
    this.#folder = folder;
    this.#limit = limit;
    this.#block = new Uint8Array(blockBytes);
    this.#readBack = new Uint8Array(blockBytes);
  }

  /**
   * Opens a folder for writing.
   * @param options `written`: shards of an earlier visit, to go on behind them; whatever else the folder has of shards is deleted
   * @throws {UserError} `StorageError`
   */
  static async open(
    folder: FileSystemDirectoryHandle,
    { written = [], ...sizes }: { written?: readonly WrittenShard[] } & ShardSizes = {},
  ): Promise<ShardWriter> {
    const writer = new ShardWriter(folder, sizes);
    try {
      await writer.#goOnBehind(written);
      return writer;
    } catch (error) {
      writer.close();
      throw asStorageError(error, written.at(-1)?.name ?? shardName(0));
    }
  }

  /** Bytes written to all shards so far. */
  get byteLength(): number {
    return this.#total;
  }

  /**
   * Where it fails, in writing or in making the pieces, nothing of the weight stays.
   * @throws {UserError} `StorageError`: the disk or the quota is full, or the disk does not keep what is written
   */
  async append(
    { byteLength }: TensorLayout,
    pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<{ shard: string; offset: number }> {
    let offset = 0;
    let isWriting = true;
    try {
      if (this.#handle && this.#last.byteLength > 0 && this.#last.byteLength + byteLength > this.#limit) {
        await this.#closeShard();
      }
      this.#handle ??= await this.#openShard();
      offset = this.#last.byteLength;
      isWriting = false;
      for await (const piece of pieces) {
        isWriting = true;
        await this.#write(piece);
        isWriting = false;
      }
      return { shard: this.#last.name, offset };
    } catch (error) {
      if (this.#handle) this.rewind(offset);
      throw isWriting ? asStorageError(error, this.#shards.at(-1)?.name ?? shardName(0)) : error;
    }
  }

  /** Takes back the end of the open shard, from `offset` on. */
  rewind(offset: number): void {
    const last = this.#last;
    const { byteLength: blockBytes } = this.#block;
    const index = Math.floor(offset / blockBytes);
    this.#total -= last.byteLength - offset;
    last.byteLength = offset;
    this.#filled = offset % blockBytes;
    if (last.sha256.length > index) {
      // The block was ended: its beginning is on the disk.
      last.sha256.splice(index);
      this.#handle?.read(this.#block.subarray(0, this.#filled), { at: index * blockBytes });
      this.#written = this.#filled;
    }
    this.#written = Math.min(this.#written, this.#filled);
  }

  /**
   * Brings everything appended onto the disk.
   * @returns all shards, the checksum of an unfinished last block included
   * @throws {UserError} `StorageError`
   */
  async flush(): Promise<WrittenShard[]> {
    try {
      if (this.#handle) {
        this.#writeOpenBlock();
        this.#handle.flush();
      }
      const tail = this.#handle && this.#filled > 0 ? [await sha256Hex(this.#block.slice(0, this.#filled))] : [];
      const shards: WrittenShard[] = [];
      for (const { name, byteLength, sha256 } of this.#shards) {
        shards.push({ name, byteLength, sha256: await Promise.all(sha256) });
      }
      const last = shards.pop();
      return last ? [...shards, { ...last, sha256: [...last.sha256, ...tail] }] : [];
    } catch (error) {
      throw asStorageError(error, this.#shards.at(-1)?.name ?? shardName(0));
    }
  }

  /** Ends the last shard. @returns all shards */
  async finish(): Promise<WrittenShard[]> {
    try {
      if (this.#handle) await this.#closeShard();
    } catch (error) {
      throw asStorageError(error, this.#last.name);
    }
    return this.flush();
  }

  /** Lets go of the open file, finished or not. May be called more than once. */
  close(): void {
    this.#handle?.close();
    this.#handle = null;
  }

  get #last(): GrowingShard {
    return this.#shards[this.#shards.length - 1] as GrowingShard;
  }

  async #goOnBehind(written: readonly WrittenShard[]): Promise<void> {
    const kept = new Set(written.map(({ name }) => name));
    const others: string[] = [];
    for await (const name of this.#folder.keys()) if (isShardName(name) && !kept.has(name)) others.push(name);
    for (const name of others) await this.#folder.removeEntry(name);

    for (const { name, byteLength, sha256 } of written) {
      this.#shards.push({ name, byteLength, sha256: [...sha256] });
      this.#total += byteLength;
    }
    const last = this.#shards.at(-1);
    if (!last) return;
    this.#handle = await (await this.#folder.getFileHandle(last.name)).createSyncAccessHandle();
    this.#handle.truncate(last.byteLength);
    // The unfinished block is written on in memory; its checksum will be made when it is full.
    this.#filled = last.byteLength % this.#block.byteLength;
    this.#written = this.#filled;
    if (this.#filled > 0) last.sha256.pop();
    const start = last.byteLength - this.#filled;
    const read = this.#handle.read(this.#block.subarray(0, this.#filled), { at: start });
    if (read !== this.#filled) throw new DOMException(`${read} of ${this.#filled} bytes were read`, 'NotReadableError');
  }

  async #openShard(): Promise<FileSystemSyncAccessHandle> {
    const name = shardName(this.#shards.length);
    const handle = await (await this.#folder.getFileHandle(name, { create: true })).createSyncAccessHandle();
    handle.truncate(0);
    this.#shards.push({ name, byteLength: 0, sha256: [] });
    this.#filled = 0;
    this.#written = 0;
    return handle;
  }

  async #closeShard(): Promise<void> {
    if (this.#filled > 0) await this.#endBlock();
    this.#handle?.flush();
    this.close();
  }

  async #write(piece: Uint8Array): Promise<void> {
    for (let at = 0; at < piece.byteLength; ) {
      const take = Math.min(this.#block.byteLength - this.#filled, piece.byteLength - at);
      this.#block.set(piece.subarray(at, at + take), this.#filled);
      this.#filled += take;
      this.#last.byteLength += take;
      this.#total += take;
      at += take;
      if (this.#filled === this.#block.byteLength) await this.#endBlock();
    }
  }

  /** Writes what of the open block is not in the file yet. */
  #writeOpenBlock(): void {
    const start = this.#last.byteLength - this.#filled;
    const bytes = this.#block.subarray(this.#written, this.#filled);
    const written = this.#handle?.write(bytes, { at: start + this.#written });
    if (written !== bytes.byteLength) {
      throw new DOMException(`${written} of ${bytes.byteLength} bytes were written`, 'QuotaExceededError');
    }
    this.#written = this.#filled;
  }

  async #endBlock(): Promise<void> {
    this.#writeOpenBlock();
    if (!this.#isAsWritten()) {
      this.#written = 0;
      this.#writeOpenBlock();
      this.#handle?.flush();
      if (!this.#isAsWritten()) {
        const at = this.#last.byteLength - this.#filled;
        throw new UserError(
          'StorageError',
          `Cannot keep "${this.#last.name}": what was written at byte ${at} is read back otherwise, twice. The disk may be failing; free space or use another one, then resume.`,
        );
      }
    }
    if (this.#digesting.size >= MAX_DIGESTING) await Promise.race(this.#digesting);
    const digest = sha256Hex(this.#block.subarray(0, this.#filled));
    this.#digesting.add(digest);
    void digest.finally(() => this.#digesting.delete(digest)).catch(() => {});
    this.#last.sha256.push(digest);
    this.#filled = 0;
    this.#written = 0;
  }

  /** Reads the open block back and compares it with memory. */
  #isAsWritten(): boolean {
    const start = this.#last.byteLength - this.#filled;
    const back = this.#readBack.subarray(0, this.#filled);
    return this.#handle?.read(back, { at: start }) === this.#filled && equalBytes(back, this.#block);
  }
}

/** Name of a shard by its number from 0. */
export function shardName(index: number): string {
  return `weights-${String(index).padStart(3, '0')}.bin`;
}

/** Whether a file of a pack is a shard. */
export function isShardName(name: string): boolean {
  return /^weights-\d{3,6}\.bin$/.test(name);
}

/** Whether `a` is how `b` begins; compared four bytes at a time, which takes a quarter of the time. */
function equalBytes(a: Uint8Array<ArrayBuffer>, b: Uint8Array<ArrayBuffer>): boolean {
  const words = a.byteLength >> 2;
  const aWords = new Int32Array(a.buffer, a.byteOffset, words);
  const bWords = new Int32Array(b.buffer, b.byteOffset, words);
  for (let i = 0; i < words; i++) if (aWords[i] !== bWords[i]) return false;
  for (let i = words << 2; i < a.byteLength; i++) if (a[i] !== b[i]) return false;
  return true;
}
