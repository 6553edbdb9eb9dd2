import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { defaultAnalysisSettings } from '../pipeline/analyse.ts';
import { strategyDescriptions } from '../pipeline/strategy.ts';
import { publicUrl } from '../publicUrl.ts';
import { defaultRefineSettings, toyRefineSettings } from '../refine/refineSettings.ts';
import { type AppStore, createAppStore, type StoreEnvironment } from '../store/appStore.ts';
import { App } from './App.tsx';
import './base.css';

/** Draws the app into an element and starts it with the given workers and what else is outside of the screen. */
export function mountApp(
  root: HTMLElement,
  outside: Pick<
    StoreEnvironment,
    'workers' | 'shell' | 'bundles' | 'blocks' | 'samples' | 'allowedEndpoints' | 'batches' | 'folders'
  >,
): AppStore {
  const store = createAppStore({
    ...outside,
    settings: defaultAnalysisSettings,
    refineSettings: defaultRefineSettings,
    toyRefineSettings,
    fetchSample,
    refineStrategies: strategyDescriptions,
    persistStorage: async () => (await navigator.storage?.persist?.()) ?? false,
    storage: availableStorage(),
    now: () => performance.now(),
    wallClock: () => Date.now(),
    newId: () => crypto.randomUUID(),
    newSeed: () => crypto.getRandomValues(new Uint32Array(1))[0] as number,
  });
  createRoot(root).render(
    <StrictMode>
      <App store={store} />
    </StrictMode>,
  );
  store.getState().watchShell();
  void store.getState().start();
  return store;
}

async function fetchSample(file: string): Promise<Blob> {
  const response = await fetch(publicUrl(`samples/${file}`));
  if (!response.ok) throw new Error(`the server answers ${response.status}`);
  return response.blob();
}

/** Reading `localStorage` itself throws where a browser forbids it. */
function availableStorage(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}
