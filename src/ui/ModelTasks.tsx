import type { Install } from '../store/install.ts';
import { installBytes, isAtWork } from '../store/install.ts';
import type { PackJob } from '../store/packJobsSlice.ts';
import { isElsewhere } from '../store/packsSlice.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import { bytesWords, installFacts, installTitle, PACK_JOB_WORDS } from './modelWords.ts';
import styles from './StatusBar.module.css';
import { useApp, useAppStore } from './StoreContext.tsx';
import { Task } from './Task.tsx';
import { useNow } from './useNow.ts';

/** Work on models in the status bar; all about it is in the models' dialog. */
export function ModelTasks() {
  const install = useApp((state) => state.install);
  const packJob = useApp((state) => state.packJob);
  const elsewhere = useApp(({ activity }) => (isElsewhere(activity) ? activity.running : null));
  return (
    <>
      {isAtWork(install) && install && <InstallTask install={install} />}
      {install?.state.is === 'paused' && <Paused install={install} />}
      {packJob && <JobTask job={packJob} />}
      {elsewhere && (
        <p className={styles.idle} role="status">
          Another tab is at work on {elsewhere.name}
        </p>
      )}
    </>
  );
}

function InstallTask({ install }: { install: Install }) {
  const store = useAppStore();
  const now = useNow();
  const { doneBytes, totalBytes } = installBytes(install);
  const isStopping = install.state.is === 'pausing' || install.state.is === 'cancelling';
  return (
    <Task
      what={installTitle(install)}
      fraction={totalBytes && !isStopping ? doneBytes / totalBytes : null}
      cancelling={isStopping}
      stopLabel="Pause"
      onCancel={() => store.getState().pauseInstall()}
    >
      {installFacts(install, now).map((fact) => (
        <span key={fact.replace(/[\d.]+/g, '')}>{fact}</span>
      ))}
      <Details />
    </Task>
  );
}

function Paused({ install }: { install: Install }) {
  const store = useAppStore();
  return (
    <div className={styles.task} data-testid="paused">
      <Icon name="pause" />
      <span className={styles.what} role="status">
        {installTitle(install)}
      </span>
      <div className={styles.facts}>
        <span>{bytesWords(installBytes(install))}</span>
        <Details />
      </div>
      <button
        type="button"
        className={`${controls.button} ${styles.cancel}`}
        onClick={() => void store.getState().resumeInstall()}
      >
        <Icon name="play" /> Resume
      </button>
    </div>
  );
}

function Details() {
  const store = useAppStore();
  return (
    <button type="button" className={controls.link} onClick={() => store.getState().setPanel('packs')}>
      Details
    </button>
  );
}

function JobTask({ job: { does, name, progress, cancelling } }: { job: PackJob }) {
  const store = useAppStore();
  return (
    <Task
      what={`${cancelling ? 'Stopping' : PACK_JOB_WORDS[does]} ${name}`}
      fraction={progress && progress.totalBytes > 0 && !cancelling ? progress.doneBytes / progress.totalBytes : null}
      cancelling={cancelling}
      onCancel={() => store.getState().cancelPackJob()}
    >
      {progress && <span>{bytesWords(progress)}</span>}
    </Task>
  );
}
