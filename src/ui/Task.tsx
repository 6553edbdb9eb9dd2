import type { ReactNode } from 'react';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import { ProgressBar } from './ProgressBar.tsx';
import styles from './StatusBar.module.css';

/** Something that is going on: what, how far, and the button that stops it. */
export function Task({
  what,
  fraction,
  cancelling,
  onCancel,
  stopLabel = 'Cancel',
  children,
}: {
  what: string;
  /** 0..1; null: not known. */
  fraction: number | null;
  cancelling: boolean;
  onCancel: () => void;
  stopLabel?: string;
  children: ReactNode;
}) {
  return (
    <div className={styles.task} data-testid="task">
      <Icon name="spinner" className={controls.spinner} />
      <span className={styles.what} role="status">
        {what}
      </span>
      <div className={styles.track}>
        <ProgressBar label={what} fraction={fraction} />
      </div>
      <div className={styles.facts}>{children}</div>
      <button
        type="button"
        className={classes(controls.button, styles.cancel)}
        onClick={onCancel}
        disabled={cancelling}
      >
        {stopLabel} <kbd className={controls.key}>Esc</kbd>
      </button>
    </div>
  );
}
