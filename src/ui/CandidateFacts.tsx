import type { ModelFolder } from '../store/modelFolder.ts';
import { adviceFor } from '../store/problem.ts';
import styles from './AddModelDialog.module.css';
import controls from './controls.module.css';
import { roomWords } from './modelWords.ts';
import { useApp } from './StoreContext.tsx';
import { bytes } from './words.ts';

/** What the offered files are and take, as soon as they have been looked at. */
export function CandidateFacts({ candidate }: { candidate: ModelFolder }) {
  const asked = useApp((state) => state.candidateEstimate);
  const freeBytes = useApp(({ storage }) => storage && Math.max(0, storage.quotaBytes - storage.usedBytes));
  const { files, weightBytes } = candidate;
  if (asked?.is === 'failed') {
    return (
      <div className={styles.warn} role="alert" data-problem={asked.problem.name}>
        <b>{adviceFor(asked.problem).title}</b>
        <p>{asked.problem.message}</p>
      </div>
    );
  }
  const estimate = asked?.is === 'known' ? asked.estimate : null;
  const room = estimate && roomWords(estimate, freeBytes);
  return (
    <>
      <p className={controls.quietText} role="status">
        {estimate ? (
          <>
            <b>{estimate.description}</b>, {bytes(estimate.diskBytes)} on disk.
          </>
        ) : (
          'Looking at it…'
        )}{' '}
        {files.length === 1 ? 'One file' : `${files.length} files`}, {bytes(weightBytes)} of weights. They are compiled
        once for this machine and kept in the browser's private storage.
      </p>
      {room && (
        <p className={styles.warn} role="alert">
          {room}
        </p>
      )}
    </>
  );
}
