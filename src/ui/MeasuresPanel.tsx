import { useEffect } from 'react';
import {
  formatDifference,
  formatMeasure,
  type ImageMeasures,
  isNegativeOptimisation,
  type MeasureId,
  measureChange,
  measureIds,
  measures,
} from '../measures/measures.ts';
import type { ImageItem } from '../store/imagesSlice.ts';
import { type Measurement, type MeasureRequest, measurementOf } from '../store/measureSlice.ts';
import { classes } from './classes.ts';
import { comparedMeasures, measuresNeeded } from './comparedMeasures.ts';
import type { Comparison } from './comparison.ts';
import { Icon } from './Icon.tsx';
import styles from './Measures.module.css';
import { useApp, useAppStore } from './StoreContext.tsx';

/** The rows of the table: the factors of the quality and the phrases stand elsewhere. */
const ROWS: readonly MeasureId[] = measureIds.filter(
  (id) => !['overall', 'technical', 'rationality', 'naturalness'].includes(id),
);

/** All measures of the picture, before and after where it was refined; measured only while the table is open. */
export function MeasuresPanel({ image, comparison }: { image: ImageItem; comparison: Comparison | null }) {
  const store = useAppStore();
  const open = useApp((state) => state.measuresOpen);
  const needed = measuresNeeded(image, comparison);
  const before = useMeasured(needed?.before ?? null, open);
  const after = useMeasured(needed?.after ?? null, open);
  const compared = comparedMeasures(image, { comparison, before, after });
  if (!compared) return null;
  const parts = [before, ...(comparison ? [after] : [])];
  return (
    <details
      className={styles.details}
      open={open}
      onToggle={({ currentTarget }) => {
        if (currentTarget.open !== open) store.getState().setMeasuresOpen(currentTarget.open);
      }}
    >
      <summary>
        Measures <span>{comparison ? 'before and after' : 'of this picture'}</span>
      </summary>
      {open && (
        <>
          <Status parts={parts} done={summary(compared.before, compared.after)} />
          <Table was={compared.before} now={compared.after} beforeLabel={comparison?.before.label ?? ''} />
        </>
      )}
    </details>
  );
}

/** What is being done, what went wrong with a way out, or what came of it. */
function Status({ parts, done }: { parts: readonly (Measurement | null)[]; done: string }) {
  const store = useAppStore();
  const failed = parts.filter((part) => part?.state.is === 'failed') as Measurement[];
  const problem = failed[0]?.state.is === 'failed' ? failed[0].state.problem.message : null;
  if (problem === null) {
    const isMeasuring = parts.some((part) => part?.state.is !== 'done');
    return (
      <p className={styles.status} role="status">
        {isMeasuring ? 'Measuring…' : done}
      </p>
    );
  }
  return (
    <p className={styles.status} role="status">
      {problem}{' '}
      <button
        type="button"
        onClick={() => {
          for (const measurement of failed) store.getState().measure(measurement);
        }}
      >
        Measure again
      </button>
    </p>
  );
}

/** Asks for a measurement while the table is open, and gives what is known of it. */
function useMeasured(request: MeasureRequest | null, open: boolean): Measurement | null {
  const store = useAppStore();
  const known = useApp((state) => request && measurementOf(state, request));
  const isAsked = known !== null;
  const { imageId, file, prompt, input } = request ?? {};
  useEffect(() => {
    if (!open || isAsked || !imageId || !file || prompt === undefined || input === undefined) return;
    store.getState().measure({ imageId, file, prompt, input });
  }, [store, open, isAsked, imageId, file, prompt, input]);
  return known;
}

/** What the table says as a sentence. */
function summary(was: ImageMeasures, now: ImageMeasures | null): string {
  if (!now) return 'Refine the picture to see what becomes of each.';
  const fallen = measureIds.filter((id) => isNegativeOptimisation(id, pair(id, was, now)));
  if (fallen.length === 0) return 'No measure is worse than before.';
  return `Worse than before: ${fallen.map((id) => shortName(id)).join(', ')}.`;
}

function Table({ was, now, beforeLabel }: { was: ImageMeasures; now: ImageMeasures | null; beforeLabel: string }) {
  const rows = ROWS.filter((id) => now !== null || !measures[id].needs.input);
  return (
    <table className={styles.table}>
      <caption className={styles.caption}>
        {now ? `Measures of the ${beforeLabel.toLowerCase()} and of the result` : 'Measures of the picture'}
      </caption>
      <thead>
        <tr>
          <th scope="col">Measure</th>
          <th scope="col">{now ? 'Before' : 'Value'}</th>
          {now && <th scope="col">After</th>}
          {now && <th scope="col">Change</th>}
        </tr>
      </thead>
      {rows.map((id) => (
        <tbody key={id}>
          <tr>
            <th scope="row">{shortName(id)}</th>
            <td>{measures[id].needs.input ? '' : formatMeasure(id, was.values[id])}</td>
            {now && <td>{formatMeasure(id, now.values[id])}</td>}
            {now && (
              <td>
                <Change id={id} was={was} now={now} />
              </td>
            )}
          </tr>
          <tr className={styles.note}>
            <td colSpan={now ? 4 : 2}>{noteOf(id)}</td>
          </tr>
        </tbody>
      ))}
    </table>
  );
}

/** The change with its sign, its word and a mark where it is a negative optimisation: never in colour alone. */
function Change({ id, was, now }: { id: MeasureId; was: ImageMeasures; now: ImageMeasures }) {
  const values = pair(id, was, now);
  const change = measureChange(id, values);
  if (!change) return null;
  return (
    <span className={classes(styles.change, styles[change.verdict])}>
      <Icon name={change.verdict} size={12} />
      {formatDifference(id, change.difference)} <span className={styles.word}>{change.verdict}</span>
    </span>
  );
}

function pair(id: MeasureId, was: ImageMeasures, now: ImageMeasures) {
  return { before: was.values[id], after: now.values[id] };
}

/** The name without what its note says again. */
function shortName(id: MeasureId): string {
  return measures[id].name.replace(/ \(.*\)$/, '');
}

/** The sentence of a measure, with whose model it is. */
function noteOf(id: MeasureId): string {
  const { name, note } = measures[id];
  const origin = /\((.*)\)$/.exec(name)?.[1];
  return origin ? `${note} Model ${origin}.` : note;
}
