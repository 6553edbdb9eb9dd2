import type { BatchOutcome } from './batch.ts';
import type { BatchQueue } from './batchQueue.ts';

/** How long entries of a task take. */
export interface BatchPace {
  /** Milliseconds of the latest, newest last, without those that models were loaded in. */
  readonly warm: readonly number[];
  /** Milliseconds of one that models were loaded in; null: there was none. */
  readonly cold: number | null;
}

/** Nothing measured. */
export const NO_PACE: BatchPace = { warm: [], cold: null };

/** How many entries the speed is measured over: enough that images with and without faults even out. */
const WINDOW = 20;

/** Time left, and whether it covers every task or only those whose speed is known. */
export interface BatchTimeLeft {
  readonly milliseconds: number;
  readonly of: 'all' | 'some';
}

/** Takes in one more entry. */
export function paceAfter({ warm, cold }: BatchPace, { took, isWarm }: { took: number; isWarm: boolean }): BatchPace {
  return isWarm ? { warm: [...warm, took].slice(-WINDOW), cold } : { warm, cold: took };
}

/** The pace of an earlier visit; the first entry of all loaded the models. */
export function paceOf(outcomes: readonly (BatchOutcome | null)[]): BatchPace {
  const done = outcomes
    .flatMap((outcome) => (outcome?.state === 'done' ? [outcome] : []))
    .sort((a, b) => a.finishedAt - b.finishedAt);
  const [first, ...others] = done;
  return { warm: others.map(({ took }) => took).slice(-WINDOW), cold: first?.took ?? null };
}

/**
 * Time left at `at`, from the mean of what was measured last; null: nothing is left, or the speed of the task at work is not known
 * yet. An entry that takes longer than usual holds the clock.
 */
export function timeLeft({ images, paces, outcomes, working }: BatchQueue, at: number): BatchTimeLeft | null {
  const waiting = paces.map((_, task) => {
    const own = outcomes.slice(task * images.length, (task + 1) * images.length);
    return own.filter((outcome) => outcome === null).length;
  });
  const first = waiting.findIndex((count) => count > 0);
  if (first < 0 || meanOf(paces[first]) === null) return null;
  let milliseconds = 0;
  let of: BatchTimeLeft['of'] = 'all';
  for (const [task, count] of waiting.entries()) {
    const mean = meanOf(paces[task]);
    if (count > 0 && mean === null) of = 'some';
    milliseconds += count * (mean ?? 0);
  }
  if (working) {
    const usual = meanOf(paces[Math.floor(working.entry / images.length)]) ?? 0;
    milliseconds -= Math.min(Math.max(0, at - working.startedAt), usual);
  }
  return { milliseconds, of };
}

function meanOf(pace: BatchPace = NO_PACE): number | null {
  const { warm, cold } = pace;
  return warm.length > 0 ? warm.reduce((sum, took) => sum + took, 0) / warm.length : cold;
}
