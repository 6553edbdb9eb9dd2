import { UserError } from '../errors.ts';
import { sha256Hex } from './blockChecksums.ts';
import type { EndedBlock, ShardFiles, WrittenBlock } from './shardFiles.ts';
import { asStorageError } from './storageError.ts';

/** Bytes read back at a time: they stay in the processor's cache while they are compared. */
const READ_BACK_BYTES = 1 << 20;

/** Shards written by the thread that asks: where there is no other, as in Node, and inside the one that is there for it. */
export class ShardDisk implements ShardFiles {
  readonly #folder: FileSystemDirectoryHandle;
  readonly #readBack = new Uint8Array(READ_BACK_BYTES);
  #name = '';
  #handle: FileSystemSyncAccessHandle | null = null;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(folder: FileSystemDirectoryHandle) {
    this.#folder = folder;
  }

  open(name: string, byteLength: number): Promise<void> {
    return this.#inOrder(async () => {
      this.#handle?.flush();
      this.#closeFile();
      this.#name = name;
      const file = await this.#folder.getFileHandle(name, { create: true });
      this.#handle = await file.createSyncAccessHandle();
      this.#handle.truncate(byteLength);
    });
  }

  read(at: number, byteLength: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#inOrder(() => {
      const bytes = new Uint8Array(byteLength);
      const read = this.#handle?.read(bytes, { at });
      if (read === byteLength) return bytes;
      throw new DOMException(`${read} of ${byteLength} bytes were read`, 'NotReadableError');
    });
  }

  write(at: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#inOrder(() => this.#write(at, bytes));
  }

  endBlock({ at, bytes, length, written }: EndedBlock): Promise<WrittenBlock> {
    return this.#inOrder(async () => {
      const block = bytes.subarray(0, length);
      // Made by another thread while this one writes.
      const sha256 = sha256Hex(block);
      this.#write(at + written, block.subarray(written));
      if (!this.#isOnDisk(at, block)) {
        this.#write(at, block);
        this.#handle?.flush();
        if (!this.#isOnDisk(at, block)) {
          throw new UserError(
            'StorageError',
            `Cannot keep "${this.#name}": what was written at byte ${at} is read back otherwise, twice. The disk may be failing; free space or use another one, then resume.`,
          );
        }
      }
      return { sha256: await sha256, bytes };
    });
  }

  flush(): Promise<void> {
    return this.#inOrder(() => this.#handle?.flush());
  }

  async close(): Promise<void> {
    await this.#tail.catch(() => {});
    this.#closeFile();
  }

  #inOrder<T>(work: () => T | Promise<T>): Promise<T> {
    const done = this.#tail.then(work).catch((error: unknown) => {
      throw asStorageError(error, this.#name);
    });
    // Whoever waits for what comes after it is told as well.
    done.catch(() => {});
    this.#tail = done;
    return done;
  }

  #closeFile(): void {
    this.#handle?.close();
    this.#handle = null;
  }

  #write(at: number, bytes: Uint8Array<ArrayBuffer>): void {
    const written = this.#handle?.write(bytes, { at });
    if (written !== bytes.byteLength) {
      throw new DOMException(`${written} of ${bytes.byteLength} bytes were written`, 'QuotaExceededError');
    }
  }

  #isOnDisk(at: number, block: Uint8Array<ArrayBuffer>): boolean {
    for (let start = 0; start < block.byteLength; start += READ_BACK_BYTES) {
      const expected = block.subarray(start, start + READ_BACK_BYTES);
      const back = this.#readBack.subarray(0, expected.byteLength);
      if (this.#handle?.read(back, { at: at + start }) !== expected.byteLength || !equalBytes(back, expected))
        return false;
    }
    return true;
  }
}

/** Whether two of one length are equal; compared four bytes at a time, which takes a quarter of the time. */
function equalBytes(a: Uint8Array<ArrayBuffer>, b: Uint8Array<ArrayBuffer>): boolean {
  const words = a.byteLength >> 2;
  const aWords = new Int32Array(a.buffer, a.byteOffset, words);
  const bWords = new Int32Array(b.buffer, b.byteOffset, words);
  for (let i = 0; i < words; i++) if (aWords[i] !== bWords[i]) return false;
  for (let i = words << 2; i < a.byteLength; i++) if (a[i] !== b[i]) return false;
  return true;
}
