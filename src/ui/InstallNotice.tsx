import { isAtWork } from '../store/install.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import { installTitle, shortWords } from './modelWords.ts';
import styles from './ProblemCard.module.css';
import { ProblemCard } from './ProblemCard.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';

/** Why an installation stopped, while the models' dialog, which tells it too, is closed. */
export function InstallNotice() {
  const store = useAppStore();
  const install = useApp((state) => state.install);
  const isTold = useApp((state) => state.panel === 'packs');
  if (!install || isTold || isAtWork(install)) return null;
  const { state } = install;
  const dismiss = () => void store.getState().dismissInstall();
  if (state.is === 'failed') return <ProblemCard problem={state.problem} imageId={null} onClose={dismiss} />;
  if (state.is !== 'short') return null;
  return (
    <div className={classes(styles.card, styles.todo)} role="alert" data-problem="short">
      <Icon name="disk" className={styles.icon} size={18} />
      <div className={styles.words}>
        <h3>{installTitle(install)}</h3>
        <p>{shortWords(state)}</p>
        <div className={styles.actions}>
          <button
            type="button"
            className={classes(controls.button, controls.primary)}
            onClick={() => store.getState().showModels('installed')}
          >
            Make room
          </button>
        </div>
      </div>
      <button
        type="button"
        className={classes(controls.button, controls.quiet, controls.icon)}
        onClick={dismiss}
        aria-label="Dismiss"
      >
        <Icon name="close" />
      </button>
    </div>
  );
}
