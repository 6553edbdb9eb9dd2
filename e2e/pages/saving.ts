import { wrap } from 'comlink';
import type { SavingTestApi } from './saving.worker.ts';

declare global {
  /** What `saving.spec.ts` calls; everything runs in a worker, as in the app. */
  var savingTest: ReturnType<typeof wrap<SavingTestApi>>;
}

globalThis.savingTest = wrap<SavingTestApi>(
  new Worker(new URL('./saving.worker.ts', import.meta.url), { type: 'module' }),
);
