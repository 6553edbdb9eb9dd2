import type { ImageItem } from '../store/imagesSlice.ts';
import { isAtWork } from '../store/install.ts';
import { isElsewhere } from '../store/packsSlice.ts';
import { ModelTasks } from './ModelTasks.tsx';
import { RefineTask } from './RefineTask.tsx';
import styles from './StatusBar.module.css';
import { selectedImage, useApp, useAppStore } from './StoreContext.tsx';
import { Task } from './Task.tsx';
import { useNow } from './useNow.ts';
import { duration, STAGE_WORDS, TIER_NAMES } from './words.ts';

/** What is going on, how far it is, and the button that stops it. */
export function StatusBar() {
  const store = useAppStore();
  const isModelShown = useApp(
    ({ install, packJob, activity }) =>
      isAtWork(install) || install?.state.is === 'paused' || packJob !== null || isElsewhere(activity),
  );
  const images = useApp((state) => state.images);
  const isRefining = useApp(({ refinements }) =>
    Object.values(refinements).some(({ job }) => job.state === 'refining'),
  );
  const running = images.find(({ job }) => job.state === 'analysing');
  const { cancelAnalyses } = store.getState();
  return (
    <footer className={styles.bar}>
      {running && <AnalysisTask image={running} images={images} onCancel={cancelAnalyses} />}
      <RefineTask />
      <ModelTasks />
      {!running && !isModelShown && !isRefining && <Idle />}
    </footer>
  );
}

function AnalysisTask({
  image,
  images,
  onCancel,
}: {
  image: ImageItem;
  images: readonly ImageItem[];
  onCancel: () => void;
}) {
  const now = useNow();
  const told = useApp((state) => state.analysisProgress);
  const { job } = image;
  if (job.state !== 'analysing') return null;
  const progress = told?.jobId === job.jobId && !job.cancelling ? told : null;
  const waiting = images.filter(({ job: other }) => other.state === 'waiting').length;
  const what = job.cancelling ? 'Stopping' : progress ? STAGE_WORDS[progress.stage] : 'Starting';
  const counted = progress && progress.total > 1 ? progress : null;
  const elapsed = now - job.startedAt;
  return (
    <Task
      what={what}
      fraction={counted && counted.done / counted.total}
      cancelling={job.cancelling}
      onCancel={onCancel}
    >
      {counted && (
        <span>
          {counted.done} of {counted.total}
        </span>
      )}
      {elapsed > 2000 && <span>{duration(elapsed)}</span>}
      <span className={styles.file}>{image.file.name}</span>
      {waiting > 0 && <span>{waiting} more waiting</span>}
    </Task>
  );
}

function Idle() {
  const engine = useApp((state) => state.engine);
  const image = useApp(selectedImage);
  const failed = useApp((state) => state.images.filter(({ job }) => job.state === 'failed').length);
  const installed = useApp((state) => state.lastInstalled);
  let words: string;
  if (engine.state === 'starting') words = 'Checking what this machine can do…';
  else if (engine.state === 'switching') words = `Switching to ${TIER_NAMES[engine.to]}…`;
  else if (engine.state === 'failed') words = 'The engine did not start';
  else if (image?.job.state === 'done') words = 'Done';
  else if (installed && !image) words = `${installed} is installed`;
  else if (image?.job.state === 'opening') words = `Opening ${image.file.name}`;
  else words = 'Ready';
  return (
    <p className={styles.idle}>
      <span role="status">{words}</span>
      {image?.opened && (
        <span>
          {image.file.name} · {image.opened.width} × {image.opened.height}
        </span>
      )}
      {failed > 0 && <span>{failed === 1 ? '1 image failed' : `${failed} images failed`}</span>}
    </p>
  );
}
