import { proxy, wrap } from 'comlink';
import type { PackWorkerApi } from '../../src/bridge/packProtocol.ts';
import type { BenchRequest, BenchResult } from './installRequest.ts';

/** Installs the hub's model with the app's own worker, and deletes it. */
async function bench({ precision }: BenchRequest): Promise<BenchResult> {
  const { files, endpoint, byteLength: publishedBytes } = await (await fetch('/synthetic-hub')).json();
  const worker = wrap<PackWorkerApi>(
    new Worker(new URL('../../workers/compile.worker.ts', import.meta.url), { type: 'module' }),
  );
  await worker.listPacks();
  const idleBytes = await memory();
  let peakBytes = idleBytes;
  let samples = 0;
  let isRunning = true;
  const watching = (async () => {
    for (; isRunning; samples++) peakBytes = Math.max(peakBytes, await memory());
  })();
  const start = performance.now();
  const source = { from: 'hub', files, hub: { endpoint, token: null } } as const;
  const request = { jobId: 'bench', name: 'SDXL', precision, licence: null, source } as const;
  let tenths = 0;
  const pack = await worker.install(
    request,
    proxy(({ doneBytes, totalBytes }) => {
      if (10 * doneBytes < (tenths + 1) * totalBytes) return;
      tenths = Math.floor((10 * doneBytes) / totalBytes);
      console.log(`${10 * tenths} %`);
    }),
  );
  const milliseconds = performance.now() - start;
  isRunning = false;
  await watching;
  await worker.deletePack(pack.id);
  return { milliseconds, publishedBytes, packBytes: pack.byteLength, idleBytes, peakBytes, samples };
}

/** Heaps and ArrayBuffers of the page and its workers. The browser answers after a garbage collection. */
async function memory(): Promise<number> {
  const { measureUserAgentSpecificMemory: measure } = performance as Performance & {
    measureUserAgentSpecificMemory?: () => Promise<{ bytes: number }>;
  };
  return measure ? (await measure.call(performance)).bytes : 0;
}

Object.assign(globalThis, { bench });
