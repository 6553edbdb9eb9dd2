import { abortError } from '../errors.ts';
import type { StreamState } from './publishedFile.ts';
import type { StreamHash } from './streamHash.ts';

/** What the worker is told. `state`: where to go on, null: at the start. `bytes`: the next ones. `digest`: no more will come. */
export type HashRequest =
  | { readonly state: string | null }
  | { readonly bytes: ArrayBuffer; readonly length: number }
  | { readonly digest: true };

/** What it answers to bytes, its state after them, and to `digest`. */
export type HashAnswer = { readonly length: number; readonly state: string } | { readonly digest: string };

/** Bytes sent at a time. */
const BATCH_BYTES = 1 << 20;
/** Batches on their way; what is given meanwhile waits. Together less than a reader may be ahead of its stream. */
const MOST_BATCHES = 4;

/** A hash computed by a worker of its own. */
export class BackgroundHash implements StreamHash {
  readonly #worker: Worker;
  readonly #ended: Promise<never>;
  #end: (reason: Error) => void = () => {};
  #state: StreamState;
  #batch = new Uint8Array(BATCH_BYTES);
  #filled = 0;
  #underWay = 0;
  #onAnswer: (() => void) | null = null;
  #digest: string | null = null;

  /** @param worker runs `workers/hash.worker.ts`; ended by `close` */
  constructor(from: StreamState, worker: Worker) {
    this.#state = from;
    this.#worker = worker;
    this.#ended = new Promise((_, reject) => {
      this.#end = reject;
    });
    // Nobody may be waiting when it ends.
    this.#ended.catch(() => {});
    worker.addEventListener('error', (event) => {
      this.#end(new Error(`Hashing failed: ${event.message || 'its worker could not be started'}`));
    });
    worker.addEventListener('message', ({ data }: MessageEvent<HashAnswer>) => this.#take(data));
    this.#send({ state: from.hash });
  }

  get state(): StreamState {
    return this.#state;
  }

  async update(bytes: Uint8Array): Promise<void> {
    for (let taken = 0; taken < bytes.byteLength; ) {
      const piece = bytes.subarray(taken, taken + BATCH_BYTES - this.#filled);
      this.#batch.set(piece, this.#filled);
      this.#filled += piece.byteLength;
      taken += piece.byteLength;
      if (this.#filled < BATCH_BYTES) continue;
      this.#sendBatch();
      while (this.#underWay >= MOST_BATCHES) await this.#answer();
    }
  }

  async digest(): Promise<string> {
    if (this.#filled > 0) this.#sendBatch();
    this.#send({ digest: true });
    while (this.#digest === null) await this.#answer();
    return this.#digest;
  }

  close(): void {
    this.#worker.terminate();
    this.#end(abortError('Hashing was ended'));
  }

  #sendBatch(): void {
    const { buffer } = this.#batch;
    this.#underWay++;
    this.#send({ bytes: buffer, length: this.#filled }, [buffer]);
    this.#batch = new Uint8Array(BATCH_BYTES);
    this.#filled = 0;
  }

  #send(request: HashRequest, transfer: Transferable[] = []): void {
    this.#worker.postMessage(request, transfer);
  }

  #take(answer: HashAnswer): void {
    if ('digest' in answer) this.#digest = answer.digest;
    else {
      this.#underWay--;
      this.#state = { position: this.#state.position + answer.length, hash: answer.state };
    }
    this.#onAnswer?.();
  }

  #answer(): Promise<void> {
    const answered = new Promise<void>((resolve) => {
      this.#onAnswer = resolve;
    });
    return Promise.race([answered, this.#ended]);
  }
}
