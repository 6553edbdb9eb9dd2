import type { RegionOutcome } from '../pipeline/refinement.ts';
import { classes } from './classes.ts';
import { Icon } from './Icon.tsx';
import styles from './ResultPanel.module.css';
import { useAppStore } from './StoreContext.tsx';
import type { Size } from './viewport.ts';
import { percent } from './words.ts';

const STAGE_NAMES: Readonly<Record<RegionOutcome['stage'], string>> = { inpaint: 'Repainted', restore: 'Restored' };

/** What the gate decided about each region and why; one that is pointed at is outlined in the picture. */
export function RegionList({ regions, size }: { regions: readonly RegionOutcome[]; size: Size }) {
  const { hoverRegion } = useAppStore().getState();
  if (regions.length === 0) return null;
  const rejected = regions.filter(({ kept }) => !kept).length;
  return (
    <details className={styles.section} open={rejected > 0 && regions.length <= 8}>
      <summary>
        {regions.length === 1 ? '1 repair' : `${regions.length} repairs`}{' '}
        <span>{rejected === 0 ? 'all kept' : `${regions.length - rejected} kept, ${rejected} rejected`}</span>
      </summary>
      <ul className={styles.regions} onPointerLeave={() => hoverRegion(null)}>
        {regions.map(({ stage, place, before, after, kept, reason, text }, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: regions of one result never change places.
          <li key={i}>
            <button
              type="button"
              className={styles.region}
              onPointerEnter={() => hoverRegion(i)}
              onFocus={() => hoverRegion(i)}
              onBlur={() => hoverRegion(null)}
            >
              <span className={classes(styles.verdict, kept ? styles.better : styles.worse)}>
                <Icon name={kept ? 'ok' : 'missing'} size={13} /> {kept ? 'kept' : 'rejected'}
              </span>
              <span>
                {STAGE_NAMES[stage]}{' '}
                {place.width === size.width && place.height === size.height
                  ? 'the whole picture'
                  : `${place.width} × ${place.height}`}
              </span>
              <span className={styles.numbers}>
                {percent(before)} → {percent(after)}
              </span>
              {text && <span className={styles.reason}>from “{text}”</span>}
              {reason && <span className={styles.reason}>{reason}</span>}
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}
