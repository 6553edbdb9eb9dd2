import { memo } from 'react';
import type { BatchOutcome } from '../batch/batch.ts';
import { type BatchQueue, entryOf } from '../batch/batchQueue.ts';
import { entryName } from '../batch/batchRecord.ts';
import { formatDifference, formatMeasure, type MeasureId, measureChange } from '../measures/measures.ts';
import { batchFiles } from '../store/batchWork.ts';
import { BatchPicture } from './BatchPicture.tsx';
import styles from './BatchTable.module.css';
import { entryLabel, type Shown, shownValue } from './batchRows.ts';
import { OUTCOME_WORDS, PROMPT_FROM_WORDS, STATE_WORDS } from './batchWords.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import { useAppStore } from './StoreContext.tsx';

interface RowProps {
  queue: BatchQueue;
  entry: number;
  outcome: BatchOutcome | null;
  isWorking: boolean;
  columns: readonly MeasureId[];
  shown: Shown;
  rowIndex: number;
  isHighlighted: boolean;
}

/** One image in one task. */
export const BatchRow = memo(
  function BatchRow({ queue, entry, outcome, isWorking, columns, shown, rowIndex, isHighlighted }: RowProps) {
    const store = useAppStore();
    const { image, task } = entryOf(queue, entry);
    const index = entry % queue.images.length;
    const name = entryName(index, task);
    const result = outcome?.state === 'done' ? outcome.result : null;
    const thumbnail = batchFiles.thumbnail(index);
    // Pictures made anew have the same names.
    const version = outcome?.state === 'done' ? String(outcome.finishedAt) : (outcome?.state ?? 'none');
    const isRefined = result?.outcome === 'refined';
    const open = () => void store.getState().openEntry(entry);
    const prompt = result?.prompt ?? image.prompt ?? '';
    return (
      <tr className={classes(styles.row, isHighlighted && styles.highlighted)} aria-rowindex={rowIndex}>
        <td className={styles.pictureColumn}>
          <button type="button" className={styles.open} tabIndex={-1} aria-hidden="true" onClick={open}>
            <BatchPicture names={[thumbnail]} version={version} />
          </button>
        </td>
        {(['pq', 'aq'] as const).map((map) => (
          <td key={map} className={styles.pictureColumn}>
            {result && (map === 'pq' || result.before.match !== undefined) && (
              <BatchPicture names={[thumbnail, batchFiles.map(name, { map, when: 'before' })]} version={version} />
            )}
          </td>
        ))}
        {queue.tasks.some(({ work }) => work.kind === 'refine') && (
          <td className={styles.pictureColumn}>
            {isRefined && <BatchPicture names={[batchFiles.refinedThumbnail(name)]} version={version} />}
          </td>
        )}
        <th scope="row" className={styles.fileColumn}>
          <button
            type="button"
            className={styles.name}
            title={`Open ${image.path}`}
            aria-label={`Open ${entryLabel(queue, entry)}`}
            onClick={open}
          >
            {image.path}
          </button>
          {outcome?.state === 'failed' ? (
            <span className={styles.failure} title={outcome.problem.message}>
              {outcome.problem.message}
            </span>
          ) : (
            <span className={styles.prompt} title={result ? PROMPT_FROM_WORDS[result.promptFrom] : undefined}>
              {prompt || (result ? 'no prompt' : '')}
            </span>
          )}
        </th>
        {queue.tasks.length > 1 && (
          <td className={styles.task}>
            <span title={task.title}>{task.title}</span>
          </td>
        )}
        <td className={styles.stateColumn}>
          <State entry={entry} outcome={outcome} isWorking={isWorking} />
        </td>
        {columns.map((id) => (
          <Value key={id} id={id} queue={queue} entry={entry} shown={shown} />
        ))}
      </tr>
    );
  },
  // The queue is another one after every image; a row changes with its own outcome.
  (before, after) =>
    before.outcome === after.outcome &&
    before.isWorking === after.isWorking &&
    before.columns.join() === after.columns.join() &&
    before.shown === after.shown &&
    before.rowIndex === after.rowIndex &&
    before.isHighlighted === after.isHighlighted &&
    before.queue.tasks === after.queue.tasks &&
    before.queue.images === after.queue.images,
);

function State({ entry, outcome, isWorking }: { entry: number; outcome: BatchOutcome | null; isWorking: boolean }) {
  const store = useAppStore();
  const state = isWorking ? 'working' : (outcome?.state ?? 'waiting');
  const words = outcome?.state === 'done' ? OUTCOME_WORDS[outcome.result.outcome] : STATE_WORDS[state];
  return (
    <span className={classes(styles.state, styles[state])}>
      {state === 'working' && <Icon name="spinner" size={13} className={controls.spinner} />}
      {state === 'failed' && <Icon name="alert" size={13} />}
      <span>{words}</span>
      {(state === 'waiting' || state === 'working') && (
        <button type="button" className={styles.action} onClick={() => store.getState().skipEntry(entry)}>
          Skip
        </button>
      )}
      {(state === 'failed' || state === 'skipped') && (
        <button type="button" className={styles.action} onClick={() => void store.getState().retryEntries([entry])}>
          {state === 'failed' ? 'Retry' : 'Do it'}
        </button>
      )}
    </span>
  );
}

function Value({ id, queue, entry, shown }: { id: MeasureId; queue: BatchQueue; entry: number; shown: Shown }) {
  const value = shownValue(queue, { entry, id, shown });
  const outcome = queue.outcomes[entry];
  const result = outcome?.state === 'done' ? outcome.result : null;
  const [before, after] = [result?.before[id] ?? null, result?.after?.[id] ?? null];
  const change = measureChange(id, { before, after });
  const isTold = change !== null && shown !== 'before' && change.verdict !== 'same';
  return (
    <td
      className={classes(styles.number, isTold && styles[change.verdict])}
      title={after === null ? undefined : `${formatMeasure(id, before)} before, ${formatMeasure(id, after)} after`}
    >
      {value === null ? '' : shown === 'change' ? formatDifference(id, value) : formatMeasure(id, value)}
      {isTold && <Icon name={change.verdict === 'better' ? 'better' : 'worse'} size={10} />}
      {isTold && <span className={controls.hidden}>{change.verdict}</span>}
    </td>
  );
}
