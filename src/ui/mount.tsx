import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import type { Workers } from '../bridge/client.ts';
import { defaultAnalysisSettings } from '../pipeline/analyse.ts';
import { type AppStore, createAppStore } from '../store/appStore.ts';
import { App } from './App.tsx';
import './base.css';

/** Draws the app into an element and starts it with the given workers. */
export function mountApp(root: HTMLElement, workers: Workers): AppStore {
  const store = createAppStore({
    workers,
    settings: defaultAnalysisSettings,
    storage: availableStorage(),
    now: () => performance.now(),
    newId: () => crypto.randomUUID(),
  });
  createRoot(root).render(
    <StrictMode>
      <App store={store} />
    </StrictMode>,
  );
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
