import type { PackJob } from '../store/packJobsSlice.ts';
import controls from './controls.module.css';
import styles from './InstallCard.module.css';
import { bytesWords, PACK_JOB_WORDS } from './modelWords.ts';
import { ProgressBar } from './ProgressBar.tsx';
import { useAppStore } from './StoreContext.tsx';
import { bytes } from './words.ts';

/** How far a check, a repair or a copy of a model is. */
export function PackJobProgress({ job }: { job: PackJob }) {
  const store = useAppStore();
  const { progress, rate, cancelling, does, name } = job;
  const title = `${cancelling ? 'Stopping' : PACK_JOB_WORDS[does]} ${name}`;
  return (
    <div className={styles.job} data-testid="pack-job">
      <p role="status">{title}</p>
      <ProgressBar
        label={title}
        fraction={progress && progress.totalBytes > 0 ? progress.doneBytes / progress.totalBytes : null}
        text={progress ? bytesWords(progress) : undefined}
      />
      <p className={styles.at}>
        {progress && <span>{bytesWords(progress)}</span>}
        {rate?.bytesPerSecond ? <span>{bytes(rate.bytesPerSecond)}/s</span> : null}
        <button
          type="button"
          className={controls.link}
          disabled={cancelling}
          onClick={() => store.getState().cancelPackJob()}
        >
          Cancel
        </button>
      </p>
    </div>
  );
}
