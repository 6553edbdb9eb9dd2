/** Progress is told at most this often, ms: nobody reads faster, and the page has better things to do. */
export const PROGRESS_INTERVAL = 80;

/** Passes progress on at a readable pace. */
export interface ThrottledProgress<Progress> {
  tell(progress: Progress): void;
  /** Forgets what is not told yet. */
  stop(): void;
}

/**
 * Passes progress on at once where its stage is new, else at most every {@link PROGRESS_INTERVAL}; the last one is always
 * told, for a long step may follow it.
 */
export function throttledProgress<Progress extends { readonly stage: string }>(
  pass: (progress: Progress) => void,
): ThrottledProgress<Progress> {
  let stage: string | null = null;
  let kept: Progress | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const rest = () => {
    timer = setTimeout(() => {
      timer = undefined;
      if (kept === null) return;
      const progress = kept;
      kept = null;
      rest();
      pass(progress);
    }, PROGRESS_INTERVAL);
  };
  const stop = () => {
    clearTimeout(timer);
    timer = undefined;
    kept = null;
  };
  return {
    tell: (progress) => {
      if (timer !== undefined && progress.stage === stage) {
        kept = progress;
        return;
      }
      stop();
      stage = progress.stage;
      rest();
      pass(progress);
    },
    stop,
  };
}
