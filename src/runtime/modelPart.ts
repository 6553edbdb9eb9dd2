import type { Residency, Resident } from './residency.ts';
import { SerialQueue } from './serialQueue.ts';
import type { ModelSession } from './session.ts';

/** How a part's sessions are told apart, weighed and made. */
export interface ModelPartOptions<Kind> {
  readonly name: string;
  readonly residency: Residency;
  /** Equal for kinds that one session serves. */
  readonly key: (kind: Kind) => string;
  /** Estimated bytes of weights and activations. */
  readonly bytes: (kind: Kind) => number;
  /** Bytes of weights that making a session reads; 0 where nobody wants to know. */
  readonly readBytes: (kind: Kind) => number;
  /** @param onBytes told how many bytes of weights were read, as they are */
  readonly create: (kind: Kind, onBytes: (count: number) => void) => Promise<ModelSession>;
}

/**
 * One part of a model, in one kind at a time: a kind (a size, a batch) is a graph of its own, and each session has its own
 * copy of the weights. Holds the session last used until another kind is wanted, or the memory by someone else.
 */
export class ModelPart<Kind> implements Resident {
  readonly name: string;
  readonly #options: ModelPartOptions<Kind>;
  readonly #uses = new SerialQueue();
  #held: { readonly key: string; readonly session: ModelSession } | null = null;

  constructor(options: ModelPartOptions<Kind>) {
    this.name = options.name;
    this.#options = options;
  }

  /**
   * Uses the part, loading it first where it is not loaded, or on a device that is gone. One use at a time.
   * @throws {UserError} `DeviceLostError`, `OutOfMemoryError`; whatever `use` throws
   */
  use<T>(kind: Kind, use: (session: ModelSession) => Promise<T>): Promise<T> {
    const { residency, bytes } = this.#options;
    return this.#uses.run(() =>
      residency.use(this, { bytes: bytes(kind), load: () => this.#load(kind), use }).catch(async (error: unknown) => {
        // A session that ran out of memory keeps what it got.
        if (this.#held && !this.#held.session.isUsable) await this.unload();
        throw error;
      }),
    );
  }

  /** Whether the next use of this kind finds it loaded. */
  isLoaded(kind: Kind): boolean {
    return this.#held?.key === this.#options.key(kind) && this.#held.session.isUsable;
  }

  async unload(): Promise<void> {
    const held = this.#held;
    this.#held = null;
    await held?.session.dispose();
    this.#options.residency.leave(this);
  }

  async #load(kind: Kind): Promise<ModelSession> {
    const key = this.#options.key(kind);
    if (this.#held && this.isLoaded(kind)) return this.#held.session;
    // Before the next, so that both are never there at once.
    await this.#held?.session.dispose();
    this.#held = null;
    const reading = this.#reading(kind);
    const session = await this.#options.create(kind, reading.onBytes);
    reading.onEnd();
    this.#held = { key, session };
    return session;
  }

  /** Tells of reading in steps of a hundredth. */
  #reading(kind: Kind): { onBytes: (count: number) => void; onEnd: () => void } {
    const totalBytes = this.#options.readBytes(kind);
    const tell = (doneBytes: number) => {
      if (totalBytes > 0) this.#options.residency.tellLoading({ name: this.name, doneBytes, totalBytes });
    };
    let doneBytes = 0;
    let told = -1;
    return {
      onBytes: (count) => {
        doneBytes = Math.min(doneBytes + count, totalBytes);
        const share = Math.floor((100 * doneBytes) / totalBytes);
        if (share > told && share < 100) tell(doneBytes);
        told = Math.max(told, share);
      },
      onEnd: () => tell(totalBytes),
    };
  }
}
