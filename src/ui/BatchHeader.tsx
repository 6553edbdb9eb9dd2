import { useState } from 'react';
import { timeLeft } from '../batch/batchPace.ts';
import { countStates, entryOf } from '../batch/batchQueue.ts';
import type { OpenBatch } from '../store/batchState.ts';
import { BatchExport } from './BatchExport.tsx';
import styles from './BatchPage.module.css';
import { batchTimeWords, imagesWords, progressWords, stepWords } from './batchWords.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import { ProgressBar } from './ProgressBar.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';
import { useNow } from './useNow.ts';

/** The folder's name, how far it is, and what can be done about that. */
export function BatchHeader({ batch, onAgain }: { batch: OpenBatch; onAgain: () => void }) {
  const store = useAppStore();
  const { queue, name, missing, stopping } = batch;
  const counts = countStates(queue);
  const isAtWork = queue.working !== null;
  const ended = counts.done + counts.failed + counts.skipped;
  const { pauseBatch, resumeBatch, retryEntries, closeBatch } = store.getState();
  return (
    <header className={styles.header}>
      <div className={styles.titleRow}>
        <h2 className={styles.title}>
          <Icon name="folder" /> {name}
          {name !== imagesWords(queue.images.length) && (
            <span className={controls.quietText}>{imagesWords(queue.images.length)}</span>
          )}
        </h2>
        <div className={styles.buttons}>
          {isAtWork && !queue.isRunning ? (
            <button
              type="button"
              className={controls.button}
              disabled={stopping !== null}
              onClick={() => pauseBatch({ now: true })}
            >
              Stop now
            </button>
          ) : null}
          {queue.isRunning ? (
            <button type="button" className={controls.button} onClick={() => pauseBatch()}>
              <Icon name="pause" /> Pause
            </button>
          ) : (
            counts.waiting + counts.working > 0 && (
              <button
                type="button"
                className={classes(controls.button, controls.primary)}
                onClick={() => void resumeBatch()}
                disabled={missing > 0 && missing >= queue.images.length && !batch.hasFolder}
              >
                <Icon name="play" /> Resume
              </button>
            )
          )}
          {counts.failed > 0 && (
            <button type="button" className={controls.button} onClick={() => void retryEntries()}>
              <Icon name="refresh" /> Retry {counts.failed} failed
            </button>
          )}
          {counts.waiting + counts.working === 0 && (
            <button type="button" className={controls.button} onClick={onAgain}>
              <Icon name="refine" /> Go over it again
            </button>
          )}
          <BatchExport batch={batch} />
          <button
            type="button"
            className={classes(controls.button, controls.quiet, controls.icon)}
            aria-label={`Close ${name}`}
            title="Close; its results are kept"
            onClick={() => void closeBatch()}
          >
            <Icon name="close" />
          </button>
        </div>
      </div>
      <ProgressBar
        label="Images done"
        fraction={ended / Math.max(1, queue.outcomes.length)}
        text={progressWords(queue)}
        resting={!isAtWork}
      />
      <p className={styles.facts}>
        <span role="status">{stateWords(batch)}</span>
        <span>{progressWords(queue)}</span>
        {isAtWork && <TimeLeft batch={batch} />}
        {isAtWork && <AtWork batch={batch} />}
      </p>
    </header>
  );
}

function stateWords({ queue, stopping }: OpenBatch): string {
  if (stopping === 'skip') return 'Skipping';
  if (stopping) return 'Stopping';
  if (queue.working) return queue.isRunning ? 'Working' : 'Pausing after this image';
  if (queue.isRunning) return 'Waiting for its turn';
  return queue.outcomes.includes(null) ? 'Paused' : 'Complete';
}

function TimeLeft({ batch }: { batch: OpenBatch }) {
  const now = useNow();
  const left = timeLeft(batch.queue, now);
  return left && <span>{batchTimeWords(left)}</span>;
}

function AtWork({ batch: { queue } }: { batch: OpenBatch }) {
  const step = useApp((state) => state.batchStep);
  if (!queue.working) return null;
  const { image, task } = entryOf(queue, queue.working.entry);
  return (
    <span className={styles.atWork}>
      {image.path}
      {queue.tasks.length > 1 && ` · ${task.title}`}
      {step && ` · ${stepWords(step, task)}`}
    </span>
  );
}

/** Deletes after a second press. */
export function DeleteBatch({ id, name }: { id: string; name: string }) {
  const store = useAppStore();
  const [asked, setAsked] = useState(false);
  return asked ? (
    <span className={styles.asked}>
      Delete all its results?
      <button type="button" className={controls.button} onClick={() => void store.getState().deleteBatch(id)}>
        Delete
      </button>
      <button type="button" className={classes(controls.button, controls.quiet)} onClick={() => setAsked(false)}>
        Keep
      </button>
    </span>
  ) : (
    <button
      type="button"
      className={classes(controls.button, controls.quiet, controls.icon)}
      aria-label={`Delete the results of ${name}`}
      onClick={() => setAsked(true)}
    >
      <Icon name="trash" />
    </button>
  );
}
