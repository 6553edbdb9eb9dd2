import type { BenchRequest, BenchResult } from './benchRequest.ts';

/** Runs one round in a worker, as the app does. */
async function bench(request: BenchRequest): Promise<BenchResult> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  worker.addEventListener('error', ({ message }) => {
    throw new Error(`The worker failed: ${message}`);
  });
  const idleBytes = request.watchMemory ? await memory() : 0;
  let peakBytes = idleBytes;
  let isRunning = true;
  const result = new Promise<{ error?: string } & Omit<BenchResult, 'idleBytes' | 'peakBytes'>>((resolve) => {
    worker.addEventListener('message', ({ data }) => resolve(data));
  }).finally(() => {
    isRunning = false;
  });
  worker.postMessage(request);
  const watching = (async () => {
    while (isRunning && request.watchMemory) peakBytes = Math.max(peakBytes, await memory());
  })();
  const { error, ...measured } = await result;
  await watching;
  if (error) throw new Error(error);
  return { ...measured, idleBytes, peakBytes };
}

/** Heaps and ArrayBuffers of the page and its worker. The browser answers after a garbage collection. */
async function memory(): Promise<number> {
  const { measureUserAgentSpecificMemory: measure } = performance as Performance & {
    measureUserAgentSpecificMemory?: () => Promise<{ bytes: number }>;
  };
  return measure ? (await measure.call(performance)).bytes : 0;
}

Object.assign(globalThis, { bench });
