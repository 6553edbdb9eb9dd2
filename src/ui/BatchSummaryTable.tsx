import { memo, useMemo } from 'react';
import { measuresIn } from '../batch/batchExport.ts';
import type { BatchQueue } from '../batch/batchQueue.ts';
import { formatDifference, formatMeasure, measureChange, measures } from '../measures/measures.ts';
import styles from './BatchScatter.module.css';
import { summaryOf } from './batchRows.ts';
import { classes } from './classes.ts';

/** What all images together came to, task by task. */
export const BatchSummaryTable = memo(function BatchSummaryTable({ queue }: { queue: BatchQueue }) {
  const ids = useMemo(() => measuresIn(queue), [queue]);
  return queue.tasks.map(({ id: taskId, title, work }, task) => {
    const rows = ids.flatMap((id) => {
      const summary = summaryOf(queue, { task, id });
      return summary ? [{ id, ...summary }] : [];
    });
    const [first] = rows;
    if (!first) return null;
    const refines = work.kind === 'refine';
    return (
      <table key={taskId} className={styles.summary}>
        <caption>
          {queue.tasks.length > 1 && <b>{title}: </b>}mean of {first.count} {first.count === 1 ? 'image' : 'images'}
        </caption>
        <thead>
          <tr>
            <th scope="col">Measure</th>
            <th scope="col">{refines ? 'Before' : 'Mean'}</th>
            {refines && <th scope="col">After</th>}
            {refines && <th scope="col">Change</th>}
            {refines && <th scope="col">Better / worse</th>}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ id, before, after, better, worse }) => {
            const change = measureChange(id, { before, after });
            return (
              <tr key={id}>
                <th scope="row">{measures[id].name.replace(/ \(.*\)$/, '')}</th>
                <td>{formatMeasure(id, before)}</td>
                {refines && <td>{formatMeasure(id, after)}</td>}
                {refines && (
                  <td className={classes(change && change.verdict !== 'same' && styles[change.verdict])}>
                    {change ? formatDifference(id, change.difference) : '–'}
                  </td>
                )}
                {refines && (
                  <td>
                    {better} / {worse}
                  </td>
                )}
              </tr>
            );
          })}
        </tbody>
      </table>
    );
  });
});
