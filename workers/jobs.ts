import { abortError } from '../src/errors.ts';

/**
 * The jobs a worker is running. An `AbortSignal` does not cross to a worker, so the page cancels by id and the job checks
 * the signal it was given here.
 */
export class Jobs {
  readonly #controllers = new Map<string, AbortController>();

  /** Runs `work` under `jobId`; `cancel(jobId)` aborts its signal. */
  async run<T>(jobId: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#controllers.has(jobId)) throw new RangeError(`A job "${jobId}" is already running`);
    const controller = new AbortController();
    this.#controllers.set(jobId, controller);
    try {
      return await work(controller.signal);
    } finally {
      this.#controllers.delete(jobId);
    }
  }

  /**
   * Unknown ids are ignored: the job may have ended meanwhile.
   * @param reason what the job rejects with; an `AbortError`, this by default
   */
  cancel(jobId: string, reason: Error = abortError()): void {
    this.#controllers.get(jobId)?.abort(reason);
  }
}

/** Stops a job so that what it has done is deleted. */
export function discarded(): Error {
  return Object.assign(abortError('The job was cancelled'), { isDiscarded: true });
}

/** Whether a job was stopped by {@link discarded}. */
export function isDiscarded({ reason }: AbortSignal): boolean {
  return (reason as { isDiscarded?: boolean } | undefined)?.isDiscarded === true;
}
