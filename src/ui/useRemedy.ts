import type { Problem, Remedy } from '../store/problem.ts';
import { useFiles } from './Files.tsx';
import { useAppStore } from './StoreContext.tsx';

/** What a remedy button does, given the problem and, where it is an image's, that image. */
export function useRemedy(): (remedy: Remedy, of: { problem: Problem; imageId: string | null }) => void {
  const store = useAppStore();
  const files = useFiles();
  return (remedy, { problem, imageId }) => {
    const state = store.getState();
    switch (remedy) {
      case 'retry':
        if (imageId) state.analyse(imageId);
        else if (problem.during === 'start') void state.start();
        else state.retryFailed();
        break;
      case 'useProcessor':
        void state.selectTier('wasm').then(() => imageId && store.getState().analyse(imageId));
        break;
      case 'addModel':
        files.pickModelFolder();
        break;
      case 'openImages':
        files.pickImages();
        break;
      case 'showMachine':
        state.setPanel('machine');
        break;
      case 'showPacks':
        state.setPanel('packs');
        break;
      case 'restartWorkers':
        void state.restartWorkers();
        break;
    }
  };
}
