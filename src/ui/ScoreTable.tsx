import type { AnalysisResult } from '../pipeline/analysis.ts';
import { classes } from './classes.ts';
import { Icon } from './Icon.tsx';
import { FACTORS } from './layer.ts';
import styles from './ResultPanel.module.css';
import { changeWords } from './refineWords.ts';
import { FACTOR_NAMES, PHRASE_STATUS_NAMES, percent } from './words.ts';

interface Row {
  readonly name: string;
  readonly before: number | null | undefined;
  readonly after: number | null | undefined;
  readonly note?: string;
}

/** Every score before and after, with what became of it in colour, sign and word. */
export function ScoreTable({
  before,
  after,
  beforeLabel,
}: {
  before: AnalysisResult;
  after: AnalysisResult;
  beforeLabel: string;
}) {
  const totals: Row[] = [{ name: 'Quality', before: before.perceptual.score, after: after.perceptual.score }];
  if (before.alignment || after.alignment) {
    totals.push({ name: 'Match', before: before.alignment?.score, after: after.alignment?.score });
  }
  const factors = FACTORS.map(
    (factor): Row => ({
      name: FACTOR_NAMES[factor],
      before: before.perceptual.factors[factor],
      after: after.perceptual.factors[factor],
    }),
  );
  const phrases = phraseRows(before, after);
  const moved = phrases.filter(({ note, ...row }) => note || changeWords(row.before, row.after)?.word !== 'same');
  return (
    <table className={styles.table}>
      <caption className={styles.caption}>Scores of the {beforeLabel.toLowerCase()} and of the result</caption>
      <thead>
        <tr>
          <th scope="col">Score</th>
          <th scope="col">Before</th>
          <th scope="col">After</th>
          <th scope="col">Change</th>
        </tr>
      </thead>
      <tbody className={styles.totals}>
        {totals.map((row) => (
          <ScoreRow key={row.name} row={row} />
        ))}
      </tbody>
      <tbody>
        {factors.map((row) => (
          <ScoreRow key={row.name} row={row} />
        ))}
      </tbody>
      {phrases.length > 0 && (
        <tbody>
          {moved.map((row, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: phrases are in the prompt's order; texts may repeat.
            <ScoreRow key={i} row={row} />
          ))}
          {moved.length < phrases.length && (
            <tr>
              <td colSpan={4} className={styles.rest}>
                {moved.length === 0 ? 'All' : phrases.length - moved.length}{' '}
                {phrases.length - moved.length === 1 ? 'phrase' : 'phrases'} unchanged
              </td>
            </tr>
          )}
        </tbody>
      )}
    </table>
  );
}

/** One row per phrase found in both, by its place in the prompt. */
function phraseRows(before: AnalysisResult, after: AnalysisResult): Row[] {
  return (after.alignment?.phrases ?? []).map((now) => {
    const { text, tokens } = now.phrase;
    const was = before.alignment?.phrases.find(
      ({ phrase }) => phrase.text === text && phrase.tokens[0]?.start === tokens[0]?.start,
    );
    return {
      name: `“${text}”`,
      before: was?.score,
      after: now.score,
      ...(was && was.status !== now.status
        ? { note: `${PHRASE_STATUS_NAMES[was.status]} → ${PHRASE_STATUS_NAMES[now.status]}` }
        : {}),
    };
  });
}

function ScoreRow({ row }: { row: Row }) {
  const { name, before, after, note } = row;
  return (
    <>
      <tr>
        <th scope="row">{name}</th>
        <td>{percent(before)}</td>
        <td>{percent(after)}</td>
        <td>
          <Change before={before} after={after} />
        </td>
      </tr>
      {note && (
        <tr className={styles.note}>
          <td colSpan={4}>{note}</td>
        </tr>
      )}
    </>
  );
}

/** A change in points with its sign and its word: never in colour alone. */
export function Change({ before, after }: Pick<Row, 'before' | 'after'>) {
  const change = changeWords(before, after);
  if (!change) return <span className={styles.same}>–</span>;
  return (
    <span className={classes(styles.change, styles[change.word])}>
      <Icon name={change.word} size={12} />
      {change.points} <span className={styles.word}>{change.word}</span>
    </span>
  );
}
