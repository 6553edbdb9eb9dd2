import { memo, useMemo, useRef, useState } from 'react';
import { hasRefining, measuresIn } from '../batch/batchExport.ts';
import type { BatchQueue } from '../batch/batchQueue.ts';
import { type MeasureId, measures } from '../measures/measures.ts';
import { BatchRow } from './BatchRow.tsx';
import styles from './BatchTable.module.css';
import {
  type BatchFilter,
  filterCounts,
  firstDirection,
  type Shown,
  type Sorting,
  type SortKey,
  sortedEntries,
} from './batchRows.ts';
import { FILTER_WORDS, SHOWN_WORDS } from './batchWords.ts';
import { classes } from './classes.ts';
import { Icon } from './Icon.tsx';
import segments from './StageToolbar.module.css';
import { useRowWindow } from './useRowWindow.ts';

/** Height of a row and of the head, px; the style sheet says the same. */
const ROW_HEIGHT = 64;
const HEAD_HEIGHT = 34;

/** The results: sortable, filtered, a line for each image in each task. */
export const BatchTable = memo(function BatchTable({
  queue,
  highlighted,
}: {
  queue: BatchQueue;
  /** The entry pointed at in the plot. */
  highlighted: number | null;
}) {
  const [sorting, setSorting] = useState<Sorting>({ by: 'file', ascending: true });
  const [shown, setShown] = useState<Shown>('after');
  const [filter, setFilter] = useState<BatchFilter>('all');
  const scroller = useRef<HTMLDivElement>(null);
  const refines = hasRefining(queue);
  const columns = useMemo(() => measuresIn(queue), [queue]);
  const counts = useMemo(() => filterCounts(queue), [queue]);
  // A filter that nothing passes any more would leave an empty table behind, and no button to leave it by.
  const used = counts[filter] > 0 ? filter : 'all';
  const entries = useMemo(() => sortedEntries(queue, { sorting, shown, filter: used }), [queue, sorting, shown, used]);
  const { first, end } = useRowWindow(scroller, {
    count: entries.length,
    rowHeight: ROW_HEIGHT,
    headHeight: HEAD_HEIGHT,
  });
  const sortBy = (by: SortKey) =>
    setSorting(sorting.by === by ? { by, ascending: !sorting.ascending } : { by, ascending: firstDirection(by) });
  const head = { sorting, onSort: sortBy };
  const width = 5 + (queue.tasks.length > 1 ? 1 : 0) + (refines ? 1 : 0) + columns.length;

  return (
    <section className={styles.results} aria-label="Results">
      <div className={styles.tools}>
        <Choice label="Show images" value={used} onValue={setFilter}>
          {(Object.keys(FILTER_WORDS) as BatchFilter[])
            .filter((value) => value === 'all' || (counts[value] > 0 && counts[value] < counts.all))
            .map((value) => ({ value, words: `${FILTER_WORDS[value]} ${counts[value].toLocaleString('en')}` }))}
        </Choice>
        {refines && (
          <Choice label="Values" value={shown} onValue={setShown}>
            {(Object.keys(SHOWN_WORDS) as Shown[]).map((value) => ({ value, words: SHOWN_WORDS[value] }))}
          </Choice>
        )}
      </div>
      <div ref={scroller} className={styles.scroller} tabIndex={-1}>
        <table className={styles.table} aria-rowcount={entries.length + 1}>
          <thead>
            <tr aria-rowindex={1}>
              <th scope="col" className={styles.pictureColumn}>
                Image
              </th>
              <th scope="col" className={styles.pictureColumn}>
                PQ
              </th>
              <th scope="col" className={styles.pictureColumn}>
                AQ
              </th>
              {refines && (
                <th scope="col" className={styles.pictureColumn}>
                  Result
                </th>
              )}
              <Head by="file" words="File" className={styles.fileColumn} {...head} />
              {queue.tasks.length > 1 && <Head by="task" words="Way" {...head} />}
              <Head by="state" words="State" {...head} />
              {columns.map((id) => (
                <Head
                  key={id}
                  by={id}
                  words={shortName(id)}
                  note={measures[id].note}
                  className={styles.number}
                  {...head}
                />
              ))}
            </tr>
          </thead>
          <tbody>
            {first > 0 && (
              <tr style={{ height: first * ROW_HEIGHT }}>
                <td colSpan={width} />
              </tr>
            )}
            {entries.slice(first, end).map((entry, i) => (
              <BatchRow
                key={entry}
                queue={queue}
                entry={entry}
                outcome={queue.outcomes[entry] ?? null}
                isWorking={queue.working?.entry === entry}
                columns={columns}
                shown={shown}
                rowIndex={first + i + 2}
                isHighlighted={highlighted === entry}
              />
            ))}
            {end < entries.length && (
              <tr style={{ height: (entries.length - end) * ROW_HEIGHT }}>
                <td colSpan={width} />
              </tr>
            )}
          </tbody>
        </table>
      </div>
    </section>
  );
});

/** Without what is said in brackets. */
const shortName = (id: MeasureId): string => measures[id].name.replace(/ \(.*\)$/, '');

function Head({
  by,
  words,
  note,
  className,
  sorting,
  onSort,
}: {
  by: SortKey;
  words: string;
  note?: string;
  className?: string | undefined;
  sorting: Sorting;
  onSort: (by: SortKey) => void;
}) {
  const isSorted = sorting.by === by;
  return (
    <th
      scope="col"
      className={className}
      aria-sort={isSorted ? (sorting.ascending ? 'ascending' : 'descending') : 'none'}
    >
      <button type="button" className={styles.sort} title={note} onClick={() => onSort(by)}>
        {words}
        <Icon
          name={isSorted && !sorting.ascending ? 'chevron' : 'up'}
          size={10}
          className={classes(styles.arrow, isSorted && styles.sorted)}
        />
      </button>
    </th>
  );
}

/** One of a few values, as buttons side by side. */
function Choice<Value extends string>({
  label,
  value,
  onValue,
  children,
}: {
  label: string;
  value: Value;
  onValue: (value: Value) => void;
  children: readonly { readonly value: Value; readonly words: string }[];
}) {
  return (
    <fieldset className={classes(segments.group, styles.choice)}>
      <legend className={styles.legend}>{label}</legend>
      {children.map((option) => (
        <button
          key={option.value}
          type="button"
          className={segments.item}
          data-state={option.value === value ? 'on' : 'off'}
          aria-pressed={option.value === value}
          onClick={() => onValue(option.value)}
        >
          {option.words}
        </button>
      ))}
    </fieldset>
  );
}
