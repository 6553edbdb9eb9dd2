import { strategyDescriptions } from '../pipeline/strategy.ts';
import { combinedScore } from '../store/refinement.ts';
import { classes } from './classes.ts';
import type { Comparison } from './comparison.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import styles from './RefinePanel.module.css';
import { useAppStore } from './StoreContext.tsx';

/** Decimals of a score of 100 that tell two apart, where whole numbers do not. */
const FINE = 2;

/** Says plainly that a result measures worse than what it started from, and offers to discard it; null where it does not. */
export function WorseCard({ imageId, comparison }: { imageId: string; comparison: Comparison }) {
  const store = useAppStore();
  const { result, refinement } = comparison;
  const [before, after] = [combinedScore(result.before), combinedScore(result.after)];
  if (after >= before) return null;
  const isVisible = Math.round(100 * before) !== Math.round(100 * after);
  const shown = (score: number) => (100 * score).toFixed(isVisible ? 0 : FINE);
  const strategy = strategyDescriptions.find(({ id }) => id === result.strategy);
  const reason = strategy?.isGated
    ? `${strategy.title} looks at a part of it only.`
    : `${strategy?.title ?? 'This strategy'} keeps what it makes, better or worse.`;
  const what = result.after.alignment ? 'Quality times match' : 'Quality';
  return (
    <div className={classes(styles.unchanged, styles.worse)} role="status" data-testid="worse">
      <Icon name="alert" size={18} className={styles.mark} />
      <div>
        <h3>{isVisible ? 'This made the picture worse' : 'This made the picture slightly worse'}</h3>
        <p>
          {what} fell from {shown(before)} to {shown(after)} of 100. {reason} What it started from is untouched.
        </p>
        <p className={styles.actions}>
          <button
            type="button"
            className={controls.button}
            onClick={() => store.getState().discardRefinement(imageId, refinement.id)}
          >
            Discard this result
          </button>
        </p>
      </div>
    </div>
  );
}
