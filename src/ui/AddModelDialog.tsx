import { useId, useState } from 'react';
import type { Precision } from '../graph/weights.ts';
import type { ModelFolder } from '../store/modelFolder.ts';
import styles from './AddModelDialog.module.css';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { Modal } from './Modal.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';
import { bytes, defaultPrecision, PRECISIONS } from './words.ts';

/** Asks for the precision of a model folder before it is compiled. */
export function AddModelDialog() {
  const candidate = useApp((state) => state.candidate);
  return candidate && <Form key={candidate.name} candidate={candidate} />;
}

function Form({ candidate }: { candidate: ModelFolder }) {
  const store = useAppStore();
  const tier = useApp(({ engine }) => (engine.state === 'ready' ? engine.status.tier : null));
  const busy = useApp((state) => state.install !== null);
  const suggested = defaultPrecision(tier, candidate.weightBytes);
  const [precision, setPrecision] = useState<Precision>(suggested);
  const [name, setName] = useState(candidate.name);
  const group = useId();
  return (
    <Modal title="Add a model" onClose={() => store.getState().offerModel(null)}>
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          void store.getState().installCandidate({ name: name.trim() || candidate.name, precision });
        }}
      >
        <label className={styles.field}>
          <span>Name</span>
          <input value={name} onChange={(event) => setName(event.target.value)} maxLength={80} spellCheck={false} />
        </label>
        <p className={controls.quietText}>
          {candidate.files.length} files, {bytes(candidate.weightBytes)} of weights. They are compiled once for this
          machine and kept in the browser's private storage.
        </p>
        <fieldset className={styles.precisions}>
          <legend>Precision</legend>
          {PRECISIONS.map(({ value, name: label, note }) => (
            <label key={value} className={styles.precision}>
              <input
                type="radio"
                name={group}
                value={value}
                checked={precision === value}
                onChange={() => setPrecision(value)}
              />
              <span>
                <b>{label}</b>
                {value === suggested && <span className={styles.suggested}>suggested here</span>}
                <span className={classes(styles.note)}>{note}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <div className={styles.actions}>
          <button type="button" className={controls.button} onClick={() => store.getState().offerModel(null)}>
            Cancel
          </button>
          <button
            type="submit"
            className={classes(controls.button, controls.primary)}
            disabled={busy}
            data-first-focus=""
          >
            {busy ? 'Another model is being added' : 'Add model'}
          </button>
        </div>
      </form>
    </Modal>
  );
}
