import {
  formatDifference,
  formatMeasure,
  type ImageMeasures,
  type MeasureId,
  measureChange,
  measureIds,
  measures,
} from '../measures/measures.ts';
import { classes } from './classes.ts';
import { Icon } from './Icon.tsx';
import styles from './Measures.module.css';

/** The rows of the table: the factors of the quality and the phrases stand elsewhere. */
const ROWS: readonly MeasureId[] = measureIds.filter(
  (id) => !['overall', 'technical', 'rationality', 'naturalness'].includes(id),
);

/** Why a measure has no value once everything is measured. */
const WHY_MISSING: Readonly<Partial<Record<MeasureId, string>>> = {
  match: 'It needs a prompt that names something.',
  clipIqa: 'The model was installed before this was measured: install it again to have it.',
  clipScore: 'It needs a prompt.',
  niqe: 'The picture is too small or too even for it.',
  brisque: 'The picture is too small or too even for it.',
  ssim: 'The picture had another size before, or is too large to compare.',
  psnr: 'The picture had another size before, or is too large to compare.',
};

/** Every measure with its sentence: of one picture, or before and after with the change. */
export function MeasuresTable({
  was,
  now,
  beforeLabel,
  isDone,
}: {
  was: ImageMeasures;
  now: ImageMeasures | null;
  beforeLabel: string;
  isDone: boolean;
}) {
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
            <th scope="row">{shortMeasureName(id)}</th>
            <td>{measures[id].needs.input ? '' : formatMeasure(id, was.values[id])}</td>
            {now && <td>{formatMeasure(id, now.values[id])}</td>}
            {now && (
              <td>
                <Change id={id} was={was} now={now} />
              </td>
            )}
          </tr>
          <tr className={styles.note}>
            <td colSpan={now ? 4 : 2}>
              {noteOf(id)} {isDone && (now ?? was).values[id] === null && WHY_MISSING[id]}
            </td>
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
export function shortMeasureName(id: MeasureId): string {
  return measures[id].name.replace(/ \(.*\)$/, '');
}

/** The sentence of a measure, with whose model it is. */
function noteOf(id: MeasureId): string {
  const { name, note } = measures[id];
  const origin = /\((.*)\)$/.exec(name)?.[1];
  return origin ? `${note} Model ${origin}.` : note;
}
