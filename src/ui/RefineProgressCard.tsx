import type { RefineStage } from '../pipeline/refinement.ts';
import type { RefinementJob } from '../store/refinement.ts';
import { stagesOf } from '../store/refineReadiness.ts';
import { type RefineProgress, refineTimeLeft } from '../store/refineSlice.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { Icon, type IconName } from './Icon.tsx';
import styles from './RefinePanel.module.css';
import { refineStageWords, timeLeftWords } from './refineWords.ts';
import { useApp, useAppStore } from './StoreContext.tsx';
import { useNow } from './useNow.ts';
import { bytes } from './words.ts';

type BusyJob = Extract<RefinementJob, { state: 'refining' | 'waiting' }>;

/** What the running refinement is at: its stages, steps, bytes, time left, and the button that stops it. */
export function RefineProgressCard({ imageId, job }: { imageId: string; job: BusyJob }) {
  const store = useAppStore();
  const told = useApp((state) => state.refineProgress);
  const { cancelRefinements } = store.getState();
  const isCancelling = job.state === 'refining' && job.cancelling;
  const progress = job.state === 'refining' && told?.jobId === job.jobId ? told : null;
  return (
    <div className={styles.progress} data-testid="refine-progress" data-image={imageId}>
      {job.state === 'waiting' ? (
        <p className={styles.waiting}>
          <Icon name="clock" /> Waits for its turn
        </p>
      ) : (
        <Stages job={job} progress={progress} />
      )}
      {progress?.notices.map((notice) => (
        <p key={notice} className={styles.notice}>
          {notice}
        </p>
      ))}
      <button
        type="button"
        className={classes(controls.button, styles.cancel)}
        onClick={cancelRefinements}
        disabled={isCancelling}
      >
        {isCancelling ? 'Stopping…' : 'Cancel'} <kbd className={controls.key}>Esc</kbd>
      </button>
    </div>
  );
}

function Stages({ job, progress }: { job: BusyJob & { state: 'refining' }; progress: RefineProgress | null }) {
  const now = useNow();
  const { settings, strategy } = job.request;
  const packInUse = useApp((state) => state.packInUse);
  const strategies = useApp((state) => state.refineStrategies);
  const described = strategies.find(({ id }) => id === strategy);
  const { inpaints, restores } = described
    ? stagesOf({ packInUse, settings, strategy: described })
    : { inpaints: true, restores: true };
  const planned: readonly RefineStage[] = [
    'analyse',
    ...(inpaints ? (['inpaint'] as const) : []),
    ...(restores ? (['restore'] as const) : []),
    'analyseAgain',
  ];
  const seeds = job.request.seeds.length;
  const at = progress?.at ?? 'analyse';
  const shownAt = shownStage(at, progress?.passed ?? []);
  const left = progress && !job.cancelling ? refineTimeLeft(progress, now) : null;
  return (
    <>
      <p className={styles.head}>
        <b>
          {job.cancelling
            ? 'Stopping'
            : seeds > 1
              ? `Variant ${(progress?.seedIndex ?? 0) + 1} of ${seeds}`
              : 'Refining'}
        </b>
        {left && <span data-testid="time-left">{timeLeftWords(left)}</span>}
      </p>
      <ol className={styles.stages}>
        {planned.map((stage) => {
          const isNow = stage === shownAt;
          // What is measured between two repairs stands beside the first of them.
          const isBetween = isNow && stage !== at && stage !== 'analyseAgain';
          const isDone = !isNow && planned.indexOf(stage) < planned.indexOf(shownAt);
          const icon: IconName = isNow ? 'spinner' : isDone ? 'ok' : 'clock';
          return (
            <li
              key={stage}
              className={classes(isNow && styles.now, isDone && styles.done)}
              aria-current={isNow || undefined}
            >
              <Icon name={icon} size={14} className={isNow ? controls.spinner : undefined} />
              <span>{refineStageWords(isNow && stage === 'analyseAgain' ? at : stage, strategy)}</span>
              {isNow && progress && (
                <span className={styles.count}>
                  {progress.loading
                    ? `loading ${bytes(progress.loading.doneBytes)} of ${bytes(progress.loading.totalBytes)}`
                    : isBetween
                      ? 'measuring'
                      : progress.total > 1 &&
                        `step ${Math.min(progress.done + 1, progress.total)} of ${progress.total}`}
                </span>
              )}
            </li>
          );
        })}
      </ol>
    </>
  );
}

/** The stage of the list that is at work: measuring between the two repairs belongs to the first of them. */
function shownStage(at: RefineStage, passed: readonly RefineStage[]): RefineStage {
  if (at !== 'analyseAgain' && at !== 'gate') return at;
  return passed.includes('restore') ? 'analyseAgain' : passed.includes('inpaint') ? 'inpaint' : 'analyseAgain';
}
