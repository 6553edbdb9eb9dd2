import { useEffect } from 'react';
import { type ImageMeasures, isNegativeOptimisation, measureIds } from '../measures/measures.ts';
import type { ImageItem } from '../store/imagesSlice.ts';
import { type Measurement, type MeasureRequest, measurementOf } from '../store/measureSlice.ts';
import { comparedMeasures, measuresNeeded } from './comparedMeasures.ts';
import type { Comparison } from './comparison.ts';
import styles from './Measures.module.css';
import { MeasuresTable, shortMeasureName } from './MeasuresTable.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';

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
          <MeasuresTable
            was={compared.before}
            now={compared.after}
            beforeLabel={comparison?.before.label ?? ''}
            isDone={parts.every((part) => part?.state.is === 'done')}
          />
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
  const fallen = measureIds.filter((id) =>
    isNegativeOptimisation(id, { before: was.values[id], after: now.values[id] }),
  );
  if (fallen.length === 0) return 'No measure is worse than before.';
  return `Worse than before: ${fallen.map((id) => shortMeasureName(id)).join(', ')}.`;
}
