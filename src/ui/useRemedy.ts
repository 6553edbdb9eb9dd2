import type { Tier } from '../runtime/status.ts';
import type { AppState, AppStore } from '../store/appStore.ts';
import type { Problem, Remedy } from '../store/problem.ts';
import { useFiles } from './Files.tsx';
import { useAppStore } from './StoreContext.tsx';

/** The way of computing with the widest numbers after the one in use: 32 bits on the GPU, else the processor. */
function exactTier({ engine }: AppState): Tier {
  if (engine.state !== 'ready' || engine.status.tier !== 'webgpu-fp16') return 'wasm';
  return engine.status.tiers.some(({ tier, available }) => tier === 'webgpu-fp32' && available)
    ? 'webgpu-fp32'
    : 'wasm';
}

/** Refines again once the tier is in use; where it is refused, a notice tells why and the failure stays. */
async function refineExactly(store: AppStore, imageId: string | null): Promise<void> {
  const wanted = exactTier(store.getState());
  await store.getState().selectTier(wanted);
  const { engine, retryRefinement } = store.getState();
  if (imageId && engine.state === 'ready' && engine.status.tier === wanted) retryRefinement(imageId);
}

/** What a remedy button does, given the problem and, where it is an image's, that image. */
export function useRemedy(): (remedy: Remedy, of: { problem: Problem; imageId: string | null }) => void {
  const store = useAppStore();
  const files = useFiles();
  return (remedy, { problem, imageId }) => {
    const state = store.getState();
    switch (remedy) {
      case 'retry':
        if (imageId && problem.during === 'refine') state.retryRefinement(imageId);
        else if (imageId) state.analyse(imageId);
        else if (problem.during === 'start') void state.start();
        else state.retryFailed();
        break;
      case 'useProcessor':
        void state.selectTier('wasm').then(() => imageId && store.getState().analyse(imageId));
        break;
      case 'useExactNumbers':
        void refineExactly(store, imageId);
        break;
      case 'resetRefineSettings':
        state.resetRefineChoices();
        break;
      case 'addModel':
        files.pickModelFolder();
        break;
      case 'getModels':
        state.showModels('get');
        break;
      case 'openImages':
        files.pickImages();
        break;
      case 'showMachine':
        state.setPanel('machine');
        break;
      case 'showPacks':
        state.showModels('installed');
        break;
      case 'showSource':
        state.showModels('source');
        break;
      case 'resumeInstall':
        void state.resumeInstall();
        break;
      case 'showSave':
        state.setPanel('export');
        break;
      case 'showBatch':
        state.showBatch(true);
        break;
      case 'restartWorkers':
        void state.restartWorkers().then(() => {
          if (problem.during === 'install') void store.getState().resumeInstall();
        });
        break;
    }
  };
}
