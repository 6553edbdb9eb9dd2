interface Request {
  readonly name: string;
  readonly mode: LockMode;
  grant(): void;
}

/** Web Locks among those who share it, for tests in Node: exclusive and shared, first come first served. */
export class MemoryLocks {
  readonly #held: Request[] = [];
  readonly #waiting: Request[] = [];

  request<T>(name: string, work: (lock: Lock | null) => T): Promise<Awaited<T>>;
  request<T>(name: string, options: LockOptions, work: (lock: Lock | null) => T): Promise<Awaited<T>>;
  async request<T>(
    name: string,
    optionsOrWork: LockOptions | ((lock: Lock | null) => T),
    maybeWork?: (lock: Lock | null) => T,
  ): Promise<Awaited<T>> {
    const work = maybeWork ?? (optionsOrWork as (lock: Lock | null) => T);
    const { mode = 'exclusive', ifAvailable = false, signal } = maybeWork ? (optionsOrWork as LockOptions) : {};
    signal?.throwIfAborted();
    const request = await new Promise<Request | null>((resolve, reject) => {
      const wanted: Request = { name, mode, grant: () => resolve(wanted) };
      if (this.#isFree(wanted) && !this.#waiting.some((other) => other.name === name)) {
        this.#held.push(wanted);
        resolve(wanted);
      } else if (ifAvailable) {
        resolve(null);
      } else {
        this.#waiting.push(wanted);
        signal?.addEventListener('abort', () => {
          this.#remove(this.#waiting, wanted);
          reject(signal.reason);
        });
      }
    });
    try {
      return await work(request && { name, mode });
    } finally {
      if (request) this.#remove(this.#held, request);
      this.#grant();
    }
  }

  async query(): Promise<LockManagerSnapshot> {
    return { held: this.#held.map(({ name, mode }) => ({ name, mode })), pending: [] };
  }

  #isFree({ name, mode }: Request): boolean {
    return !this.#held.some((held) => held.name === name && (held.mode === 'exclusive' || mode === 'exclusive'));
  }

  #grant(): void {
    for (const wanted of [...this.#waiting]) {
      if (!this.#isFree(wanted)) continue;
      this.#remove(this.#waiting, wanted);
      this.#held.push(wanted);
      wanted.grant();
    }
  }

  #remove(list: Request[], request: Request): void {
    const index = list.indexOf(request);
    if (index >= 0) list.splice(index, 1);
  }
}
