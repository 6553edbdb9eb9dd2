import { combinedScore, type Refinement } from '../store/refinement.ts';
import { classes } from './classes.ts';
import { Hint } from './Hint.tsx';
import { Icon } from './Icon.tsx';
import styles from './ResultPanel.module.css';
import { useAppStore } from './StoreContext.tsx';
import { Thumbnail } from './Thumbnail.tsx';
import { percent } from './words.ts';

/** All seeds of a refinement with their scores: the best is kept by itself, another can be chosen. */
export function VariantStrip({ imageId, refinement }: { imageId: string; refinement: Refinement }) {
  const store = useAppStore();
  const { id, variants, best, kept } = refinement;
  return (
    <section className={styles.section} aria-label="Variants">
      <h3>
        {variants.length} variants <span>{kept === best ? 'best kept' : 'chosen by you'}</span>
      </h3>
      <ul className={styles.variants}>
        {variants.map(({ result, file, preview }, i) => {
          const { after, seed } = result;
          const words = file
            ? `quality ${percent(after.perceptual.score)}${after.alignment ? `, match ${percent(after.alignment.score)}` : ''}`
            : 'rejected: no better than before';
          return (
            <li key={seed}>
              <Hint text={`Seed ${seed}: ${words}`} side="bottom">
                <span>
                  <button
                    type="button"
                    className={classes(styles.variant, kept === i && styles.kept)}
                    aria-pressed={kept === i}
                    aria-label={`Variant ${i + 1}${i === best ? ', best' : ''}: ${words}`}
                    disabled={!file}
                    onClick={() => store.getState().keepVariant(imageId, { refinementId: id, variant: i })}
                  >
                    {file ? (
                      <Thumbnail file={file} preview={preview} />
                    ) : (
                      <span className={styles.none}>
                        <Icon name="missing" />
                      </span>
                    )}
                    <span className={styles.badge}>
                      {i === best && <Icon name="check" size={11} />}
                      {file ? percent(combinedScore(after)) : 'rejected'}
                    </span>
                  </button>
                </span>
              </Hint>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
