import { createSHA256, type IHasher } from 'hash-wasm';

/** A SHA-256 over a stream that can be put away and taken up again. */
export class RunningHash {
  readonly #hasher: IHasher;

  private constructor(hasher: IHasher) {
    this.#hasher = hasher;
  }

  /** A hash of no bytes yet. */
  static async start(): Promise<RunningHash> {
    return new RunningHash((await createSHA256()).init());
  }

  /** A hash that goes on where `state` was saved; null where another version of the library saved it. */
  static async resume(state: string): Promise<RunningHash | null> {
    const hasher = (await createSHA256()).init();
    try {
      return new RunningHash(hasher.load(Uint8Array.from(atob(state), (character) => character.charCodeAt(0))));
    } catch {
      return null;
    }
  }

  update(bytes: Uint8Array): void {
    this.#hasher.update(bytes);
  }

  /** The state after all bytes so far, in base64. */
  save(): string {
    return btoa(String.fromCharCode(...this.#hasher.save()));
  }

  /** The hash in hex. No byte may follow. */
  digest(): string {
    return this.#hasher.digest('hex');
  }
}
