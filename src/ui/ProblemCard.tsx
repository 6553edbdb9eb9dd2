import { adviceFor, type Problem } from '../store/problem.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import styles from './ProblemCard.module.css';
import { useRemedy } from './useRemedy.ts';

/** What happened, what it means for the image, and the one button that helps. */
export function ProblemCard({
  problem,
  imageId,
  onDismiss,
}: {
  problem: Problem;
  imageId: string | null;
  onDismiss?: (() => void) | undefined;
}) {
  const remedy = useRemedy();
  const advice = adviceFor(problem);
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
              remedy(advice.remedy, { problem, imageId });
            }}
          >
            {advice.label}
          </button>
        </div>
      </div>
      {onDismiss && (
        <button
          type="button"
          className={classes(controls.button, controls.quiet, controls.icon)}
          onClick={onDismiss}
          aria-label="Dismiss"
        >
          <Icon name="close" />
        </button>
      )}
    </div>
  );
}
