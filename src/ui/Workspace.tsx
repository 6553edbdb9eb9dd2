import { useDeferredValue, useMemo } from 'react';
import type { ImageItem } from '../store/imagesSlice.ts';
import { refinementsOf } from '../store/refineSlice.ts';
import { BlocksNote } from './BlocksNote.tsx';
import { classes } from './classes.ts';
import { comparisonOf } from './comparison.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import { ImageProblem } from './ImageProblem.tsx';
import { Inspector } from './Inspector.tsx';
import { PromptPanel } from './PromptPanel.tsx';
import { RefineButton } from './RefinePanel.tsx';
import { ResultBar } from './ResultBar.tsx';
import { Stage } from './Stage.tsx';
import { StageToolbar } from './StageToolbar.tsx';
import { selectedImage, useApp, useAppStore } from './StoreContext.tsx';
import { Strip } from './Strip.tsx';
import { UnchangedCard } from './UnchangedCard.tsx';
import { useKeys } from './useKeys.ts';
import { useNarrow } from './useNarrow.ts';
import { usePanZoom } from './usePanZoom.ts';
import styles from './Workspace.module.css';
import { WorseCard } from './WorseCard.tsx';
import { percent } from './words.ts';

/** The light table: strip, picture with its controls and prompt, inspector. */
export function Workspace() {
  const image = useApp(selectedImage);
  const sheetOpen = useApp((state) => state.sheetOpen);
  const panZoom = usePanZoom(image?.opened ?? null, image?.id ?? null);
  const narrow = useNarrow();
  // The picture is drawn first; the rest follows in slices, so that opening the first image never blocks the page.
  const isComplete = useDeferredValue(true, false);
  const refinements = useApp((state) => (image ? refinementsOf(state, image.id) : null));
  const compareWith = useApp((state) => state.compareWith);
  const comparison = useMemo(
    () => (image && refinements ? comparisonOf(image, refinements, compareWith) : null),
    [image, refinements, compareWith],
  );
  useKeys(panZoom);
  if (!image) return null;
  const shown = comparison?.after.item ?? image;
  return (
    <main className={classes(styles.workspace, sheetOpen && styles.withSheet)}>
      <Strip />
      <div className={styles.middle}>
        <ResultBar image={image} comparison={comparison} />
        <Stage image={image} comparison={comparison} panZoom={panZoom} />
        {narrow && (
          <div className={styles.problem}>
            <ImageProblem image={image} />
            <BlocksNote imageId={image.id} />
            {refinements?.unchanged && <UnchangedCard imageId={image.id} report={refinements.unchanged} />}
            {comparison && <WorseCard imageId={image.id} comparison={comparison} />}
          </div>
        )}
        <div className={styles.controls}>
          {isComplete && <StageToolbar panZoom={panZoom} />}
          <PromptPanel key={image.id} image={shown} result={comparison?.result ?? null} />
        </div>
      </div>
      <Sheet
        image={image}
        quality={shown.perceptual?.score ?? null}
        match={shown.alignment?.score ?? null}
        attention={image.job.state === 'failed' || refinements?.job.state === 'failed'}
      >
        {!narrow && (
          <div className={styles.problem}>
            <ImageProblem image={image} />
            <BlocksNote imageId={image.id} />
          </div>
        )}
        {isComplete && <Inspector image={image} shown={shown} comparison={comparison} />}
      </Sheet>
    </main>
  );
}

/** The inspector's place: a column on wide screens, a sheet with the two scores on its handle on narrow ones. */
function Sheet({
  image,
  quality,
  match,
  attention,
  children,
}: {
  image: ImageItem;
  quality: number | null;
  match: number | null;
  attention: boolean;
  children: React.ReactNode;
}) {
  const store = useAppStore();
  const open = useApp((state) => state.sheetOpen);
  return (
    <aside className={styles.sheet} aria-label="Inspector">
      <div className={styles.handleRow}>
        <button
          type="button"
          className={styles.handle}
          aria-expanded={open}
          aria-controls="inspector"
          onClick={() => store.getState().setSheetOpen(!open)}
        >
          <span>
            Quality <b>{percent(quality)}</b>
          </span>
          <span>
            Match <b>{percent(match)}</b>
          </span>
          {attention && <Icon name="alert" className={styles.attention} />}
          <span className={controls.quietText}>{open ? 'Close' : 'Details'}</span>
          <Icon name={open ? 'chevron' : 'up'} />
        </button>
        <RefineButton
          image={image}
          className={styles.handleRefine}
          onBlocked={() => store.getState().setSheetOpen(true)}
        />
      </div>
      <div id="inspector" className={styles.scroll}>
        {children}
      </div>
    </aside>
  );
}
