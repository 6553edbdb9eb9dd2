import type { BatchResult, BatchState, BatchTask } from '../batch/batch.ts';
import type { BatchTimeLeft } from '../batch/batchPace.ts';
import { type BatchQueue, countStates } from '../batch/batchQueue.ts';
import type { BatchStep } from '../store/batchState.ts';
import type { BatchFilter, Shown } from './batchRows.ts';
import { refineStageWords, timeLeftWords } from './refineWords.ts';

/** Everything a folder's page says that depends on a value. */

/** States of an image, as shown. */
export const STATE_WORDS: Readonly<Record<BatchState, string>> = {
  waiting: 'Waiting',
  working: 'Working',
  done: 'Done',
  failed: 'Failed',
  skipped: 'Skipped',
};

/** What came out of an image that is done. */
export const OUTCOME_WORDS: Readonly<Record<BatchResult['outcome'], string>> = {
  analysed: 'Analysed',
  refined: 'Refined',
  nothingToRepair: 'Nothing to repair',
  rejected: 'Kept as it was',
};

/** Where a prompt is from. */
export const PROMPT_FROM_WORDS: Readonly<Record<BatchResult['promptFrom'], string>> = {
  list: 'prompt from the list',
  file: 'prompt from the file',
  typed: 'prompt as typed',
  none: 'no prompt',
};

export const FILTER_WORDS: Readonly<Record<BatchFilter, string>> = {
  all: 'All',
  done: 'Done',
  failed: 'Failed',
  waiting: 'Waiting',
  better: 'Better',
  worse: 'Worse',
};

export const SHOWN_WORDS: Readonly<Record<Shown, string>> = { before: 'Before', after: 'After', change: 'Change' };

/** A number of images. */
export function imagesWords(count: number): string {
  return count === 1 ? '1 image' : `${count.toLocaleString('en')} images`;
}

/** What is done of what there is to do, and what became of the rest. */
export function progressWords(queue: BatchQueue): string {
  const { done, failed, skipped } = countStates(queue);
  const parts = [`${done.toLocaleString('en')} of ${queue.outcomes.length.toLocaleString('en')} done`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (skipped > 0) parts.push(`${skipped} skipped`);
  return parts.join(' · ');
}

/** Time left of a batch. */
export function batchTimeWords({ milliseconds, of }: BatchTimeLeft): string {
  const words = timeLeftWords({ milliseconds: Math.max(1000, milliseconds), of: 'job' });
  return of === 'all' ? words : `${words}, more for what was not measured yet`;
}

/** What the image at work is at; null: nothing worth telling. */
export function stepWords(step: BatchStep | null, { work }: Pick<BatchTask, 'work'>): string | null {
  if (!step || work.kind === 'analyse') return null;
  if (step.at === 'load') return 'Loading a model';
  const words = refineStageWords(step.at, work.strategy);
  return step.total > 1 ? `${words}, step ${Math.min(step.done + 1, step.total)} of ${step.total}` : words;
}
