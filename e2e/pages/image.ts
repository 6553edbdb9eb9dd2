import { wrap } from 'comlink';
import type { ImageTestApi } from './image.worker.ts';

declare global {
  /** What `image.spec.ts` calls; everything runs in a worker, as in the app. */
  var imageTest: ReturnType<typeof wrap<ImageTestApi>>;
}

globalThis.imageTest = wrap<ImageTestApi>(
  new Worker(new URL('./image.worker.ts', import.meta.url), { type: 'module' }),
);
