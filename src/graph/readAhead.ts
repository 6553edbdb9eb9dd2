import { readTensorBytes } from '../checkpoint/dtypes.ts';
import { PIECE_BYTES, type TensorPiece } from './tensorPieces.ts';

/** Bytes read before they are asked for: what comes next arrives while the present piece is converted and written. */
const AHEAD_BYTES = 2 * PIECE_BYTES;

/** Reads pieces one after another, in order, somewhat ahead of who takes them. */
export class ReadAhead {
  readonly #pieces: readonly TensorPiece[];
  readonly #signal: AbortSignal | undefined;
  readonly #waiting: { readonly bytes: Promise<Uint8Array<ArrayBuffer>>; readonly byteLength: number }[] = [];
  #begun = 0;
  #aheadBytes = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** @param options `signal`: nothing more is read once it is aborted; its reason is thrown */
  constructor(pieces: readonly TensorPiece[], { signal }: { signal: AbortSignal | undefined }) {
    this.#pieces = pieces;
    this.#signal = signal;
  }

  /**
   * The bytes of the next piece.
   * @throws {UserError} `CheckpointError` naming the tensor, and whatever the medium throws
   */
  async next(): Promise<Uint8Array<ArrayBuffer>> {
    this.#signal?.throwIfAborted();
    this.#fill();
    const first = this.#waiting.shift();
    if (!first) throw new RangeError(`All ${this.#pieces.length} pieces are read`);
    const bytes = await first.bytes;
    this.#signal?.throwIfAborted();
    this.#aheadBytes -= first.byteLength;
    this.#fill();
    return bytes;
  }

  /** One read at a time: a stream has only one place. */
  #fill(): void {
    for (;;) {
      const piece = this.#pieces[this.#begun];
      if (!piece) return;
      const { tensor, start, end } = piece;
      const byteLength = end - start;
      if (this.#waiting.length > 0 && this.#aheadBytes + byteLength > AHEAD_BYTES) return;
      const bytes = this.#last.then(() => {
        this.#signal?.throwIfAborted();
        return readTensorBytes(tensor, { start, end });
      });
      // Whoever takes the piece hears of it; nobody may, after a failure before it.
      bytes.catch(() => {});
      this.#last = bytes;
      this.#waiting.push({ bytes, byteLength });
      this.#aheadBytes += byteLength;
      this.#begun += 1;
    }
  }
}
