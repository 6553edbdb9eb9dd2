import { downloadError, isPassingStatus, lengthError, statusError } from './downloadError.ts';
import { asInterruption, Interruption, retryAfterMs, withinStall } from './interruption.ts';
import type { ResolvedFile } from './publishedFile.ts';

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
      const response = await withinStall(() => request(range, { access, connection }), { connection, ...access });
      const skip = checkResponse(response, range, access);
      if (!response.body) throw new Interruption('the server sent nothing');
      return new Transfer(range, { response, skip, connection, access });
    } catch (error) {
      connection.abort();
      throw asInterruption(error, range.file.url);
    }
  }

  /**
   * The next bytes of the range.
   * @throws {Interruption} the connection ended early or stands still
   */
  async next(): Promise<Uint8Array<ArrayBuffer>> {
    try {
      for (;;) {
        const { value, done } = await withinStall(() => this.#reader.read(), {
          connection: this.#connection,
          stallMs: this.#access.stallMs,
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
      throw asInterruption(error, this.#file.url);
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
  throw statusError(file, { status, code: headers.get('X-Error-Code'), hasToken: token !== null });
}

function numberOf(text: string | null): number | null {
  return text !== null && /^\d+$/.test(text) ? Number(text) : null;
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : '';
}
