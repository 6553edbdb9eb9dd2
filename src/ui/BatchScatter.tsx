import { memo, useMemo, useState } from 'react';
import { hasRefining, measuresIn } from '../batch/batchExport.ts';
import type { BatchQueue } from '../batch/batchQueue.ts';
import { formatMeasure, type MeasureId, measures } from '../measures/measures.ts';
import styles from './BatchScatter.module.css';
import { type Axis, entryLabel, niceRange, type PlotPoint, plotPoints } from './batchRows.ts';
import { classes } from './classes.ts';
import { useAppStore } from './StoreContext.tsx';

/** Size of the drawing and its margins, in its own units. */
const SIZE = 320;
const MARGIN = { left: 40, right: 12, top: 10, bottom: 34 };

/** A point for each image: one value against another, before against after unless chosen otherwise. */
export const BatchScatter = memo(function BatchScatter({
  queue,
  onPoint,
}: {
  queue: BatchQueue;
  /** Tells which entry is pointed at. */
  onPoint: (entry: number | null) => void;
}) {
  const store = useAppStore();
  const refines = hasRefining(queue);
  const ids = useMemo(() => measuresIn(queue), [queue]);
  const [chosen, setChosen] = useState<{ x: Axis; y: Axis } | null>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const usual = useMemo(() => usualAxes(ids, refines), [ids, refines]);
  const axes = chosen ?? usual;
  const points = useMemo(() => plotPoints(queue, axes), [queue, axes]);
  const isSameMeasure = axes.x.id === axes.y.id;
  const ranges = useMemo(() => {
    const xs = points.map(({ x }) => x);
    const ys = points.map(({ y }) => y);
    // Before and after of one measure are read against each other: on one scale.
    return isSameMeasure
      ? { x: niceRange([...xs, ...ys]), y: niceRange([...xs, ...ys]) }
      : { x: niceRange(xs), y: niceRange(ys) };
  }, [points, isSameMeasure]);
  const point = (entry: number | null) => {
    setPointed(entry);
    onPoint(entry);
  };
  const { x: xRange, y: yRange } = ranges;
  const pointedAt = points.find(({ entry }) => entry === pointed);
  return (
    <section className={styles.plot} aria-label="Plot">
      <div className={styles.axes}>
        <AxisChoice
          label="Across"
          axis={axes.x}
          ids={ids}
          refines={refines}
          onAxis={(x) => setChosen({ ...axes, x })}
        />
        <AxisChoice label="Up" axis={axes.y} ids={ids} refines={refines} onAxis={(y) => setChosen({ ...axes, y })} />
      </div>
      {xRange && yRange ? (
        <svg
          viewBox={`0 0 ${SIZE} ${SIZE}`}
          className={styles.drawing}
          role="img"
          aria-label={plotWords(points, axes)}
          onPointerLeave={() => point(null)}
        >
          <Grid axis={axes.x} name={axisWords(axes.x, refines)} range={xRange} isAcross />
          <Grid axis={axes.y} name={axisWords(axes.y, refines)} range={yRange} isAcross={false} />
          {isSameMeasure && (
            <line
              className={styles.diagonal}
              x1={across(xRange.min, xRange)}
              y1={up(yRange.min, yRange)}
              x2={across(xRange.max, xRange)}
              y2={up(yRange.max, yRange)}
            />
          )}
          {points.map(({ entry, task, x, y }) => (
            // biome-ignore lint/a11y/noStaticElementInteractions: the table has the same as buttons; a thousand points in the order of focus help nobody.
            <circle
              key={entry}
              className={classes(styles.point, styles[`task${task % 4}`], entry === pointed && styles.pointed)}
              cx={across(x, xRange)}
              cy={up(y, yRange)}
              r={entry === pointed ? 5.5 : points.length > 300 ? 2.2 : 3.2}
              onPointerEnter={() => point(entry)}
              onClick={() => void store.getState().openEntry(entry)}
            />
          ))}
        </svg>
      ) : (
        <p className={styles.empty}>Each image becomes a point here once it is measured.</p>
      )}
      <p className={styles.legend} aria-live="off">
        {pointedAt
          ? `${entryLabel(queue, pointedAt.entry)}: ${formatMeasure(axes.x.id, pointedAt.x)} and ${formatMeasure(axes.y.id, pointedAt.y)}`
          : isSameMeasure && points.length > 0
            ? `Above the line: ${measures[axes.y.id].higherIsBetter ? 'better' : 'worse'} afterwards`
            : ' '}
      </p>
      {queue.tasks.length > 1 && (
        <ul className={styles.tasks}>
          {queue.tasks.map(({ id, title }, task) => (
            <li key={id}>
              <svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
                <circle className={classes(styles.point, styles[`task${task % 4}`])} cx="5" cy="5" r="4" />
              </svg>
              {title}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
});

function usualAxes(ids: readonly MeasureId[], refines: boolean): { x: Axis; y: Axis } {
  const first = ids[0] ?? 'quality';
  if (refines) return { x: { id: first, when: 'before' }, y: { id: first, when: 'after' } };
  const second = ids.includes('match') ? 'match' : (ids[1] ?? first);
  return { x: { id: first, when: 'before' }, y: { id: second, when: 'before' } };
}

type Range = NonNullable<ReturnType<typeof niceRange>>;

const inner = { width: SIZE - MARGIN.left - MARGIN.right, height: SIZE - MARGIN.top - MARGIN.bottom };
const across = (value: number, { min, max }: Range) => MARGIN.left + ((value - min) / (max - min)) * inner.width;
const up = (value: number, { min, max }: Range) => MARGIN.top + (1 - (value - min) / (max - min)) * inner.height;

function Grid({ axis, name, range, isAcross }: { axis: Axis; name: string; range: Range; isAcross: boolean }) {
  return (
    <g className={styles.grid}>
      {range.ticks.map((tick) => {
        const at = isAcross ? across(tick, range) : up(tick, range);
        return isAcross ? (
          <g key={tick}>
            <line x1={at} x2={at} y1={MARGIN.top} y2={SIZE - MARGIN.bottom} />
            <text x={at} y={SIZE - MARGIN.bottom + 13} textAnchor="middle">
              {formatMeasure(axis.id, tick)}
            </text>
          </g>
        ) : (
          <g key={tick}>
            <line y1={at} y2={at} x1={MARGIN.left} x2={SIZE - MARGIN.right} />
            <text x={MARGIN.left - 5} y={at + 3.5} textAnchor="end">
              {formatMeasure(axis.id, tick)}
            </text>
          </g>
        );
      })}
      {isAcross ? (
        <text className={styles.axisName} x={MARGIN.left + inner.width / 2} y={SIZE - 5} textAnchor="middle">
          {name}
        </text>
      ) : (
        <text
          className={styles.axisName}
          textAnchor="middle"
          transform={`translate(10 ${MARGIN.top + inner.height / 2}) rotate(-90)`}
        >
          {name}
        </text>
      )}
    </g>
  );
}

function AxisChoice({
  label,
  axis,
  ids,
  refines,
  onAxis,
}: {
  label: string;
  axis: Axis;
  ids: readonly MeasureId[];
  refines: boolean;
  onAxis: (axis: Axis) => void;
}) {
  const axes = ids.flatMap((id): Axis[] =>
    refines && !measures[id].needs.input
      ? [
          { id, when: 'before' },
          { id, when: 'after' },
        ]
      : [{ id, when: refines ? 'after' : 'before' }],
  );
  return (
    <label className={styles.axis}>
      <span>{label}</span>
      <select
        value={keyOf(axis)}
        onChange={({ currentTarget }) => {
          const found = axes.find((one) => keyOf(one) === currentTarget.value);
          if (found) onAxis(found);
        }}
      >
        {axes.map((one) => (
          <option key={keyOf(one)} value={keyOf(one)}>
            {axisWords(one, refines)}
          </option>
        ))}
      </select>
    </label>
  );
}

const keyOf = ({ id, when }: Axis) => `${id} ${when}`;
const axisWords = ({ id, when }: Axis, withWhen = true) => {
  const name = measures[id].name.replace(/ \(.*\)$/, '');
  return withWhen && !measures[id].needs.input ? `${name} ${when}` : name;
};

function plotWords(points: readonly PlotPoint[], { x, y }: { x: Axis; y: Axis }): string {
  const above = points.filter((point) => point.y > point.x).length;
  const compared = x.id === y.id ? `; ${above} are higher in the second` : '';
  return `${points.length} images: ${axisWords(x)} across, ${axisWords(y)} up${compared}. The table has the numbers.`;
}
