/**
 * The queue of a batch: a pure state machine. Its entries are images in tasks, task by task, so that models change as rarely
 * as possible. One entry is worked on at a time; whatever becomes of it, the next one follows.
 */
import type { BatchImage, BatchOutcome, BatchProblem, BatchState, BatchTask } from './batch.ts';
import { type BatchPace, NO_PACE, paceAfter, paceOf } from './batchPace.ts';

/** Failures of the same kind in a row after which the machine, not the images, is to blame: then it pauses. */
export const MOST_ALIKE = 3;

/** Errors that are an image's own: any number of them stops nothing. */
const OF_THE_IMAGE: readonly string[] = ['ImageError'];

export interface BatchQueue {
  readonly images: readonly BatchImage[];
  readonly tasks: readonly BatchTask[];
  /** What became of entry `task · images + image`; null: nothing yet. */
  readonly outcomes: readonly (BatchOutcome | null)[];
  /** Whether the next entry begins when the present one has ended. */
  readonly isRunning: boolean;
  /** The entry at work. */
  readonly working: { readonly entry: number; readonly startedAt: number } | null;
  /** Why it paused by itself; null: it did not. */
  readonly pausedBy: BatchProblem | null;
  /** Failures in a row, the latest last, while they are of the same kind. */
  readonly alike: readonly string[];
  /** How long entries take, by task. */
  readonly paces: readonly BatchPace[];
  /** The task whose models are loaded. */
  readonly warmTask: number | null;
}

/**
 * A queue that rests.
 * @param outcomes by entry, as stored; shorter where tasks were added
 */
export function openQueue(
  images: readonly BatchImage[],
  { tasks, outcomes = [] }: { tasks: readonly BatchTask[]; outcomes?: readonly (BatchOutcome | null)[] },
): BatchQueue {
  const all = Array.from({ length: images.length * tasks.length }, (_, entry) => outcomes[entry] ?? null);
  return {
    images,
    tasks,
    outcomes: all,
    isRunning: false,
    working: null,
    pausedBy: null,
    alike: [],
    paces: tasks.map((_, task) => paceOf(all.slice(task * images.length, (task + 1) * images.length))),
    warmTask: null,
  };
}

/** Image and task of an entry. @throws RangeError there is none */
export function entryOf(queue: BatchQueue, entry: number): { image: BatchImage; task: BatchTask } {
  const image = queue.images[entry % queue.images.length];
  const task = queue.tasks[Math.floor(entry / queue.images.length)];
  if (!image || !task) throw new RangeError(`A batch has no entry ${entry}`);
  return { image, task };
}

export function stateOf({ outcomes, working }: Pick<BatchQueue, 'outcomes' | 'working'>, entry: number): BatchState {
  return working?.entry === entry ? 'working' : (outcomes[entry]?.state ?? 'waiting');
}

/** How many entries are in each state. */
export function countStates(queue: BatchQueue): Readonly<Record<BatchState, number>> {
  const counts = { waiting: 0, working: 0, done: 0, failed: 0, skipped: 0 };
  for (const entry of queue.outcomes.keys()) counts[stateOf(queue, entry)] += 1;
  return counts;
}

/** The entry to begin with; null: paused, at work, or nothing waits. */
export function nextEntry(queue: BatchQueue): number | null {
  if (!queue.isRunning || queue.working) return null;
  const next = queue.outcomes.indexOf(null);
  return next < 0 ? null : next;
}

/** Goes on with what waits; without anything waiting, nothing changes. */
export function resumed(queue: BatchQueue): BatchQueue {
  const isAnyLeft = queue.outcomes.includes(null);
  return isAnyLeft ? { ...queue, isRunning: true, pausedBy: null, alike: [] } : queue;
}

/** What is at work goes on; nothing begins after it. `by`: why, where it was not the user. */
export function paused(queue: BatchQueue, by: BatchProblem | null = null): BatchQueue {
  return { ...queue, isRunning: false, pausedBy: by };
}

/** @throws RangeError the entry does not wait, or another one is at work */
export function begun(queue: BatchQueue, { entry, at }: { entry: number; at: number }): BatchQueue {
  if (queue.working || queue.outcomes[entry] !== null) throw new RangeError(`Entry ${entry} cannot begin`);
  return { ...queue, working: { entry, startedAt: at } };
}

/** The entry at work has ended. */
export function ended(queue: BatchQueue, outcome: BatchOutcome): BatchQueue {
  const { working } = queue;
  if (!working) throw new RangeError('Nothing is at work');
  const task = Math.floor(working.entry / queue.images.length);
  const outcomes = queue.outcomes.with(working.entry, outcome);
  const next: BatchQueue = {
    ...queue,
    outcomes,
    working: null,
    alike: alikeAfter(queue.alike, outcome),
    // A skipped or failed one may not have come as far as the models.
    warmTask: outcome.state === 'done' ? task : queue.warmTask,
    paces:
      outcome.state === 'done'
        ? queue.paces.with(
            task,
            paceAfter(queue.paces[task] ?? NO_PACE, { took: outcome.took, isWarm: queue.warmTask === task }),
          )
        : queue.paces,
  };
  if (next.alike.length >= MOST_ALIKE && outcome.state === 'failed') return paused(next, outcome.problem);
  return outcomes.includes(null) ? next : { ...next, isRunning: false };
}

function alikeAfter(alike: readonly string[], outcome: BatchOutcome): readonly string[] {
  if (outcome.state === 'skipped') return alike;
  if (outcome.state === 'done' || OF_THE_IMAGE.includes(outcome.problem.name)) return [];
  const { name } = outcome.problem;
  return alike.at(-1) === name ? [...alike, name] : [name];
}

/** The entry at work was stopped and waits again. */
export function returned(queue: BatchQueue): BatchQueue {
  return { ...queue, working: null };
}

/** Leaves out an entry that waits; for the one at work, stop it and end it as skipped. */
export function skipped(queue: BatchQueue, entry: number): BatchQueue {
  if (stateOf(queue, entry) !== 'waiting') return queue;
  const outcomes = queue.outcomes.with(entry, { state: 'skipped' });
  return { ...queue, outcomes, isRunning: queue.isRunning && (queue.working !== null || outcomes.includes(null)) };
}

/** Entries wait again that have failed or were skipped. @param entries which of these; default: all that failed */
export function retried(queue: BatchQueue, entries?: readonly number[]): BatchQueue {
  const again = new Set(entries ?? failedEntries(queue));
  const outcomes = queue.outcomes.map((outcome, entry) =>
    again.has(entry) && (outcome?.state === 'failed' || outcome?.state === 'skipped') ? null : outcome,
  );
  return { ...queue, outcomes };
}

/** Entries that have failed. */
export function failedEntries({ outcomes }: BatchQueue): number[] {
  return [...outcomes.keys()].filter((entry) => outcomes[entry]?.state === 'failed');
}

/** One more pass over all images, after the others. */
export function withTask(queue: BatchQueue, task: BatchTask): BatchQueue {
  return {
    ...queue,
    tasks: [...queue.tasks, task],
    outcomes: [...queue.outcomes, ...queue.images.map(() => null)],
    paces: [...queue.paces, NO_PACE],
  };
}
