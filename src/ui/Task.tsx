import type { ReactNode } from 'react';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import styles from './StatusBar.module.css';

/** Something that is going on: what, how far, and the button that stops it. */
export function Task({
  what,
  fraction,
  cancelling,
  onCancel,
  children,
}: {
  what: string;
  /** 0..1; null: not known. */
  fraction: number | null;
  cancelling: boolean;
  onCancel: () => void;
  children: ReactNode;
}) {
  return (
    <div className={styles.task} data-testid="task">
      <Icon name="spinner" className={controls.spinner} />
      <span className={styles.what} role="status">
        {what}
      </span>
      <div className={styles.track}>
        <div
          className={classes(styles.done, fraction === null && styles.unknown)}
          style={fraction === null ? {} : { width: `${Math.min(1, fraction) * 100}%` }}
          role="progressbar"
          aria-label={what}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={fraction === null ? undefined : Math.round(fraction * 100)}
        />
      </div>
      <div className={styles.facts}>{children}</div>
      <button
        type="button"
        className={classes(controls.button, styles.cancel)}
        onClick={onCancel}
        disabled={cancelling}
      >
        Cancel <kbd className={controls.key}>Esc</kbd>
      </button>
    </div>
  );
}
