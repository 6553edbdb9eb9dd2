import type { Json } from '../image/json.ts';
import { type MeasureId, measureChange, measureIds } from '../measures/measures.ts';
import { type Cell, writeCsv } from '../table/csv.ts';
import type { BatchOutcome, BatchValues } from './batch.ts';
import { type BatchQueue, entryOf, stateOf } from './batchQueue.ts';

/** Decimals of measures: finer than any of them is certain. */
const DECIMALS = 5;

const rounded = (value: number | null | undefined): number | null =>
  value == null ? null : Number(value.toFixed(DECIMALS));

/** Measures that any entry has, in their usual order. */
export function measuresIn(queue: BatchQueue): readonly MeasureId[] {
  const found = new Set<string>();
  for (const outcome of queue.outcomes) {
    if (outcome?.state !== 'done') continue;
    for (const values of [outcome.result.before, outcome.result.after ?? {}]) {
      for (const id of Object.keys(values)) found.add(id);
    }
  }
  return measureIds.filter((id) => found.has(id));
}

/** Whether any task repairs, so that there is a before and an after. */
export function hasRefining({ tasks }: Pick<BatchQueue, 'tasks'>): boolean {
  return tasks.some(({ work }) => work.kind === 'refine');
}

/** The table as CSV: a line for each image in each task, measures as `quality`, `quality_after` and `quality_change`. */
export function batchCsv(queue: BatchQueue): string {
  const measured = measuresIn(queue);
  const refines = hasRefining(queue);
  const columns = measured.flatMap((id) => (refines ? [id, `${id}_after`, `${id}_change`] : [id]));
  const header = ['file', 'task', 'state', 'outcome', ...columns];
  const more = ['prompt', 'prompt_from', 'width', 'height', 'model', 'strategy', 'seed', 'regions', 'regions_kept'];
  const rows = queue.outcomes.map((outcome, entry): Cell[] => {
    const { image, task } = entryOf(queue, entry);
    const result = outcome?.state === 'done' ? outcome.result : null;
    const values = measured.flatMap((id): Cell[] => {
      const before = result?.before[id] ?? null;
      const after = result?.after?.[id] ?? null;
      if (!refines) return [rounded(before)];
      return [rounded(before), rounded(after), rounded(measureChange(id, { before, after })?.difference)];
    });
    const { work } = task;
    return [
      image.path,
      task.title,
      stateOf(queue, entry),
      result?.outcome ?? null,
      ...values,
      result?.prompt ?? image.prompt,
      result?.promptFrom ?? null,
      result?.width ?? null,
      result?.height ?? null,
      result?.model ?? null,
      work.kind === 'refine' ? work.strategy : null,
      work.kind === 'refine' ? work.seed : null,
      result?.regions?.tried ?? null,
      result?.regions?.kept ?? null,
      outcome?.state === 'done' ? rounded(outcome.took / 1000) : null,
      outcome?.state === 'failed' ? `${outcome.problem.name}: ${outcome.problem.message}` : null,
    ];
  });
  return writeCsv([[...header, ...more, 'seconds', 'problem'], ...rows]);
}

/** Everything the table is made of, tasks with all their settings. */
export function batchJson(queue: BatchQueue, { name, version }: { name: string; version: string }): Json {
  return {
    format: 1,
    generator: `g-refine ${version}`,
    name,
    tasks: JSON.parse(JSON.stringify(queue.tasks)) as Json,
    images: queue.images.map(({ path, size, prompt }, index) => ({
      file: path,
      bytes: size,
      listedPrompt: prompt,
      results: queue.tasks.map(({ id }, task) => {
        const entry = task * queue.images.length + index;
        return { task: id, ...outcomeJson(queue.outcomes[entry] ?? null, stateOf(queue, entry)) };
      }),
    })),
  };
}

function outcomeJson(outcome: BatchOutcome | null, state: string): { readonly [key: string]: Json } {
  if (outcome?.state === 'failed') return { state, problem: { ...outcome.problem } };
  if (outcome?.state !== 'done') return { state };
  const { before, after, regions, ...rest } = outcome.result;
  return {
    state,
    ...rest,
    hints: [...rest.hints],
    regions: regions && { ...regions },
    before: roundedValues(before),
    after: after && roundedValues(after),
    seconds: rounded(outcome.took / 1000),
    finishedAt: new Date(outcome.finishedAt).toISOString(),
  };
}

function roundedValues(values: BatchValues): { readonly [key: string]: Json } {
  return Object.fromEntries(Object.entries(values).map(([id, value]) => [id, rounded(value)]));
}

/**
 * Paths for the refined pictures of entries, as of the originals: `cats/01.png` gives `cats/01-refined.png`; in a folder for each task
 * where several refine. No two are the same, upper and lower case being one.
 * @param extension without dot
 */
export function refinedPaths(
  queue: BatchQueue,
  { entries, extension }: { entries: readonly number[]; extension: string },
): readonly string[] {
  const isOne = queue.tasks.filter(({ work }) => work.kind === 'refine').length < 2;
  const used = new Set<string>();
  return entries.map((entry) => {
    const { image, task } = entryOf(queue, entry);
    const base = image.path.replace(/\.[^./]+$/, '');
    const folder = isOne ? '' : `${task.title.replaceAll(/[^\p{L}\p{N} _.-]+/gu, '-').replace(/^\.+/, '') || task.id}/`;
    for (let copy = 1; ; copy++) {
      const path = `${folder}${base}-refined${copy > 1 ? `-${copy}` : ''}.${extension}`;
      const key = path.normalize('NFC').toLowerCase();
      if (used.has(key)) continue;
      used.add(key);
      return path;
    }
  });
}
