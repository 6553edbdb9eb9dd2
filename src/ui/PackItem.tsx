import { useId, useState } from 'react';
import type { PackSummary } from '../bridge/protocol.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import styles from './InstalledPacks.module.css';
import { PackActions } from './PackActions.tsx';
import { PackDetails } from './PackDetails.tsx';
import { PackJobProgress } from './PackJobProgress.tsx';
import { PackVerdict } from './PackVerdict.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';
import { bytes, PRECISION_NAMES } from './words.ts';

/** One installed model: use it, know it, look after it. */
export function PackItem({ pack }: { pack: PackSummary }) {
  const store = useAppStore();
  const used = useApp((state) => state.packInUse[pack.kind] === pack.id);
  const opening = useApp((state) => state.openingPackId === pack.id);
  const job = useApp(({ packJob }) => (packJob?.packId === pack.id ? packJob : null));
  const [open, setOpen] = useState(false);
  const details = useId();
  return (
    <li className={classes(styles.pack, used && styles.used)} data-pack={pack.id}>
      <div className={styles.head}>
        <button
          type="button"
          className={styles.choice}
          aria-pressed={used}
          onClick={() => !used && store.getState().choosePack(pack.id)}
        >
          <span className={styles.mark}>
            {opening ? <Icon name="spinner" className={controls.spinner} /> : used && <Icon name="check" />}
          </span>
          <span>
            <b>{pack.name}</b>
            <span className={styles.quiet}>
              {pack.description} · {PRECISION_NAMES[pack.precision]} · {bytes(pack.byteLength)}
              {used && ' · in use'}
            </span>
          </span>
        </button>
        <button
          type="button"
          className={classes(controls.button, controls.quiet)}
          aria-expanded={open}
          aria-controls={details}
          aria-label={`Details of ${pack.name}`}
          onClick={() => setOpen(!open)}
        >
          Details <Icon name={open ? 'up' : 'chevron'} size={12} />
        </button>
      </div>
      {job && <PackJobProgress job={job} />}
      <PackVerdict pack={pack} />
      <div id={details} hidden={!open} className={styles.body}>
        {open && (
          <>
            <PackDetails pack={pack} />
            <PackActions pack={pack} />
          </>
        )}
      </div>
    </li>
  );
}
