import { memo } from 'react';
import { useShallow } from 'zustand/react/shallow';
import type { AppState } from '../store/appStore.ts';
import { isDrawing } from '../store/handMaskSlice.ts';
import type { ImageItem } from '../store/imagesSlice.ts';
import { readinessOf, refinementsOf } from '../store/refineSlice.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { HandMaskTools } from './HandMaskTools.tsx';
import { Icon } from './Icon.tsx';
import styles from './RefinePanel.module.css';
import { RefineProgressCard } from './RefineProgressCard.tsx';
import { RefineSettingsForm } from './RefineSettingsForm.tsx';
import { planWords } from './refineWords.ts';
import { useApp, useAppStore } from './StoreContext.tsx';
import { StrategyChoice } from './StrategyChoice.tsx';
import { UnchangedCard } from './UnchangedCard.tsx';
import { useNarrow } from './useNarrow.ts';
import { useRemedy } from './useRemedy.ts';

/** The one prominent button, what it will do, how far it is, and its settings folded away. */
export const RefinePanel = memo(function RefinePanel({
  image,
  shown,
}: {
  image: ImageItem;
  /** The same with what is known of the picture on the stage. */
  shown: ImageItem;
}) {
  const { job, unchanged } = useApp((state) => refinementsOf(state, image.id));
  const isBusy = job.state === 'refining' || job.state === 'waiting';
  const draws = useApp(isDrawing);
  // On narrow screens it lies under the picture, where it is seen at once.
  const narrow = useNarrow();
  return (
    <section className={styles.panel} aria-label="Refine">
      {!isBusy && <StrategyChoice />}
      {!isBusy && draws && <HandMaskTools image={image} shown={shown} />}
      {isBusy ? <RefineProgressCard imageId={image.id} job={job} /> : <Start image={image} />}
      {unchanged && !narrow && <UnchangedCard imageId={image.id} report={unchanged} />}
      <RefineSettingsForm />
    </section>
  );
});

/** The button with what it will do, or with what it lacks. */
function Start({ image }: { image: ImageItem }) {
  const store = useAppStore();
  const remedy = useRemedy();
  const readiness = useApp(useShallow((state: AppState) => readinessOf(state, image)));
  const isAgain = useApp((state) => refinementsOf(state, image.id).history.currentId !== null);
  const choices = useApp((state) => state.refineChoices);
  const isOtherRunning = useApp(({ refinements }) =>
    Object.values(refinements).some(({ job }) => job.state === 'refining'),
  );
  return (
    <>
      <RefineButton image={image} className={styles.button} />
      {readiness.isReady ? (
        <p className={styles.plan}>
          {planWords(readiness, choices)}
          {isAgain && ' Starts from the result shown.'}
          {isOtherRunning && ' Waits for the one that runs.'}
        </p>
      ) : (
        <div className={styles.blocked}>
          <p>{readiness.reason}</p>
          {readiness.remedy && (
            <button
              type="button"
              className={controls.link}
              onClick={() =>
                readiness.remedy &&
                remedy(readiness.remedy.does, {
                  problem: { name: 'PackMissingError', message: '', during: 'refine' },
                  imageId: image.id,
                })
              }
            >
              {readiness.remedy.label}
            </button>
          )}
        </div>
      )}
      {readiness.isReady && readiness.skipped && (
        <p className={styles.skipped}>
          {readiness.skipped}{' '}
          <button type="button" className={controls.link} onClick={() => store.getState().showModels('get')}>
            Models
          </button>
        </p>
      )}
    </>
  );
}

/** Refines the image; where it cannot, it is disabled, or tells why elsewhere. */
export function RefineButton({
  image,
  className,
  onBlocked,
}: {
  image: ImageItem;
  className?: string | undefined;
  /** Shows why it cannot, where the reason does not stand beside the button. */
  onBlocked?: () => void;
}) {
  const store = useAppStore();
  const isReady = useApp((state) => readinessOf(state, image).isReady);
  const isAgain = useApp((state) => refinementsOf(state, image.id).history.currentId !== null);
  const isBusy = useApp((state) => /refining|waiting/.test(refinementsOf(state, image.id).job.state));
  return (
    <button
      type="button"
      className={classes(controls.button, isReady && controls.primary, className)}
      disabled={isBusy || (!isReady && !onBlocked)}
      aria-keyshortcuts="R"
      onClick={() => (isReady ? store.getState().refine(image.id) : onBlocked?.())}
    >
      <Icon name="refine" /> {isAgain ? 'Refine again' : 'Refine'} <kbd className={styles.key}>R</kbd>
    </button>
  );
}
