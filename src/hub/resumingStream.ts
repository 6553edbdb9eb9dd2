import { downloadError } from './downloadError.ts';
import { Interruption } from './interruption.ts';
import { Patience } from './patience.ts';
import type { ResolvedFile } from './publishedFile.ts';
import { Transfer, type TransferAccess, type Validator } from './transfer.ts';
import type { TransferLimits } from './transferLimits.ts';

export interface ResumingStreamOptions {
  readonly start: number;
  readonly end: number;
  readonly access: Omit<TransferAccess, 'stallMs'>;
  readonly limits: TransferLimits;
  /** Shared by all streams over one file: what its first answer said. */
  readonly identity: FileIdentity;
}

/** What the first answer said of a file; the others have to say the same. */
export interface FileIdentity {
  validator: Validator | null;
}

/**
 * Bytes `[start, end)` of a published file in order, over as many connections as it takes: what breaks or stands still is
 * taken up again where it ended, after growing pauses, until several attempts in a row have brought nothing.
 */
export class ResumingStream {
  readonly #file: ResolvedFile;
  readonly #options: ResumingStreamOptions;
  readonly #patience: Patience;
  #transfer: Transfer | null = null;
  #position: number;

  constructor(file: ResolvedFile, options: ResumingStreamOptions) {
    this.#file = file;
    this.#options = options;
    this.#position = options.start;
    this.#patience = new Patience(options.limits, options.access);
  }

  /** Offset in the file of the next byte. */
  get position(): number {
    return this.#position;
  }

  /**
   * The next bytes, at least one. Call only before `end` is reached.
   * @throws {UserError} `DownloadError`; the signal's reason
   */
  async next(): Promise<Uint8Array<ArrayBuffer>> {
    for (;;) {
      try {
        this.#transfer ??= await this.#open();
        const bytes = await this.#transfer.next();
        this.#position += bytes.byteLength;
        this.#patience.renew();
        if (this.#position === this.#options.end) this.close();
        return bytes;
      } catch (error) {
        this.close();
        this.#options.access.signal.throwIfAborted();
        if (!(error instanceof Interruption)) throw error;
        if (!(await this.#patience.outlast(error))) throw this.#surrender(error);
      }
    }
  }

  /** Ends the connection. A later `next` makes a new one. */
  close(): void {
    this.#transfer?.close();
    this.#transfer = null;
  }

  async #open(): Promise<Transfer> {
    const { end, access, limits, identity } = this.#options;
    const transfer = await Transfer.open(
      { file: this.#file, start: this.#position, end, mostSkipped: limits.windowBytes },
      { ...access, stallMs: limits.stallMs },
    );
    const { validator } = transfer;
    const known = identity.validator;
    // Networks that deliver files have several origins, each with ETags of its own.
    if (known && validator && known.origin === validator.origin && known.etag !== validator.etag) {
      transfer.close();
      throw downloadError(
        this.#file,
        `the file of ${this.#file.repository} changed while it was being downloaded; add the model again`,
      );
    }
    identity.validator ??= validator;
    return transfer;
  }

  #surrender(interruption: Interruption): Error {
    const { attempts } = this.#options.limits;
    return downloadError(
      this.#file,
      `${interruption.message}, after ${this.#position} of ${this.#file.bytes} bytes and ${attempts} attempts; check the connection, then resume`,
      { cause: interruption },
    );
  }
}
