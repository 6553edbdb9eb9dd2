import { useEffect } from 'react';
import styles from './CalibrationDialog.module.css';
import { CalibrationList } from './CalibrationList.tsx';
import { CalibrationResult } from './CalibrationResult.tsx';
import controls from './controls.module.css';
import { Modal } from './Modal.tsx';
import { ProgressBar } from './ProgressBar.tsx';
import { RatingsForm } from './RatingsForm.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';

/** Teaches the maps what its user calls good: from ratings to a calibration, and the calibrations there are. */
export function CalibrationDialog() {
  const open = useApp((state) => state.panel === 'calibration');
  return open && <Content />;
}

function Content() {
  const store = useAppStore();
  const learning = useApp((state) => state.learning);
  useEffect(() => {
    void store.getState().loadCalibrations();
  }, [store]);
  return (
    <Modal title="Teach it your taste" size="wide" onClose={() => store.getState().setPanel(null)}>
      <div className={styles.dialog}>
        {learning.state === 'choosing' && <RatingsForm problem={learning.problem} />}
        {learning.state === 'running' && <Running />}
        {learning.state === 'done' && <CalibrationResult outcome={learning.outcome} />}
        <CalibrationList />
      </div>
    </Modal>
  );
}

/** How far learning is; it goes on when the dialog is closed. */
function Running() {
  const store = useAppStore();
  const learning = useApp((state) => state.learning);
  if (learning.state !== 'running') return null;
  const { progress, cancelling } = learning;
  const what = cancelling
    ? 'Stopping'
    : progress?.stage === 'learn'
      ? 'Learning, and trying what was learned on images kept aside'
      : 'Looking at the images';
  return (
    <section className={styles.section} aria-label="Learning">
      <p role="status">
        {what}
        {progress && progress.total > 1 && `: ${progress.done} of ${progress.total}`}
      </p>
      <ProgressBar label={what} fraction={progress && progress.done / Math.max(1, progress.total)} />
      <p className={controls.quietText}>
        It goes on when this is closed. Images it has looked at once are remembered for the next time.
      </p>
      <div className={styles.row}>
        <button
          type="button"
          className={controls.button}
          disabled={cancelling}
          onClick={() => store.getState().cancelLearning()}
        >
          Cancel
        </button>
      </div>
    </section>
  );
}
