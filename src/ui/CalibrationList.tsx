import { useState } from 'react';
import type { CalibrationSummary } from '../calibration/calibration.ts';
import styles from './CalibrationDialog.module.css';
import { VERDICT_NAMES } from './calibrationWords.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import { downloadBlob } from './pictureFile.ts';
import { useApp, useAppStore } from './StoreContext.tsx';

/** The calibrations there are: use, carry elsewhere, delete. */
export function CalibrationList() {
  const store = useAppStore();
  const calibrations = useApp((state) => state.calibrations);
  const { perceptualMode, calibration: used } = useApp((state) => state.settings);
  const isChoosing = useApp((state) => state.learning.state === 'choosing');
  const isUsed = (id: string) => perceptualMode === 'calibrated' && used?.id === id;
  if (calibrations.length === 0) {
    // While something is learned there is nothing above to drop a file on.
    if (!isChoosing) return null;
    return (
      <p className={controls.quietText}>
        No calibrations yet. One that was exported elsewhere (a .json file) can be dropped or chosen above, too.
      </p>
    );
  }
  return (
    <section className={styles.section} aria-label="Calibrations">
      <h3>Calibrations</h3>
      <ul className={styles.list}>
        {calibrations.map((one) => (
          <Item key={one.id} calibration={one} used={isUsed(one.id)} />
        ))}
      </ul>
      {perceptualMode === 'calibrated' && (
        <div className={styles.row}>
          <button type="button" className={controls.button} onClick={() => store.getState().chooseWords('auto')}>
            Use the model’s own words again
          </button>
        </div>
      )}
    </section>
  );
}

function Item({ calibration, used }: { calibration: CalibrationSummary; used: boolean }) {
  const store = useAppStore();
  const [asking, setAsking] = useState(false);
  const { id, name, madeAt, modelName, images, verdict, fits, hasAlignment } = calibration;
  const { getState } = store;
  return (
    <li className={classes(styles.item, used && styles.used)}>
      <div>
        <b>{name}</b> {used && <span className={styles.mark}>in use</span>}
        <p className={controls.quietText}>
          {images} images · {VERDICT_NAMES[verdict]} · {new Date(madeAt).toLocaleDateString()} · {modelName}
          {hasAlignment && ' · also sets when a phrase counts as found'}
          {!fits && ' · not for the model in use'}
        </p>
      </div>
      <div className={styles.row}>
        {asking ? (
          <>
            <button
              type="button"
              className={classes(controls.button, controls.primary)}
              onClick={() => void getState().deleteCalibration(id)}
            >
              Delete for good
            </button>
            <button type="button" className={controls.button} onClick={() => setAsking(false)}>
              Keep
            </button>
          </>
        ) : (
          <>
            {!used && (
              <button
                type="button"
                className={controls.button}
                disabled={!fits}
                aria-label={`Use ${name}`}
                onClick={() => getState().chooseWords({ id, name })}
              >
                Use
              </button>
            )}
            <button
              type="button"
              className={controls.button}
              aria-label={`Export ${name}`}
              onClick={async () => {
                const file = await getState().exportCalibration(id);
                if (file)
                  downloadBlob(file, `${name.replaceAll(/[^\p{L}\p{N} ._-]+/gu, '-')}.g-refine-calibration.json`);
              }}
            >
              <Icon name="save" /> Export
            </button>
            <button
              type="button"
              className={controls.button}
              aria-label={`Delete ${name}`}
              onClick={() => setAsking(true)}
            >
              <Icon name="trash" /> Delete
            </button>
          </>
        )}
      </div>
    </li>
  );
}
