import type { ShardSink, TensorLayout } from '../graph/weights.ts';
import { asStorageError } from './storageError.ts';

/** Largest shard in bytes. Below 2 GiB, so that every runtime build can read one whole. */
export const SHARD_LIMIT = 1024 ** 3;

/**
 * Writes compiled weights into shard files of a folder in the browser's private file system, one tensor after another.
 * Sync access handles exist in workers only. Owns the open file: call `close` in a `finally`.
 */
export class ShardWriter implements ShardSink {
  readonly #folder: FileSystemDirectoryHandle;
  readonly #limit: number;
  #count = 0;
  #handle: FileSystemSyncAccessHandle | null = null;
  #name = '';
  #offset = 0;
  #total = 0;

  constructor(folder: FileSystemDirectoryHandle, { limit = SHARD_LIMIT }: { limit?: number } = {}) {
    this.#folder = folder;
    this.#limit = limit;
  }

  /** Bytes written to all shards so far. */
  get byteLength(): number {
    return this.#total;
  }

  /** @throws UserError `StorageError` where the disk or the quota is full; nothing is lost but the unfinished pack */
  async append(
    { byteLength }: TensorLayout,
    pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<{ shard: string; offset: number }> {
    if (this.#handle && this.#offset + byteLength > this.#limit) this.close();
    try {
      this.#handle ??= await this.#open();
      const offset = this.#offset;
      for await (const piece of pieces) {
        const written = this.#handle.write(piece as Uint8Array<ArrayBuffer>, { at: this.#offset });
        if (written !== piece.byteLength) {
          throw new DOMException(`${written} of ${piece.byteLength} bytes were written`, 'QuotaExceededError');
        }
        this.#offset += piece.byteLength;
        this.#total += piece.byteLength;
      }
      return { shard: this.#name, offset };
    } catch (error) {
      throw asStorageError(error, this.#name);
    }
  }

  /** Flushes and closes the open shard. May be called more than once. */
  close(): void {
    this.#handle?.flush();
    this.#handle?.close();
    this.#handle = null;
  }

  async #open(): Promise<FileSystemSyncAccessHandle> {
    this.#name = `weights-${String(this.#count).padStart(3, '0')}.bin`;
    this.#count += 1;
    this.#offset = 0;
    const file = await this.#folder.getFileHandle(this.#name, { create: true });
    const handle = await file.createSyncAccessHandle();
    handle.truncate(0);
    return handle;
  }
}
