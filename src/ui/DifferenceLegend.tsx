import { classes } from './classes.ts';
import styles from './Legend.module.css';
import { useAppStore } from './StoreContext.tsx';

/** What differences may be multiplied with. */
const AMPLIFICATIONS = [1, 4, 8, 32];

/** What the colours of the difference mean, and how much they are amplified. */
export function DifferenceLegend({ amplification, before }: { amplification: number; before: string }) {
  const { setAmplification } = useAppStore().getState();
  return (
    <figure className={styles.legend} data-testid="legend" data-own-gesture="">
      <figcaption>
        <b>Change from {before.toLowerCase()}</b> · amplified
      </figcaption>
      <fieldset className={styles.factors} aria-label="Amplification">
        {AMPLIFICATIONS.map((factor) => (
          <button
            key={factor}
            type="button"
            className={classes(styles.factor, factor === amplification && styles.chosen)}
            aria-pressed={factor === amplification}
            onClick={() => setAmplification(factor)}
          >
            ×{factor}
          </button>
        ))}
      </fieldset>
      <div className={styles.difference} aria-hidden="true" />
      <div className={styles.ticks}>
        <span>0 the same</span>
        <span>{amplification === 1 ? '255' : `${Math.round(255 / amplification)} or more`}</span>
      </div>
    </figure>
  );
}
