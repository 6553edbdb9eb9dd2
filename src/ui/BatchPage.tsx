import { useState } from 'react';
import type { OpenBatch } from '../store/batchState.ts';
import { arePacksOpening } from '../store/packsSlice.ts';
import { BatchHeader, DeleteBatch } from './BatchHeader.tsx';
import styles from './BatchPage.module.css';
import { BatchScatter } from './BatchScatter.tsx';
import { BatchAgain, BatchSetup } from './BatchSetup.tsx';
import { BatchSummaryTable } from './BatchSummaryTable.tsx';
import { BatchTable } from './BatchTable.tsx';
import { imagesWords } from './batchWords.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { useFiles } from './Files.tsx';
import { Icon } from './Icon.tsx';
import { ProblemCard } from './ProblemCard.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';
import { useKeys } from './useKeys.ts';

/** A folder of images: what is to be done with it, how far it is, and what came out. */
export function BatchPage() {
  useKeys(null);
  const offer = useApp((state) => state.batchOffer);
  const batch = useApp((state) => state.batch);
  if (offer) {
    return (
      <main className={styles.stage}>
        <BatchSetup offer={offer} />
      </main>
    );
  }
  if (batch) return <Open batch={batch} />;
  return (
    <main className={styles.stage}>
      <div className={styles.kept}>
        <h2>Folders</h2>
        <p className={controls.quietText}>
          Drop a folder of images to measure or refine all of them, one after another, and to compare what came out.
        </p>
        <OpenFolder />
        <KeptBatches />
      </div>
    </main>
  );
}

function Open({ batch }: { batch: OpenBatch }) {
  const [again, setAgain] = useState(false);
  const [pointed, setPointed] = useState<number | null>(null);
  const { queue } = batch;
  const hasModel = useApp((state) => state.packInUse.maps !== null);
  const packsKnown = useApp((state) => state.packs !== null && !arePacksOpening(state));
  return (
    <main className={styles.page}>
      <BatchHeader batch={batch} onAgain={() => setAgain(!again)} />
      <div className={styles.cards}>
        {again && <BatchAgain onClose={() => setAgain(false)} />}
        {!hasModel && packsKnown && queue.outcomes.includes(null) && (
          <ProblemCard problem={{ name: 'PackMissingError', message: '', during: 'analyse' }} imageId={null} />
        )}
        {queue.pausedBy && <PausedBy batch={batch} />}
        {batch.missing > 0 && <Missing batch={batch} />}
      </div>
      <div className={styles.body}>
        <BatchTable queue={queue} highlighted={pointed} />
        <aside className={styles.side} aria-label="Overview">
          <BatchScatter queue={queue} onPoint={setPointed} />
          <BatchSummaryTable queue={queue} />
          <KeptBatches />
        </aside>
      </div>
    </main>
  );
}

/** Why it stopped by itself. */
function PausedBy({ batch: { queue } }: { batch: OpenBatch }) {
  const store = useAppStore();
  const { pausedBy } = queue;
  if (!pausedBy) return null;
  const isFull = pausedBy.name === 'StorageError';
  const isDead = pausedBy.name === 'WorkerCrashError';
  return (
    <div className={styles.problem} role="alert" data-problem={pausedBy.name}>
      <Icon name="alert" />
      <div>
        <p>
          <b>{isFull ? 'Paused: there is no room for results' : 'Paused: the same failed several times in a row'}</b>
        </p>
        <p>{pausedBy.message}</p>
        <p className={controls.quietText}>
          {isFull
            ? 'What is done is kept. Delete models or earlier folders, then resume.'
            : 'That is more likely the machine than the images. What is done is kept; the failed ones can be retried.'}
        </p>
      </div>
      <button
        type="button"
        className={controls.button}
        onClick={() => {
          const state = store.getState();
          if (isDead) void state.restartWorkers().then(() => store.getState().resumeBatch());
          else void state.resumeBatch();
        }}
      >
        {isDead ? 'Restart and resume' : 'Resume'}
      </button>
    </div>
  );
}

/** The page was loaded again, and the browser does not hand the files out by itself. */
function Missing({ batch: { missing, hasFolder, name } }: { batch: OpenBatch }) {
  const store = useAppStore();
  return (
    <div className={styles.problem} role="status">
      <Icon name="folder" />
      <div>
        <p>
          <b>
            {imagesWords(missing)} {missing === 1 ? 'is' : 'are'} not at hand
          </b>
        </p>
        <p className={controls.quietText}>
          {hasFolder
            ? `Resume asks to read “${name}” again. All results so far are kept.`
            : `Drop “${name}” here again to go on. All results so far are kept.`}
        </p>
      </div>
      {hasFolder ? (
        <button type="button" className={controls.button} onClick={() => void store.getState().resumeBatch()}>
          Resume
        </button>
      ) : (
        <OpenFolder />
      )}
    </div>
  );
}

function OpenFolder() {
  const { pickImageFolder } = useFiles();
  return (
    <button type="button" className={controls.button} onClick={pickImageFolder}>
      <Icon name="folder" /> Open a folder
    </button>
  );
}

/** Earlier folders, to look at again or to delete. */
function KeptBatches() {
  const store = useAppStore();
  const kept = useApp((state) => state.keptBatches);
  const openId = useApp((state) => state.batch?.id ?? null);
  const others = kept?.filter(({ id }) => id !== openId) ?? [];
  if (others.length === 0 && openId === null) return null;
  return (
    <section className={styles.others}>
      <h3>{openId === null ? 'Kept folders' : 'Other folders'}</h3>
      {others.length === 0 && <p className={controls.quietText}>None yet. Drop another folder any time.</p>}
      <ul>
        {others.map(({ id, name, createdAt, imageCount, reason }) => (
          <li key={id}>
            {reason === null ? (
              <button
                type="button"
                className={classes(controls.link, styles.otherName)}
                onClick={() => void store.getState().openBatch(id)}
              >
                {name}
              </button>
            ) : (
              <span className={styles.otherName} title={reason}>
                Damaged: {reason}
              </span>
            )}
            {reason === null && (
              <span className={controls.quietText}>
                {imagesWords(imageCount)} · {new Date(createdAt).toLocaleDateString()}
              </span>
            )}
            <DeleteBatch id={id} name={name ?? 'a damaged folder'} />
          </li>
        ))}
      </ul>
      {openId !== null && (
        <p className={styles.deleteOwn}>
          <span className={controls.quietText}>Delete this folder’s results</span>
          <DeleteBatch id={openId} name="this folder" />
        </p>
      )}
    </section>
  );
}
