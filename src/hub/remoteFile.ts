import type { ByteSource } from '../checkpoint/byteSource.ts';
import { abortError } from '../errors.ts';
import { ByteWindow } from './byteWindow.ts';
import { downloadError } from './downloadError.ts';
import type { ResolvedFile, StreamState } from './publishedFile.ts';
import { type FileIdentity, ResumingStream, type ResumingStreamOptions } from './resumingStream.ts';
import { openStreamHash, STREAM_START, type StreamHash } from './streamHash.ts';
import { DEFAULT_LIMITS, type TransferLimits } from './transferLimits.ts';

export interface RemoteFileOptions {
  /** For gated repositories; sent to the hub alone. */
  readonly token?: string | null;
  readonly fetch?: typeof fetch;
  /** Ends everything with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Goes on where an earlier stream over the same file ended; null: from the start. */
  readonly resume?: StreamState | null;
  /** Told how many bytes came down the stream, as they come; requests beside it are not counted. */
  readonly onBytes?: (count: number) => void;
  readonly limits?: Partial<TransferLimits>;
}

/**
 * A published file, read over one stream from its start to its end: whoever reads it nearly in order fetches each byte once.
 * Reads at or a little before or after the stream's position are served by it, others cost a request of their own. Where
 * the file's SHA-256 was published, all bytes of the stream are hashed in order, over any number of interruptions and,
 * through {@link state}, of sessions. Reads run one after another. Owns a connection: call `close`.
 */
export class RemoteFile implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly #file: ResolvedFile;
  readonly #options: RemoteFileOptions;
  readonly #limits: TransferLimits;
  readonly #closing = new AbortController();
  readonly #signal: AbortSignal;
  readonly #identity: FileIdentity = { validator: null };
  #tail: Promise<unknown> = Promise.resolve();
  #start: StreamState;
  #main: { readonly stream: ResumingStream; readonly window: ByteWindow; readonly hash: StreamHash | null } | null =
    null;
  /** The last short request beside the stream. */
  #aside: { readonly start: number; readonly bytes: Uint8Array } | null = null;
  /** Bytes read ahead of the stream, beside it. */
  #readAhead = 0;
  #isChecked = false;
  #isRefuted = false;

  constructor(file: ResolvedFile, options: RemoteFileOptions = {}) {
    this.name = file.path;
    this.size = file.bytes;
    this.#file = file;
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    const { resume, signal } = options;
    this.#signal = signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal;
    const fits = resume && resume.position <= file.bytes && (file.sha256 === null || resume.hash !== null);
    this.#start = fits ? resume : STREAM_START;
  }

  /** How far the stream has come: give it to a later `RemoteFile` over the same file. */
  get state(): StreamState {
    if (!this.#main) return this.#start;
    const { window, hash } = this.#main;
    return hash ? hash.state : { position: window.end, hash: null };
  }

  /** Whether {@link finish} has found that what came is not what was published. */
  get isRefuted(): boolean {
    return this.#isRefuted;
  }

  /**
   * Bytes `[start, end)`, in memory of their own.
   * @throws {UserError} `DownloadError`; the signal's reason; `AbortError` after `close`
   */
  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    if (!(start >= 0 && start <= end && end <= this.size)) {
      throw new RangeError(`Bytes ${start} to ${end} of "${this.name}", which has ${this.size}`);
    }
    return this.#inTurn(async () => {
      const target = new Uint8Array(end - start);
      if (end === start) return target;
      const { stream, window } = await this.#opened();
      const isFarAhead = this.#isFarAhead(start - stream.position, end - start);
      const behind = isFarAhead ? end : Math.min(end, Math.max(start, window.start));
      if (behind > start) await this.#readAside(target.subarray(0, behind - start), start);
      if (behind < end) await this.#readOn(target.subarray(behind - start), behind);
      return target;
    });
  }

  /**
   * Reads the stream to its end and compares its SHA-256 with the published one. Where none was published there is nothing
   * to compare, and nothing more is fetched. Nothing read stays in memory: a model has several files, each of them done before
   * the next; what is read once more is fetched once more.
   * @throws {UserError} `DownloadError`: it differs (then {@link state} is the file's start again), or the rest cannot be fetched
   */
  finish(): Promise<void> {
    return this.#inTurn(async () => {
      const { sha256 } = this.#file;
      this.#aside = null;
      this.#main?.window.forget();
      if (sha256 === null || this.#isChecked) return;
      const { stream, window, hash } = await this.#opened();
      while (stream.position < this.size) await this.#advance();
      const found = await (hash as StreamHash).digest();
      (hash as StreamHash).close();
      if (found === sha256.toLowerCase()) {
        window.forget();
        this.#isChecked = true;
        return;
      }
      stream.close();
      this.#isRefuted = true;
      this.#start = STREAM_START;
      this.#main = null;
      throw downloadError(
        this.#file,
        `what came differs from what was published: its SHA-256 is ${found}, expected ${sha256}; a mirror or the network damaged it, resume to download this file anew`,
      );
    });
  }

  /** Ends the connection; what waits for it rejects with `AbortError`. {@link state} stays. */
  close(): void {
    this.#closing.abort(abortError(`Reading "${this.name}" was ended`));
    this.#main?.hash?.close();
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(() => {
      this.#signal.throwIfAborted();
      return step();
    });
    this.#tail = result.catch(() => {});
    return result;
  }

  /**
   * Whether a read ahead of the stream is better made beside it. One that looks at the end of a file comes back; whoever goes
   * on reading there has left the stream behind, and once that has cost as much as the way between, the stream follows.
   */
  #isFarAhead(gap: number, length: number): boolean {
    const isFar = gap > this.#limits.aheadBytes && 2 * this.#readAhead + length <= gap;
    this.#readAhead = isFar ? this.#readAhead + length : 0;
    return isFar;
  }

  async #opened() {
    if (this.#main) return this.#main;
    const hash = this.#file.sha256 === null ? null : await openStreamHash(this.#start);
    if (this.#signal.aborted) hash?.close();
    this.#signal.throwIfAborted();
    const { position } = hash?.state ?? this.#start;
    this.#main = {
      stream: this.#stream(position, this.size),
      window: new ByteWindow(position, { limit: this.#limits.windowBytes }),
      hash,
    };
    return this.#main;
  }

  #stream(start: number, end: number): ResumingStream {
    const { token = null, fetch = globalThis.fetch.bind(globalThis) } = this.#options;
    const access: ResumingStreamOptions['access'] = { token, fetch, signal: this.#signal };
    return new ResumingStream(this.#file, {
      start,
      end,
      access,
      limits: this.#limits,
      identity: this.#identity,
    });
  }

  /** Takes the next piece off the stream. */
  async #advance(): Promise<void> {
    const { stream, window, hash } = await this.#opened();
    const piece = await stream.next();
    window.push(piece);
    await hash?.update(piece);
    this.#options.onBytes?.(piece.byteLength);
  }

  /** From what has passed, then from the stream. */
  async #readOn(target: Uint8Array, start: number): Promise<void> {
    const { stream, window } = await this.#opened();
    while (stream.position <= start) await this.#advance();
    let filled = window.copyInto(target, start);
    while (filled < target.byteLength) {
      await this.#advance();
      filled += window.copyInto(target.subarray(filled), start + filled);
    }
  }

  async #readAside(target: Uint8Array, start: number): Promise<void> {
    const end = start + target.byteLength;
    const kept = this.#aside;
    if (kept && start >= kept.start && end <= kept.start + kept.bytes.byteLength) {
      target.set(kept.bytes.subarray(start - kept.start, end - kept.start));
      return;
    }
    const isShort = target.byteLength < this.#limits.asideBytes;
    const last = isShort ? Math.min(this.size, start + this.#limits.asideBytes) : end;
    const bytes = isShort ? new Uint8Array(last - start) : target;
    const stream = this.#stream(start, last);
    try {
      while (stream.position < last) {
        const { position } = stream;
        bytes.set(await stream.next(), position - start);
      }
    } finally {
      stream.close();
    }
    if (!isShort) return;
    target.set(bytes.subarray(0, target.byteLength));
    this.#aside = { start, bytes };
  }
}
