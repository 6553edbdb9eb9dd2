import { isPassingStatus } from './downloadError.ts';
import { asInterruption, Interruption, retryAfterMs, withinStall } from './interruption.ts';
import { Patience } from './patience.ts';
import type { TransferLimits } from './transferLimits.ts';

/** How questions about files are asked. */
export interface RequestAccess {
  readonly fetch: typeof fetch;
  readonly signal: AbortSignal;
  readonly limits: TransferLimits;
}

/** Longest answer taken, in bytes: a thousand files of a tree take some 300 kB. */
const MAX_ANSWER_BYTES = 16 << 20;

/** What a server answered: at once useless to repeat, or good. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Empty unless asked for. */
  readonly text: string;
}

/**
 * Asks a server something small, again where it failed for a moment.
 * @param wants `headers`: the body is not read
 * @throws {Error} what `surrender` makes of the last failure; the signal's reason
 */
export async function ask(
  url: string,
  {
    headers,
    wants,
    access,
    surrender,
  }: {
    readonly headers: Readonly<Record<string, string>>;
    readonly wants: 'headers' | 'text';
    readonly access: RequestAccess;
    readonly surrender: (interruption: Interruption) => Error;
  },
): Promise<Answer> {
  const patience = new Patience(access.limits, access);
  for (;;) {
    const connection = new AbortController();
    const step = { connection, stallMs: access.limits.stallMs };
    try {
      const signal = AbortSignal.any([access.signal, connection.signal]);
      const response = await withinStall(
        () =>
          access.fetch(url, { headers, signal, cache: 'no-store', credentials: 'omit', referrerPolicy: 'no-referrer' }),
        step,
      );
      const { status } = response;
      if (isPassingStatus(status)) {
        throw new Interruption(`the server answered with status ${status}`, {
          retryAfterMs: retryAfterMs(response.headers),
        });
      }
      const isRead = wants === 'text' && response.ok;
      return {
        status,
        headers: response.headers,
        text: isRead ? await boundedText(response, step) : '',
      };
    } catch (error) {
      access.signal.throwIfAborted();
      const interruption = asInterruption(error, url);
      if (!(interruption instanceof Interruption)) throw interruption;
      if (!(await patience.outlast(interruption))) throw surrender(interruption);
    } finally {
      connection.abort();
    }
  }
}

async function boundedText(response: Response, step: Parameters<typeof withinStall>[1]): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  while (reader) {
    const { value, done } = await withinStall(() => reader.read(), step);
    if (done) break;
    bytes += value.byteLength;
    if (bytes > MAX_ANSWER_BYTES)
      throw new Interruption(`the server's answer is longer than ${MAX_ANSWER_BYTES} bytes`);
    text += decoder.decode(value, { stream: true });
  }
  return text + decoder.decode();
}
