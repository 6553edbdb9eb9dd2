import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import type { Workers } from '../bridge/client.ts';
import type { Shell } from '../bridge/shell.ts';
import { defaultAnalysisSettings } from '../pipeline/analyse.ts';
import { defaultRefineSettings } from '../refine/refineSettings.ts';
import { type AppStore, createAppStore } from '../store/appStore.ts';
import { App } from './App.tsx';
import './base.css';

/** Draws the app into an element and starts it with the given workers, and what keeps it for offline use. */
export function mountApp(root: HTMLElement, { workers, shell }: { workers: Workers; shell: Shell | null }): AppStore {
  const store = createAppStore({
    workers,
    shell,
    settings: defaultAnalysisSettings,
    refineSettings: defaultRefineSettings,
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

/** Reading `localStorage` itself throws where a browser forbids it. */
function availableStorage(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}
