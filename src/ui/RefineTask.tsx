import { refineTimeLeft } from '../store/refineSlice.ts';
import { refineStageWords, timeLeftWords } from './refineWords.ts';
import styles from './StatusBar.module.css';
import { useApp, useAppStore } from './StoreContext.tsx';
import { Task } from './Task.tsx';
import { useNow } from './useNow.ts';
import { bytes } from './words.ts';

/** The running refinement, whichever image it is of. */
export function RefineTask() {
  const imageId = useApp(
    ({ refinements }) => Object.entries(refinements).find(([, { job }]) => job.state === 'refining')?.[0] ?? null,
  );
  return imageId && <Running imageId={imageId} />;
}

function Running({ imageId }: { imageId: string }) {
  const store = useAppStore();
  const now = useNow();
  const job = useApp((state) => state.refinements[imageId]?.job);
  const name = useApp((state) => state.images.find(({ id }) => id === imageId)?.file.name);
  const progress = useApp((state) => state.refineProgress);
  const waiting = useApp(
    ({ refinements }) => Object.values(refinements).filter(({ job: other }) => other.state === 'waiting').length,
  );
  if (job?.state !== 'refining' || !progress) return null;
  const { loading, total, done, seedIndex } = progress;
  const seeds = job.request.seeds.length;
  const left = refineTimeLeft(progress, now);
  const what = job.cancelling
    ? 'Stopping'
    : loading
      ? `Loading ${loading.model}`
      : refineStageWords(progress.at, job.request.strategy);
  const fraction = loading ? loading.doneBytes / Math.max(1, loading.totalBytes) : total > 1 ? done / total : null;
  return (
    <Task
      what={what}
      fraction={job.cancelling ? null : fraction}
      cancelling={job.cancelling}
      onCancel={store.getState().cancelRefinements}
    >
      {loading ? (
        <span>
          {bytes(loading.doneBytes)} of {bytes(loading.totalBytes)}
        </span>
      ) : (
        total > 1 && (
          <span>
            step {Math.min(done + 1, total)} of {total}
          </span>
        )
      )}
      {seeds > 1 && (
        <span>
          variant {seedIndex + 1} of {seeds}
        </span>
      )}
      {left && !job.cancelling && <span>{timeLeftWords(left)}</span>}
      <span className={styles.file}>{name}</span>
      {waiting > 0 && <span>{waiting} more waiting</span>}
    </Task>
  );
}
