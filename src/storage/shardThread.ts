import { UserError } from '../errors.ts';
import type { EndedBlock, ShardFiles, WrittenBlock } from './shardFiles.ts';

/** What the worker is told: first which folder, then what to do in it. */
export type ShardRequest =
  | { readonly folder: FileSystemDirectoryHandle }
  | { readonly id: number; readonly method: keyof ShardFiles; readonly args: readonly unknown[] };

/** What it answers to each that has an `id`; `error`: the message of a `StorageError`. */
export type ShardAnswer = { readonly id: number } & ({ readonly value: unknown } | { readonly error: string });

interface Asked {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Shards written by a worker of its own, so that the disk and whoever asks work at the same time. */
export class ShardThread implements ShardFiles {
  readonly #worker: Worker;
  readonly #asked = new Map<number, Asked>();
  #count = 0;
  #failure: UserError | null = null;

  /** @param worker runs `workers/shards.worker.ts`; ended by `close` */
  constructor(folder: FileSystemDirectoryHandle, worker: Worker) {
    this.#worker = worker;
    worker.addEventListener('message', ({ data }: MessageEvent<ShardAnswer>) => this.#take(data));
    worker.addEventListener('error', ({ message }) => this.#end(message || 'it could not be started'));
    this.#send({ folder });
  }

  open(name: string, byteLength: number): Promise<void> {
    return this.#ask('open', [name, byteLength]);
  }

  read(at: number, byteLength: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#ask('read', [at, byteLength]);
  }

  write(at: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#ask('write', [at, bytes], [bytes.buffer]);
  }

  endBlock(block: EndedBlock): Promise<WrittenBlock> {
    return this.#ask('endBlock', [block], [block.bytes.buffer]);
  }

  flush(): Promise<void> {
    return this.#ask('flush', []);
  }

  async close(): Promise<void> {
    // Not answered by a worker that was ended before, or that has failed.
    await this.#ask('close', []).catch(() => {});
    this.#worker.terminate();
    this.#end('it was ended');
  }

  #ask<Method extends keyof ShardFiles>(
    method: Method,
    args: Parameters<ShardFiles[Method]>,
    transfer: Transferable[] = [],
  ): ReturnType<ShardFiles[Method]> {
    const answer = new Promise<unknown>((resolve, reject) => {
      if (this.#failure) {
        reject(this.#failure);
        return;
      }
      const id = this.#count++;
      this.#asked.set(id, { resolve, reject });
      this.#send({ id, method, args }, transfer);
    });
    // Whoever waits for what comes after it is told as well.
    answer.catch(() => {});
    return answer as ReturnType<ShardFiles[Method]>;
  }

  #send(request: ShardRequest, transfer: Transferable[] = []): void {
    this.#worker.postMessage(request, transfer);
  }

  #take(answer: ShardAnswer): void {
    const asked = this.#asked.get(answer.id);
    this.#asked.delete(answer.id);
    if ('error' in answer) asked?.reject(new UserError('StorageError', answer.error));
    else asked?.resolve(answer.value);
  }

  #end(reason: string): void {
    this.#failure ??= new UserError(
      'StorageError',
      `Cannot write weights: the thread for it stopped (${reason}). Try again.`,
    );
    for (const { reject } of this.#asked.values()) reject(this.#failure);
    this.#asked.clear();
  }
}
