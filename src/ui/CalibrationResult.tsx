import { useState } from 'react';
import type { CalibrationOutcome } from '../bridge/calibrationProtocol.ts';
import type { CalibrationReport } from '../calibration/calibration.ts';
import styles from './CalibrationDialog.module.css';
import { MATCH_VERDICTS, VERDICTS } from './calibrationWords.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import { useAppStore } from './StoreContext.tsx';

/** What was learned is worth, in words and numbers, and what becomes of it. */
export function CalibrationResult({ outcome: { calibration, unread, startedFrom } }: { outcome: CalibrationOutcome }) {
  const store = useAppStore();
  const [name, setName] = useState(calibration.name);
  const { quality, match } = calibration;
  const { title, text, icon } = VERDICTS[quality.verdict];
  const helps = quality.verdict === 'helps';
  const keep = (use: boolean) => void store.getState().keepLearned(name.trim() || 'My ratings', { use });
  return (
    <section className={styles.section} aria-label="Result">
      <div className={classes(styles.verdict, styles[quality.verdict])} role="status">
        <h3>
          <Icon name={icon} /> {title}
        </h3>
        <p>{text}</p>
      </div>
      <Report
        title="Quality"
        report={quality}
        before={startedFrom === 'learned' ? 'published words' : 'written words'}
      />
      {match && (
        <>
          <Report title="Match" report={match} before="as it was" />
          <p>{MATCH_VERDICTS[match.verdict]}</p>
        </>
      )}
      <p className={controls.quietText}>
        Each line is a part of the images, scored by what was learned from all others. Order (SRCC): do scores rank
        images as the ratings do? Proportion (PLCC): do they rise alike? 1 is perfect agreement, 0 none. What is kept is
        learned from all {calibration.images} images.
      </p>
      {unread.length > 0 && (
        <details className={styles.names}>
          <summary>Could not be opened: {unread.length}</summary>
          <ul>
            {unread.slice(0, 20).map(({ file, reason }) => (
              <li key={file}>{reason}</li>
            ))}
          </ul>
        </details>
      )}
      <div className={styles.row}>
        <label className={styles.name}>
          Name <input type="text" value={name} maxLength={80} onChange={({ target }) => setName(target.value)} />
        </label>
        {helps ? (
          <button type="button" className={classes(controls.button, controls.primary)} onClick={() => keep(true)}>
            Keep and use
          </button>
        ) : (
          <button
            type="button"
            className={classes(controls.button, controls.primary)}
            onClick={() => store.getState().forgetLearned()}
          >
            Discard
          </button>
        )}
        <button type="button" className={controls.button} onClick={() => keep(false)}>
          {helps ? 'Keep' : 'Keep all the same, unused'}
        </button>
        {helps && (
          <button type="button" className={controls.button} onClick={() => store.getState().forgetLearned()}>
            Discard
          </button>
        )}
      </div>
    </section>
  );
}

/** Agreement before and after, on images held out. */
function Report({ title, report, before }: { title: string; report: CalibrationReport; before: string }) {
  const rows = [
    ...report.folds.map((fold, i) => ({ ...fold, name: `Part ${i + 1}`, images: `${fold.images} images` })),
    { name: 'Mean', images: '', before: report.before, after: report.after },
  ];
  return (
    <div className={styles.scroll}>
      <table className={styles.table}>
        <caption>
          {title}: agreement with your ratings, before ({before}) and after
        </caption>
        <thead>
          <tr>
            <th scope="col">Held out</th>
            <th scope="col" colSpan={2}>
              Order (SRCC)
            </th>
            <th scope="col" colSpan={2}>
              Proportion (PLCC)
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <th scope="row">
                {row.name} <span className={controls.quietText}>{row.images}</span>
              </th>
              <td>{correlation(row.before.srcc)}</td>
              <td>→ {correlation(row.after.srcc)}</td>
              <td>{correlation(row.before.plcc)}</td>
              <td>→ {correlation(row.after.plcc)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function correlation(value: number): string {
  return Number.isNaN(value) ? '–' : value.toFixed(2).replace('-', '−');
}
