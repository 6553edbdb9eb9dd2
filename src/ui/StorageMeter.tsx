import { bytesStillNeeded, isAtWork } from '../store/install.ts';
import { Icon } from './Icon.tsx';
import styles from './StorageMeter.module.css';
import { useApp } from './StoreContext.tsx';
import { bytes } from './words.ts';

/** The browser's private storage: what is used, what the installation still needs, what is free, and whether it stays. */
export function StorageMeter() {
  const storage = useApp((state) => state.storage);
  const install = useApp((state) => state.install);
  const drafts = useApp((state) => state.drafts);
  if (!storage) return null;
  const { usedBytes, quotaBytes, persisted } = storage;
  const free = Math.max(0, quotaBytes - usedBytes);
  const isMeant = install !== null && (isAtWork(install) || install.state.is === 'short');
  const needed = isMeant ? bytesStillNeeded(install.parts, drafts) : 0;
  // A bar of all a large disk offers would show nothing.
  const shown = Math.max(1, Math.min(quotaBytes, Math.max(4 * (usedBytes + needed), 8e9)));
  const width = (part: number) => ({ width: `${Math.min(100, (part / shown) * 100)}%` });
  return (
    <section className={styles.meter} aria-label="Storage" data-testid="storage">
      <div className={styles.bar} aria-hidden="true">
        <div className={styles.used} style={width(usedBytes)} />
        <div
          className={needed > free ? styles.short : styles.needed}
          style={width(Math.min(needed, shown - usedBytes))}
        />
      </div>
      <p className={styles.words}>
        <span>
          <Icon name="disk" size={14} /> <b>{bytes(usedBytes)}</b> used
        </span>
        {needed > 0 && (
          <span>
            <b>{bytes(needed)}</b> still needed
          </span>
        )}
        <span>
          <b>{bytes(free)}</b> free for this app
        </span>
        <span className={styles.quiet}>
          {persisted
            ? 'Kept until you delete it.'
            : 'The browser may clear it when the disk runs full; it is asked to keep it when a model is installed.'}
        </span>
      </p>
    </section>
  );
}
