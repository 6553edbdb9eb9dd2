import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import styles from './NewerVersion.module.css';
import { useApp, useAppStore } from './StoreContext.tsx';

/** Says quietly that a newer version of the app is here. It changes when the user says so, and never by itself. */
export function NewerVersion() {
  const store = useAppStore();
  const newer = useApp((state) => state.newerVersion);
  const hasImages = useApp((state) => state.images.length > 0);
  if (newer === 'none' || newer === 'dismissed') return null;
  const { changeToNewerVersion, dismissNewerVersion } = store.getState();
  return (
    <div className={styles.notice} role="status">
      <p>
        A newer version of G-Refine is ready.{' '}
        {newer === 'blocked'
          ? 'Close its other tabs and windows first.'
          : hasImages && 'Reloading closes the images that are open here.'}
      </p>
      <button type="button" className={controls.button} onClick={() => void changeToNewerVersion()}>
        Reload to update
      </button>
      <button
        type="button"
        className={`${controls.button} ${controls.quiet} ${controls.icon}`}
        onClick={dismissNewerVersion}
        aria-label="Later"
      >
        <Icon name="close" />
      </button>
    </div>
  );
}
