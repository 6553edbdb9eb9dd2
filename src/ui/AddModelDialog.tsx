import { useEffect, useId, useState } from 'react';
import type { Precision } from '../graph/weights.ts';
import type { ModelFolder } from '../store/modelFolder.ts';
import { arePacksBusy } from '../store/packsSlice.ts';
import styles from './AddModelDialog.module.css';
import { CandidateFacts } from './CandidateFacts.tsx';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { Modal } from './Modal.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';
import { defaultPrecision, PRECISIONS } from './words.ts';

/** Asks for the precision of a model before it is compiled, or whether its files repair an installed one. */
export function AddModelDialog() {
  const candidate = useApp((state) => state.candidate);
  const repaired = useApp(({ expected, packs }) =>
    expected?.for === 'repair' ? (packs?.find(({ id }) => id === expected.packId) ?? null) : null,
  );
  if (!candidate) return null;
  if (repaired) return <Repair candidate={candidate} packId={repaired.id} name={repaired.name} />;
  return <Form key={candidate.name} candidate={candidate} />;
}

function Repair({ candidate, packId, name }: { candidate: ModelFolder; packId: string; name: string }) {
  const store = useAppStore();
  return (
    <Modal title={`Repair ${name}`} onClose={() => store.getState().offerModel(null)}>
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          store.getState().offerModel(null);
          void store.getState().repairPack(packId, { from: 'files', files: candidate.files });
        }}
      >
        <p>
          What is broken of it is read again from “{candidate.name}” and written anew; the rest is left alone. They have
          to be the files it was made from.
        </p>
        <div className={styles.actions}>
          <button type="button" className={controls.button} onClick={() => store.getState().offerModel(null)}>
            Cancel
          </button>
          <button type="submit" className={classes(controls.button, controls.primary)} data-first-focus="">
            Repair
          </button>
        </div>
      </form>
    </Modal>
  );
}

function Form({ candidate }: { candidate: ModelFolder }) {
  const store = useAppStore();
  const tier = useApp(({ engine }) => (engine.state === 'ready' ? engine.status.tier : null));
  const busy = useApp(arePacksBusy);
  const resumed = useApp(({ expected }) => (expected?.for === 'draft' ? expected : null));
  const isUnfit = useApp(({ candidateEstimate }) => candidateEstimate?.is === 'failed');
  const suggested = defaultPrecision(tier, candidate.weightBytes);
  const [precision, setPrecision] = useState<Precision>(resumed?.precision ?? suggested);
  const [name, setName] = useState(resumed?.name ?? candidate.name);
  const group = useId();

  useEffect(() => {
    void store.getState().estimateCandidate(precision);
  }, [store, precision]);
  return (
    <Modal title="Add a model" onClose={() => store.getState().offerModel(null)}>
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          void store.getState().installCandidate({ name: name.trim() || candidate.name, precision });
        }}
      >
        {resumed && <p>With the same name, files and precision, “{resumed.name}” goes on where it stopped.</p>}
        <label className={styles.field}>
          <span>Name</span>
          <input value={name} onChange={(event) => setName(event.target.value)} maxLength={80} spellCheck={false} />
        </label>
        <CandidateFacts candidate={candidate} />
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
            disabled={busy || isUnfit}
            data-first-focus=""
          >
            {busy ? 'Another model is being worked on' : 'Add model'}
          </button>
        </div>
      </form>
    </Modal>
  );
}
