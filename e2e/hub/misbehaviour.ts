import type { HubFile } from './hubFiles.ts';

/** What a server can do wrong with one request. Offsets are bytes of the file. */
export interface Misbehaviour {
  /** Answers with this status and nothing else. */
  readonly status?: number;
  /** Sent with `status`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends the answer here, properly, without having said how long it would be. */
  readonly truncateAt?: number;
  /** Destroys the connection here. */
  readonly dropAt?: number;
  /** Sends nothing more from here on, and keeps the connection. */
  readonly stallAt?: number;
  /** Says that the file has this length, and sends what it has. */
  readonly claimedSize?: number;
  /** Inverts this byte. */
  readonly flipByteAt?: number;
  /** Sends the whole file whatever range was asked for. */
  readonly ignoresRanges?: boolean;
  /** Sends another file. */
  readonly replacedBy?: HubFile;
  readonly bytesPerSecond?: number;
}

/** A misbehaviour and the requests it strikes. */
export interface Rule extends Misbehaviour {
  /** Requests whose path has this in it, on any of the server's routes. */
  readonly path: string;
  /** Requests to leave alone first; none by default. */
  readonly after?: number;
  /** Requests to strike; all by default. */
  readonly times?: number;
  /** Strikes only who asks for a later part of a file, to go on where an answer ended. */
  readonly onlyResuming?: boolean;
}

/** Rules in force; the first that strikes a request decides. */
export class Rules {
  readonly #rules: { readonly rule: Rule; seen: number }[] = [];

  add(rule: Rule): void {
    this.#rules.push({ rule, seen: 0 });
  }

  clear(): void {
    this.#rules.length = 0;
  }

  /** Counts the request, and tells what to do wrong with it. */
  strike(path: string, range: string | undefined): Misbehaviour {
    const isResuming = /^bytes=[1-9]/.test(range ?? '');
    for (const entry of this.#rules) {
      const { rule } = entry;
      if (!path.includes(rule.path) || (rule.onlyResuming && !isResuming)) continue;
      const turn = entry.seen++ - (rule.after ?? 0);
      if (turn >= 0 && turn < (rule.times ?? Number.POSITIVE_INFINITY)) return rule;
    }
    return {};
  }
}
