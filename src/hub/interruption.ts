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

/** Runs one step of a request; gives its connection up when it takes too long. */
export async function withinStall<T>(
  step: () => Promise<T>,
  { connection, stallMs }: { connection: AbortController; stallMs: number },
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Interruption(`no byte came for ${stallMs / 1000} seconds`));
      connection.abort();
    }, stallMs);
  });
  try {
    return await Promise.race([step(), stalled]);
  } finally {
    clearTimeout(timer);
  }
}

/** What `fetch` and streams throw is a network that failed; everything else is passed on. */
export function asInterruption(error: unknown, url: string): unknown {
  if (!(error instanceof TypeError)) return error;
  return new Interruption(
    globalThis.navigator?.onLine === false
      ? 'this machine is offline'
      : `the connection to ${new URL(url).host} failed`,
    { cause: error },
  );
}

/** Milliseconds a server asks to wait, in seconds or as a date; null where it is missing or hidden from pages of other origins. */
export function retryAfterMs(headers: Headers): number | null {
  const value = headers.get('Retry-After');
  if (value === null) return null;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}
