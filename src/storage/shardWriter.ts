import type { ShardSink, TensorLayout } from '../graph/weights.ts';
import { BLOCK_BYTES, type ShardChecksums, sha256Hex } from './blockChecksums.ts';
import { openShardFiles, type ShardFiles, type WrittenBlock } from './shardFiles.ts';
import { asStorageError } from './storageError.ts';

/** Largest shard in bytes. Below 2 GiB, so that every runtime build can read one whole. */
export const SHARD_LIMIT = 1024 ** 3;

/** Full blocks that may wait for the disk. */
const MOST_UNDER_WAY = 4;

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
 * blocks: each is read back and compared once it is full, and gets a checksum made from the bytes in memory. The disk works
 * while the next blocks are filled: what fails there is thrown by a later `append`, and at the latest by `flush`, and from then
 * on by both. Sync access handles exist in workers only. Owns the open file: call `close` in a `finally`.
 */
export class ShardWriter implements ShardSink {
  readonly #files: ShardFiles;
  readonly #limit: number;
  readonly #blockBytes: number;
  /** Shards in order. A checksum that is being made is a promise. */
  readonly #shards: GrowingShard[] = [];
  /** Blocks that were given away, oldest first, each when it is back. */
  readonly #underWay: Promise<WrittenBlock>[] = [];
  /** Whether the last shard is open. */
  #isOpen = false;
  #block: Uint8Array<ArrayBuffer>;
  /** Bytes of the open block in memory, and how many of them were sent to the file. */
  #filled = 0;
  #written = 0;
  #total = 0;

  private constructor(files: ShardFiles, { limit = SHARD_LIMIT, blockBytes = BLOCK_BYTES }: ShardSizes) {
    this.#files = files;
    this.#limit = limit;
    this.#blockBytes = blockBytes;
    this.#block = new Uint8Array(blockBytes);
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
    const writer = new ShardWriter(openShardFiles(folder), sizes);
    try {
      await deleteShards(folder, { but: new Set(written.map(({ name }) => name)) });
      await writer.#goOnBehind(written);
      return writer;
    } catch (error) {
      await writer.close();
      throw asStorageError(error, written.at(-1)?.name ?? shardName(0));
    }
  }

  /** Bytes of all shards so far. */
  get byteLength(): number {
    return this.#total;
  }

  /**
   * Where making the pieces fails, nothing of the weight stays.
   * @throws {UserError} `StorageError`: the disk or the quota is full, or the disk does not keep what is written
   */
  async append(
    { byteLength }: TensorLayout,
    pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<{ shard: string; offset: number }> {
    if (this.#isOpen && this.#last.byteLength > 0 && this.#last.byteLength + byteLength > this.#limit) {
      await this.#endShard();
    }
    if (!this.#isOpen) this.#beginShard();
    const { name: shard, byteLength: offset } = this.#last;
    try {
      for await (const piece of pieces) await this.#write(piece);
      return { shard, offset };
    } catch (error) {
      // Where that fails, flushing does.
      await this.rewind(offset).catch(() => {});
      throw error;
    }
  }

  /** Takes back the end of the open shard, from `offset` on. @throws {UserError} `StorageError` */
  async rewind(offset: number): Promise<void> {
    const last = this.#last;
    const index = Math.floor(offset / this.#blockBytes);
    const filled = offset % this.#blockBytes;
    const isEnded = last.sha256.length > index;
    // The beginning of a block that was ended is on the disk.
    if (isEnded) this.#block.set(await this.#files.read(index * this.#blockBytes, filled));
    last.sha256.splice(index);
    this.#total -= last.byteLength - offset;
    last.byteLength = offset;
    this.#filled = filled;
    this.#written = isEnded ? filled : Math.min(this.#written, filled);
  }

  /**
   * Brings everything appended so far onto the disk. More may be appended meanwhile.
   * @returns all shards as they are when this is called, the checksum of an unfinished last block included
   * @throws {UserError} `StorageError`
   */
  async flush(): Promise<WrittenShard[]> {
    const shards = this.#shards.map((shard) => ({ ...shard, sha256: [...shard.sha256] }));
    if (this.#filled > 0) {
      shards.at(-1)?.sha256.push(sha256Hex(this.#block.subarray(0, this.#filled)));
      const start = this.#last.byteLength - this.#filled;
      void this.#files.write(start + this.#written, this.#block.slice(this.#written, this.#filled));
      this.#written = this.#filled;
    }
    await this.#files.flush();
    return Promise.all(shards.map(async (shard) => ({ ...shard, sha256: await Promise.all(shard.sha256) })));
  }

  /** Ends the last shard. @returns all shards @throws {UserError} `StorageError` */
  async finish(): Promise<WrittenShard[]> {
    if (this.#isOpen) await this.#endShard();
    return this.flush();
  }

  /** Lets go of the open file, finished or not, when what was asked of it is done. May be called more than once. */
  close(): Promise<void> {
    return this.#files.close();
  }

  get #last(): GrowingShard {
    return this.#shards[this.#shards.length - 1] as GrowingShard;
  }

  async #goOnBehind(written: readonly WrittenShard[]): Promise<void> {
    for (const { name, byteLength, sha256 } of written) {
      this.#shards.push({ name, byteLength, sha256: [...sha256] });
      this.#total += byteLength;
    }
    if (written.length === 0) return;
    const last = this.#last;
    this.#isOpen = true;
    void this.#files.open(last.name, last.byteLength);
    // The unfinished block is written on in memory; its checksum will be made when it is full.
    this.#filled = last.byteLength % this.#blockBytes;
    this.#written = this.#filled;
    if (this.#filled > 0) last.sha256.pop();
    this.#block.set(await this.#files.read(last.byteLength - this.#filled, this.#filled));
  }

  #beginShard(): void {
    const name = shardName(this.#shards.length);
    void this.#files.open(name, 0);
    this.#shards.push({ name, byteLength: 0, sha256: [] });
    this.#isOpen = true;
  }

  async #endShard(): Promise<void> {
    if (this.#filled > 0) await this.#endBlock();
    this.#isOpen = false;
  }

  async #write(piece: Uint8Array): Promise<void> {
    for (let at = 0; at < piece.byteLength; ) {
      const take = Math.min(this.#blockBytes - this.#filled, piece.byteLength - at);
      this.#block.set(piece.subarray(at, at + take), this.#filled);
      this.#filled += take;
      this.#last.byteLength += take;
      this.#total += take;
      at += take;
      if (this.#filled === this.#blockBytes) await this.#endBlock();
    }
  }

  /** Gives the open block away for an empty one, once there is one. */
  async #endBlock(): Promise<void> {
    const next = await this.#emptyBlock();
    const at = this.#last.byteLength - this.#filled;
    const block = this.#files.endBlock({ at, bytes: this.#block, length: this.#filled, written: this.#written });
    this.#underWay.push(block);
    const sha256 = block.then((written) => written.sha256);
    // Flushing says so.
    sha256.catch(() => {});
    this.#last.sha256.push(sha256);
    this.#block = next;
    this.#filled = 0;
    this.#written = 0;
  }

  async #emptyBlock(): Promise<Uint8Array<ArrayBuffer>> {
    const [oldest] = this.#underWay;
    if (!oldest || this.#underWay.length < MOST_UNDER_WAY) return new Uint8Array(this.#blockBytes);
    // One that fails stays the oldest, and fails all that come after it.
    const { bytes } = await oldest;
    this.#underWay.shift();
    return bytes;
  }
}

/** Deletes the shards of a folder, but for some. */
async function deleteShards(folder: FileSystemDirectoryHandle, { but }: { but: ReadonlySet<string> }): Promise<void> {
  const others: string[] = [];
  for await (const name of folder.keys()) if (isShardName(name) && !but.has(name)) others.push(name);
  for (const name of others) await folder.removeEntry(name);
}

/** Name of a shard by its number from 0. */
export function shardName(index: number): string {
  return `weights-${String(index).padStart(3, '0')}.bin`;
}

/** Whether a file of a pack is a shard. */
export function isShardName(name: string): boolean {
  return /^weights-\d{3,6}\.bin$/.test(name);
}
