import type { Interruption } from './interruption.ts';
import type { TransferLimits } from './transferLimits.ts';

/** Decides how often something that keeps failing is tried again, and how long is waited before. */
export class Patience {
  readonly #limits: Pick<TransferLimits, 'attempts' | 'firstPauseMs' | 'longestPauseMs'>;
  readonly #signal: AbortSignal;
  #failures = 0;

  constructor(
    limits: Pick<TransferLimits, 'attempts' | 'firstPauseMs' | 'longestPauseMs'>,
    { signal }: { signal: AbortSignal },
  ) {
    this.#limits = limits;
    this.#signal = signal;
  }

  /** Something has come: the next failure is the first again. */
  renew(): void {
    this.#failures = 0;
  }

  /**
   * Waits after a failure, longer each time and at least as long as the server asks, within the limit.
   * @returns false: it has failed too often
   * @throws the signal's reason
   */
  async outlast({ retryAfterMs }: Interruption): Promise<boolean> {
    const { attempts, firstPauseMs, longestPauseMs } = this.#limits;
    this.#failures++;
    if (this.#failures >= attempts) return false;
    // Spread, so that those whom one failure cut off do not all come back at once.
    const growing = firstPauseMs * 2 ** (this.#failures - 1) * (0.5 + Math.random() / 2);
    await pause(Math.min(longestPauseMs, Math.max(growing, retryAfterMs ?? 0)), this.#signal);
    return true;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}
