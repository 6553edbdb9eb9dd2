import styles from './Gauge.module.css';
import { changeWords } from './refineWords.ts';
import { Change } from './ScoreTable.tsx';
import { percent } from './words.ts';

const RADIUS = 30;
/** Three quarters of a circle, open at the bottom. */
const ARC = 1.5 * Math.PI * RADIUS;

/** A score 0 to 100 as an arc with the number in it. */
export function Gauge({
  name,
  score,
  before = null,
  busy,
  note,
}: {
  name: string;
  score: number | null;
  /** The score it is compared with. */
  before?: number | null | undefined;
  busy: boolean;
  note: string;
}) {
  const known = score !== null;
  const change = changeWords(before, score);
  return (
    <div className={styles.gauge} data-testid={`gauge-${name.toLowerCase()}`}>
      <svg viewBox="0 0 72 66" className={styles.dial} aria-hidden="true">
        <g transform="rotate(135 36 36)" fill="none" strokeWidth="6" strokeLinecap="round">
          <circle className={styles.track} cx="36" cy="36" r={RADIUS} strokeDasharray={`${ARC} 999`} />
          {known && score > 0.005 && (
            <circle className={styles.value} cx="36" cy="36" r={RADIUS} strokeDasharray={`${ARC * score} 999`} />
          )}
        </g>
      </svg>
      {/* biome-ignore lint/a11y/useSemanticElements: a <meter> draws its own bar. */}
      <div
        className={styles.number}
        role="meter"
        aria-label={name}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={known ? Math.round(score * 100) : 0}
        aria-valuetext={known ? `${percent(score)} of 100. ${note}` : busy ? 'being measured' : 'not measured'}
      >
        {percent(score)}
      </div>
      <div className={styles.name}>{name}</div>
      {change && (
        <p className={styles.change}>
          <Change before={before} after={score} />
        </p>
      )}
    </div>
  );
}
