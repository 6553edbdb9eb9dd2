import { BackgroundHash } from './backgroundHash.ts';
import type { StreamState } from './publishedFile.ts';
import { RunningHash } from './runningHash.ts';

/** A SHA-256 over a stream, wherever it is computed. */
export interface StreamHash {
  /** What is hashed, and the state after it; may stay a few megabytes behind what was given. */
  readonly state: StreamState;
  /** Takes the next bytes, and leaves them as they are. Resolves when it may be given more. */
  update(bytes: Uint8Array): Promise<void>;
  /** The hash in hex of all that was given. No byte may follow. */
  digest(): Promise<string>;
  /** Frees what it holds; `state` stays. */
  close(): void;
}

/** The start of a stream. */
export const STREAM_START: StreamState = { position: 0, hash: null };

/**
 * Opens a hash that goes on where `from` was saved, or at the start where that cannot be read any more. Hashing takes longer
 * than all else that is done with a byte, so it has a thread of its own where there are threads.
 */
export async function openStreamHash(from: StreamState): Promise<StreamHash> {
  const resumed = from.hash === null ? null : await RunningHash.resume(from.hash);
  const start = resumed ? from : STREAM_START;
  const worker = startWorker();
  if (worker) return new BackgroundHash(start, worker);
  return new ForegroundHash(start.position, resumed ?? (await RunningHash.start()));
}

/** Null where there are no workers, as in Node, or where the page's policy does not let this one start. */
function startWorker(): Worker | null {
  if (typeof Worker === 'undefined') return null;
  try {
    return new Worker(new URL('../../workers/hash.worker.ts', import.meta.url), { type: 'module', name: 'hash' });
  } catch {
    return null;
  }
}

class ForegroundHash implements StreamHash {
  readonly #hash: RunningHash;
  #position: number;
  #final: StreamState | null = null;

  constructor(position: number, hash: RunningHash) {
    this.#position = position;
    this.#hash = hash;
  }

  get state(): StreamState {
    return this.#final ?? { position: this.#position, hash: this.#hash.save() };
  }

  async update(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    this.#position += bytes.byteLength;
  }

  async digest(): Promise<string> {
    this.#final = this.state;
    return this.#hash.digest();
  }

  close(): void {}
}
