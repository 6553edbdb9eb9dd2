import { downloadError, isPassingStatus, lengthError, statusError } from './downloadError.ts';
import type { ResolvedFile } from './publishedFile.ts';

/** A failure that may pass: the network, a busy server, a connection that ended early. */
export class Interruption extends Error {
  /** Milliseconds the server asks to wait; null: it does not say. */
  readonly retryAfterMs: number | null;

  /** @param message what happened, as part of a sentence */
  constructor(
    message: string,
    { retryAfterMs = null, ...options }: ErrorOptions & { retryAfterMs?: number | null } = {},
  ) {
    super(message, options);
    this.retryAfterMs = retryAfterMs;
  }
}

/** How requests are made. */
export interface TransferAccess {
  /** Sent with requests to the hub. Browsers and Node drop it where they are sent on to another origin (Fetch standard). */
  readonly token: string | null;
  readonly fetch: typeof fetch;
  readonly signal: AbortSignal;
  readonly stallMs: number;
}

/** What a response says of the file, to be compared with the next one's. */
export interface Validator {
  readonly origin: string;
  readonly etag: string;
}

/**
 * One request for bytes `[start, end)` of a published file, and its answer, read piece by piece. Every answer is checked: it
 * has to be of the file that was resolved. Owns the connection: call `close`.
 */
export class Transfer {
  /** Null where the server shows no ETag to pages of other origins. */
  readonly validator: Validator | null;
  readonly #file: ResolvedFile;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #connection: AbortController;
  readonly #access: TransferAccess;
  #left: number;
  /** Bytes before the range, sent by a server that does not know ranges. */
  #skip: number;

  private constructor(
    { file, start, end }: RangeOfFile,
    { response, skip, connection, access }: OpenedResponse & { access: TransferAccess },
  ) {
    this.#file = file;
    this.#left = end - start;
    this.#skip = skip;
    this.#connection = connection;
    this.#access = access;
    const etag = response.headers.get('ETag')?.replace(/^W\//, '');
    this.validator = etag ? { origin: originOf(response.url), etag } : null;
    this.#reader = (response.body as ReadableStream<Uint8Array<ArrayBuffer>>).getReader();
  }

  /**
   * @param range `mostSkipped`: bytes that may be read in vain where the server sends the file from its start
   * @throws {Interruption} the request may be repeated
   * @throws {UserError} `DownloadError`: it is useless to repeat it
   */
  static async open(range: RangeOfFile & { readonly mostSkipped: number }, access: TransferAccess): Promise<Transfer> {
    const connection = new AbortController();
    try {
      const response = await stalling(() => request(range, { access, connection }), { connection, access });
      const skip = checkResponse(response, range, access);
      if (!response.body) throw new Interruption('the server sent nothing');
      return new Transfer(range, { response, skip, connection, access });
    } catch (error) {
      connection.abort();
      throw asInterruption(error, range.file);
    }
  }

  /**
   * The next bytes of the range.
   * @throws {Interruption} the connection ended early or stands still
   */
  async next(): Promise<Uint8Array<ArrayBuffer>> {
    try {
      for (;;) {
        const { value, done } = await stalling(() => this.#reader.read(), {
          connection: this.#connection,
          access: this.#access,
        });
        if (done) throw new Interruption('the connection ended early');
        const skipped = Math.min(this.#skip, value.byteLength);
        this.#skip -= skipped;
        const bytes = value.subarray(skipped);
        if (bytes.byteLength === 0) continue;
        // A server without ranges goes on to the end of the file.
        const wanted = bytes.subarray(0, this.#left);
        this.#left -= wanted.byteLength;
        return wanted;
      }
    } catch (error) {
      this.close();
      throw asInterruption(error, this.#file);
    }
  }

  /** Ends the connection, however far it came. */
  close(): void {
    this.#connection.abort();
  }
}

interface RangeOfFile {
  readonly file: ResolvedFile;
  readonly start: number;
  readonly end: number;
}

interface OpenedResponse {
  readonly response: Response;
  readonly skip: number;
  readonly connection: AbortController;
}

/**
 * `Range` in this form is a header that pages may send to other origins without asking first, and with it no server compresses.
 * `If-Range` is not, and the networks that deliver the hub's files do not answer such questions: ETags are compared here instead.
 */
function request(
  { file, start, end }: RangeOfFile,
  { access, connection }: { access: TransferAccess; connection: AbortController },
): Promise<Response> {
  const headers: Record<string, string> = { Range: `bytes=${start}-${end === file.bytes ? '' : end - 1}` };
  if (access.token !== null && file.host === 'hub') headers.Authorization = `Bearer ${access.token}`;
  return access.fetch(file.url, {
    headers,
    signal: AbortSignal.any([access.signal, connection.signal]),
    cache: 'no-store',
    credentials: 'omit',
    referrerPolicy: 'no-referrer',
  });
}

/** @returns bytes to skip before the range begins */
function checkResponse(
  response: Response,
  { file, start, end, mostSkipped }: RangeOfFile & { mostSkipped: number },
  { token }: TransferAccess,
): number {
  const { status, headers } = response;
  if (isPassingStatus(status)) {
    throw new Interruption(`the server answered with status ${status}`, { retryAfterMs: retryAfterMs(headers) });
  }
  const length = headers.has('Content-Encoding') ? null : numberOf(headers.get('Content-Length'));
  const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(headers.get('Content-Range') ?? '');
  const total = numberOf(range?.[2] ?? null);
  if (total !== null && total !== file.bytes) throw lengthError(file, { found: total, expected: file.bytes });
  if (status === 206) {
    const first = numberOf(range?.[1] ?? null);
    if (first !== null && first !== start) {
      throw downloadError(file, `the server sent byte ${first} on, expected ${start}; try another mirror`);
    }
    if (length !== null && length > end - start) {
      throw lengthError(file, { found: start + length, expected: file.bytes });
    }
    return 0;
  }
  if (status === 200) {
    if (length !== null && length !== file.bytes) throw lengthError(file, { found: length, expected: file.bytes });
    if (start > mostSkipped) {
      throw downloadError(
        file,
        `the server cannot send it from the middle, at byte ${start} (it ignores range requests); try another mirror`,
      );
    }
    return start;
  }
  if (status === 416) {
    throw downloadError(
      file,
      `the server has nothing at byte ${start}, expected ${file.bytes} bytes; the file was replaced, or a mirror is out of date: add the model again`,
    );
  }
  throw statusError(file, { status, hasToken: token !== null });
}

/** Runs one step of a transfer; gives the connection up when it takes too long. */
async function stalling<T>(
  step: () => Promise<T>,
  { connection, access }: { connection: AbortController; access: TransferAccess },
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Interruption(`no byte came for ${access.stallMs / 1000} seconds`));
      connection.abort();
    }, access.stallMs);
  });
  try {
    return await Promise.race([step(), stalled]);
  } finally {
    clearTimeout(timer);
  }
}

/** What `fetch` and streams throw is a network that failed; everything else is passed on. */
function asInterruption(error: unknown, { url }: ResolvedFile): unknown {
  if (!(error instanceof TypeError)) return error;
  return new Interruption(
    globalThis.navigator?.onLine === false
      ? 'this machine is offline'
      : `the connection to ${new URL(url).host} failed`,
    { cause: error },
  );
}

/** Seconds or a date, as HTTP has it; null where it is missing or hidden from pages of other origins. */
function retryAfterMs(headers: Headers): number | null {
  const value = headers.get('Retry-After');
  if (value === null) return null;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

function numberOf(text: string | null): number | null {
  return text !== null && /^\d+$/.test(text) ? Number(text) : null;
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : '';
}
