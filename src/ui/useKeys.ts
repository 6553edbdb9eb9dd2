import { useEffect } from 'react';
import type { AppState } from '../store/appStore.ts';
import { isAtWork } from '../store/install.ts';
import type { Overlay } from '../store/viewSlice.ts';
import { saveInView } from './exports.ts';
import { useFiles } from './Files.tsx';
import { VIEWS } from './refineWords.ts';
import { useAppStore } from './StoreContext.tsx';
import type { PanZoom } from './usePanZoom.ts';

const OVERLAY_KEYS: Readonly<Record<string, Overlay>> = {
  p: 'perceptual',
  a: 'alignment',
  b: 'both',
  m: 'mask',
  n: 'none',
};
const ARROWS: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };
const OPACITY_STEP = 0.1;
const ZOOM_STEP = 1.25;

/** Widgets that use arrow keys themselves. */
const TAKES_ARROWS =
  '[role=slider], [role=radio], [role=radiogroup], [role=group] [role=radio], [role=dialog], details, input';

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  target.closest('input:not([type=radio], [type=range], [type=checkbox]), textarea, select, [contenteditable]') !==
    null;

/** What Esc stops: a refinement, else the analyses, else work on models (an installation pauses), else the folder in sight (it pauses), else a pinned map. Open panels and dialogs take Esc first. */
function stopWhatRuns(state: AppState): void {
  const jobs = Object.values(state.refinements).map(({ job }) => job.state);
  if (jobs.includes('refining')) {
    state.cancelRefinements();
  } else if (state.images.some(({ job }) => job.state === 'analysing' || job.state === 'waiting') && !noModel(state)) {
    // A refinement that waits for the analysis would start the moment it stops.
    state.cancelRefinements();
    state.cancelAnalyses();
  } else if (jobs.includes('waiting')) {
    state.cancelRefinements();
  } else if (isAtWork(state.install)) {
    state.pauseInstall();
  } else if (state.packJob) {
    state.cancelPackJob();
  } else if (state.batchShown && state.batch?.queue.isRunning) {
    state.pauseBatch();
  } else if (state.pinnedPhrase !== null) {
    state.togglePinnedPhrase(state.pinnedPhrase);
  } else if (state.sheetOpen) {
    state.setSheetOpen(false);
  }
}

const noModel = (state: AppState) => state.packInUse.maps === null;

/** Obeys the keys of the whole screen; those of one part (probe, Delete in the strip) are with that part. */
export function useKeys(panZoom: PanZoom | null): void {
  const store = useAppStore();
  const { pickImages } = useFiles();

  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const state = store.getState();
      const { target } = event;
      if (event.defaultPrevented || state.helpOpen || state.candidate) return;
      const command = event.ctrlKey || event.metaKey;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;

      if (command && !event.altKey && !event.shiftKey && (key === 's' || key === 'o')) {
        event.preventDefault();
        if (key === 'o') pickImages();
        else if (!state.batchShown) void saveInView(store);
        return;
      }
      if (command && !event.altKey && (key === 'z' || key === 'y') && !isTyping(target)) {
        event.preventDefault();
        if (!state.selectedId || state.batchShown) return;
        if (key === 'y' || event.shiftKey) state.redoRefinement(state.selectedId);
        else state.undoRefinement(state.selectedId);
        return;
      }
      if (command || event.altKey || isTyping(target)) return;
      if (key === 'Escape') {
        if (state.panel === null) stopWhatRuns(state);
        return;
      }
      if (key === '?') {
        state.setHelpOpen(true);
        return;
      }
      if (state.panel !== null || !panZoom) return;
      if (key === ' ') {
        // A button reached by keyboard is pressed by Space; one that was clicked merely still has the focus.
        if (target instanceof HTMLElement && target.matches('button:focus-visible, summary:focus-visible')) return;
        event.preventDefault();
        state.setShowOriginal(true);
        return;
      }
      const overlay = OVERLAY_KEYS[key];
      const view = VIEWS.find((one) => one.key === key)?.value;
      const step = ARROWS[key];
      if (overlay) state.setOverlay(overlay);
      else if (view) state.setView(view);
      else if (key === 'r') {
        if (state.selectedId && !event.repeat) state.refine(state.selectedId);
      } else if (key === '[') state.setOpacity(state.opacity - OPACITY_STEP);
      else if (key === ']') state.setOpacity(state.opacity + OPACITY_STEP);
      else if (key === 's') state.setScale(state.scale === 'absolute' ? 'relative' : 'absolute');
      else if (key === 'z') panZoom.fit();
      else if (key === '0') panZoom.actualSize();
      else if (key === '+' || key === '=') panZoom.zoomBy(ZOOM_STEP);
      else if (key === '-') panZoom.zoomBy(1 / ZOOM_STEP);
      else if (key === 'e') {
        document
          .querySelector<HTMLElement>('[data-action="edit-prompt"], [data-action="prompt"]')
          ?.[document.querySelector('[data-action="edit-prompt"]') ? 'click' : 'focus']();
      } else if (step && !event.shiftKey) {
        if (target instanceof HTMLElement && target.closest(TAKES_ARROWS)) return;
        state.selectBy(step);
      } else return;
      event.preventDefault();
    };
    const onKeyUp = (event: KeyboardEvent) => {
      if (event.key !== ' ' || !store.getState().showOriginal) return;
      // Else the button that was clicked last would be pressed.
      event.preventDefault();
      store.getState().setShowOriginal(false);
    };
    const onBlur = () => store.getState().setShowOriginal(false);
    window.addEventListener('keydown', onKeyDown);
    window.addEventListener('keyup', onKeyUp, true);
    window.addEventListener('blur', onBlur);
    return () => {
      window.removeEventListener('keydown', onKeyDown);
      window.removeEventListener('keyup', onKeyUp, true);
      window.removeEventListener('blur', onBlur);
    };
  }, [store, panZoom, pickImages]);
}
