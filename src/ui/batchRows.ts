import type { BatchState, BatchValues } from '../batch/batch.ts';
import { type BatchQueue, entryOf, stateOf } from '../batch/batchQueue.ts';
import { type MeasureId, measureChange, measures } from '../measures/measures.ts';

/** Which of its values a table shows of a measure. */
export type Shown = 'before' | 'after' | 'change';

/** What a table is sorted by. */
export type SortKey = 'file' | 'task' | 'state' | MeasureId;

/** How a table is sorted. */
export interface Sorting {
  readonly by: SortKey;
  readonly ascending: boolean;
}

/** Which entries a table shows. */
export type BatchFilter = 'all' | 'done' | 'failed' | 'waiting' | 'better' | 'worse';

const STATE_ORDER: readonly BatchState[] = ['working', 'failed', 'waiting', 'skipped', 'done'];

/** Values of an entry; null: it has none (yet). */
export function valuesOf(
  { outcomes }: Pick<BatchQueue, 'outcomes'>,
  entry: number,
): { readonly before: BatchValues; readonly after: BatchValues | null } | null {
  const outcome = outcomes[entry];
  return outcome?.state === 'done' ? outcome.result : null;
}

/** A value of an entry as the table shows it; `after` of what was not refined is its only value. */
export function shownValue(
  queue: Pick<BatchQueue, 'outcomes'>,
  { entry, id, shown }: { entry: number; id: MeasureId; shown: Shown },
): number | null {
  const values = valuesOf(queue, entry);
  if (!values) return null;
  const before = values.before[id] ?? null;
  const after = values.after?.[id] ?? null;
  if (shown === 'before') return before;
  if (shown === 'after') return values.after ? after : before;
  return measureChange(id, { before, after })?.difference ?? null;
}

/** Whether an entry got better or worse by a measure; null: it was not refined. */
export function verdictOf(queue: Pick<BatchQueue, 'outcomes'>, entry: number, id: MeasureId = 'quality') {
  const values = valuesOf(queue, entry);
  if (!values?.after) return null;
  return measureChange(id, { before: values.before[id] ?? null, after: values.after[id] ?? null })?.verdict ?? null;
}

/** Entries that a table shows, sorted; what has no value comes last either way. */
export function sortedEntries(
  queue: BatchQueue,
  { sorting, shown, filter }: { sorting: Sorting; shown: Shown; filter: BatchFilter },
): readonly number[] {
  const { by, ascending } = sorting;
  const entries = [...queue.outcomes.keys()].filter((entry) => passes(queue, entry, filter));
  const count = queue.images.length;
  const sign = ascending ? 1 : -1;
  if (by === 'file') return entries.sort((a, b) => sign * ((a % count) - (b % count)) || a - b);
  if (by === 'task') return entries.sort((a, b) => sign * (Math.floor(a / count) - Math.floor(b / count)) || a - b);
  if (by === 'state') {
    const place = (entry: number) => STATE_ORDER.indexOf(stateOf(queue, entry));
    return entries.sort((a, b) => sign * (place(a) - place(b)) || a - b);
  }
  const value = new Map(entries.map((entry) => [entry, shownValue(queue, { entry, id: by, shown })]));
  return entries.sort((a, b) => {
    const [x, y] = [value.get(a) ?? null, value.get(b) ?? null];
    if (x === null || y === null) return Number(x === null) - Number(y === null) || a - b;
    return sign * (x - y) || a - b;
  });
}

function passes(queue: BatchQueue, entry: number, filter: BatchFilter): boolean {
  const state = stateOf(queue, entry);
  switch (filter) {
    case 'all':
      return true;
    case 'waiting':
      return state === 'waiting' || state === 'working';
    case 'better':
    case 'worse':
      return verdictOf(queue, entry) === filter;
    default:
      return state === filter;
  }
}

/** How many entries each filter shows. */
export function filterCounts(queue: BatchQueue): Readonly<Record<BatchFilter, number>> {
  const counts = { all: 0, done: 0, failed: 0, waiting: 0, better: 0, worse: 0 };
  for (const entry of queue.outcomes.keys()) {
    for (const filter of Object.keys(counts) as BatchFilter[]) if (passes(queue, entry, filter)) counts[filter] += 1;
  }
  return counts;
}

/** Where a sort begins: worst first for what can be bad. */
export function firstDirection(by: SortKey): boolean {
  return by === 'file' || by === 'task' || by === 'state' || measures[by].higherIsBetter;
}

/** What a measure came to over all images of a task that have it. */
export interface BatchSummary {
  readonly count: number;
  readonly before: number;
  /** Null: the task refines nothing. */
  readonly after: number | null;
  readonly better: number;
  readonly worse: number;
}

/** Means of a measure; null: no image has it. Before and after are of the same images. */
export function summaryOf(queue: BatchQueue, { task, id }: { task: number; id: MeasureId }): BatchSummary | null {
  const count = queue.images.length;
  const refines = queue.tasks[task]?.work.kind === 'refine';
  const before: number[] = [];
  const after: number[] = [];
  let better = 0;
  let worse = 0;
  for (let entry = task * count; entry < (task + 1) * count; entry++) {
    const values = valuesOf(queue, entry);
    const [x, y] = [values?.before[id], values?.after?.[id]];
    if (x === undefined || (refines && y === undefined)) continue;
    before.push(x);
    if (y !== undefined) after.push(y);
    const verdict = verdictOf(queue, entry, id);
    if (verdict === 'better') better += 1;
    if (verdict === 'worse') worse += 1;
  }
  if (before.length === 0) return null;
  return { count: before.length, before: mean(before), after: refines ? mean(after) : null, better, worse };
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** What is plotted against what. */
export interface Axis {
  readonly id: MeasureId;
  readonly when: 'before' | 'after';
}

/** One point of the plot. */
export interface PlotPoint {
  readonly entry: number;
  readonly task: number;
  readonly x: number;
  readonly y: number;
}

/** A point for each entry that has both values. */
export function plotPoints(queue: BatchQueue, { x, y }: { x: Axis; y: Axis }): readonly PlotPoint[] {
  const at = (entry: number, { id, when }: Axis) => valuesOf(queue, entry)?.[when]?.[id] ?? null;
  return [...queue.outcomes.keys()].flatMap((entry) => {
    const [xValue, yValue] = [at(entry, x), at(entry, y)];
    if (xValue === null || yValue === null) return [];
    return [{ entry, task: Math.floor(entry / queue.images.length), x: xValue, y: yValue }];
  });
}

/**
 * A range of round numbers around values, with at most six ticks.
 * @returns `null` where there are none
 */
export function niceRange(values: readonly number[]): { min: number; max: number; ticks: readonly number[] } | null {
  if (values.length === 0) return null;
  const low = values.reduce((least, value) => Math.min(least, value));
  const high = values.reduce((most, value) => Math.max(most, value));
  const spread = high - low || Math.abs(high) || 1;
  const rough = spread / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const min = Math.floor(low / step) * step;
  const max = Math.max(Math.ceil(high / step) * step, min + step);
  const ticks = Array.from({ length: Math.round((max - min) / step) + 1 }, (_, i) => min + i * step);
  return { min, max, ticks };
}

/** The name of an entry for those who do not see its picture. */
export function entryLabel(queue: BatchQueue, entry: number): string {
  const { image, task } = entryOf(queue, entry);
  return queue.tasks.length > 1 ? `${image.path}, ${task.title}` : image.path;
}
