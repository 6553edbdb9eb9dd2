import { classes } from './classes.ts';
import styles from './ProgressBar.module.css';

/** How far something is. */
export function ProgressBar({
  label,
  fraction,
  text,
  resting = false,
}: {
  label: string;
  /** 0..1; null: not known. */
  fraction: number | null;
  /** The same in words, for those who do not see the bar. */
  text?: string | undefined;
  /** Nothing moves at the moment. */
  resting?: boolean;
}) {
  return (
    <div className={styles.track}>
      <div
        className={classes(styles.done, fraction === null && !resting && styles.unknown, resting && styles.resting)}
        style={fraction === null ? {} : { width: `${Math.min(1, fraction) * 100}%` }}
        role="progressbar"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={fraction === null ? undefined : Math.round(fraction * 100)}
        aria-valuetext={text}
      />
    </div>
  );
}
