import { adviceFor, type Problem } from '../store/problem.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import styles from './ProblemCard.module.css';
import { useApp } from './StoreContext.tsx';
import { useRemedy } from './useRemedy.ts';

/** What happened, what it means for the image, and the one button that helps. */
export function ProblemCard({
  problem,
  imageId,
  onDismiss,
  onClose = onDismiss,
  onRetry = null,
}: {
  problem: Problem;
  imageId: string | null;
  /** Called before the remedy, and where the card is closed. */
  onDismiss?: (() => void) | undefined;
  /** Called only where the card is closed. */
  onClose?: (() => void) | undefined;
  /** What trying again means here; null: what it means for the image. */
  onRetry?: (() => void) | null;
}) {
  const remedy = useRemedy();
  const tier = useApp(({ engine }) => (engine.state === 'ready' ? engine.status.tier : null));
  const advice = adviceFor(problem, { tier });
  return (
    <div
      className={classes(styles.card, advice.tone === 'todo' && styles.todo)}
      role={advice.tone === 'todo' ? 'status' : 'alert'}
      data-problem={problem.name}
    >
      <Icon name={advice.tone === 'todo' ? 'cube' : 'alert'} className={styles.icon} size={18} />
      <div className={styles.words}>
        <h3>{advice.title}</h3>
        <p>{advice.meaning}</p>
        {problem.message && <p className={styles.message}>{problem.message}</p>}
        <div className={styles.actions}>
          <button
            type="button"
            className={classes(controls.button, controls.primary)}
            onClick={() => {
              onDismiss?.();
              if (advice.remedy === 'retry' && onRetry) onRetry();
              else remedy(advice.remedy, { problem, imageId });
            }}
          >
            {advice.label}
          </button>
        </div>
      </div>
      {onClose && (
        <button
          type="button"
          className={classes(controls.button, controls.quiet, controls.icon)}
          onClick={onClose}
          aria-label="Dismiss"
        >
          <Icon name="close" />
        </button>
      )}
    </div>
  );
}
