import { proxy, type Remote, wrap } from 'comlink';
import type { PackWorkerApi } from './packProtocol.ts';
import type { RefineWorkerApi } from './protocol.ts';

/** The two workers as the store sees them. Tests and pages without workers pass their own object of this shape. */
export interface Workers {
  readonly refine: RefineWorkerApi;
  readonly compile: PackWorkerApi;
  /** Ends both workers and starts new ones: the way out when one has crashed. `refine.start` must be called again. */
  restart(): void;
}

/** One worker, its remote, and a promise that rejects when the worker dies. */
interface Connection<Api> {
  readonly remote: Remote<Api>;
  readonly crashed: Promise<never>;
  /** Ends the worker; calls still waiting reject. */
  end(): void;
}

function connect<Api>(worker: Worker, label: string): Connection<Api> {
  // Comlink never settles a call whose worker failed to load or was ended, so every call races against this promise.
  let crash = (_reason: string) => {};
  const crashed = new Promise<never>((_, reject) => {
    crash = (reason) => {
      const error = new Error(`The ${label} stopped: ${reason}`);
      error.name = 'WorkerCrashError';
      reject(error);
    };
  });
  // Nobody may be waiting at the moment of the crash.
  crashed.catch(() => {});
  worker.addEventListener('error', (event) => crash(event.message || 'its script could not be loaded'));
  return {
    remote: wrap<Api>(worker),
    crashed,
    end: () => {
      worker.terminate();
      crash('it was restarted');
    },
  };
}

/** Starts the workers and returns them as plain objects: callbacks become comlink proxies here and nowhere else. */
export function connectWorkers(): Workers {
  const openRefine = () =>
    connect<RefineWorkerApi>(
      new Worker(new URL('../../workers/refine.worker.ts', import.meta.url), { type: 'module', name: 'refine' }),
      'analysis worker',
    );
  const openCompile = () =>
    connect<PackWorkerApi>(
      new Worker(new URL('../../workers/compile.worker.ts', import.meta.url), { type: 'module', name: 'compile' }),
      'model worker',
    );
  let refine = openRefine();
  let compile = openCompile();

  const askRefine = <T>(call: (api: Remote<RefineWorkerApi>) => Promise<T>): Promise<T> =>
    Promise.race([call(refine.remote), refine.crashed]);
  const askCompile = <T>(call: (api: Remote<PackWorkerApi>) => Promise<T>): Promise<T> =>
    Promise.race([call(compile.remote), compile.crashed]);

  return {
    refine: {
      start: (preferred) => askRefine((api) => api.start(preferred)),
      selectTier: (tier) => askRefine((api) => api.selectTier(tier)),
      watchDevice: (onLost) => askRefine((api) => api.watchDevice(proxy(onLost))),
      usePack: (packId) => askRefine((api) => api.usePack(packId)),
      setMemoryBudget: (bytes) => askRefine((api) => api.setMemoryBudget(bytes)),
      openImage: (file) => askRefine((api) => api.openImage(file)),
      summariseImage: (file, side) => askRefine((api) => api.summariseImage(file, side)),
      releaseImage: (file) => askRefine((api) => api.releaseImage(file)),
      analyse: (job, onEvent) => askRefine((api) => api.analyse(job, proxy(onEvent))),
      measure: (job) => askRefine((api) => api.measure(job)),
      exportHeatmap: (request) => askRefine((api) => api.exportHeatmap(request)),
      refine: (job, onEvent) => askRefine((api) => api.refine(job, proxy(onEvent))),
      saveImage: (request) => askRefine((api) => api.saveImage(request)),
      calibrate: (job, onProgress) => askRefine((api) => api.calibrate(job, proxy(onProgress))),
      listCalibrations: () => askRefine((api) => api.listCalibrations()),
      saveCalibration: (calibration) => askRefine((api) => api.saveCalibration(calibration)),
      importCalibration: (file) => askRefine((api) => api.importCalibration(file)),
      exportCalibration: (id) => askRefine((api) => api.exportCalibration(id)),
      deleteCalibration: (id) => askRefine((api) => api.deleteCalibration(id)),
      cancel: (jobId) => askRefine((api) => api.cancel(jobId)),
    },
    compile: {
      listPacks: () => askCompile((api) => api.listPacks()),
      listDrafts: () => askCompile((api) => api.listDrafts()),
      listDamaged: () => askCompile((api) => api.listDamaged()),
      storageState: () => askCompile((api) => api.storageState()),
      estimateInstall: (request) => askCompile((api) => api.estimateInstall(request)),
      install: (request, onProgress) => askCompile((api) => api.install(request, proxy(onProgress))),
      resumeDraft: (job, onProgress) => askCompile((api) => api.resumeDraft(job, proxy(onProgress))),
      discardDraft: (draftId) => askCompile((api) => api.discardDraft(draftId)),
      deletePack: (packId) => askCompile((api) => api.deletePack(packId)),
      verifyPack: (job, onProgress) => askCompile((api) => api.verifyPack(job, proxy(onProgress))),
      repairPack: (job, onProgress) => askCompile((api) => api.repairPack(job, proxy(onProgress))),
      exportPack: (job, onProgress) => askCompile((api) => api.exportPack(job, proxy(onProgress))),
      importPack: (job, onProgress) => askCompile((api) => api.importPack(job, proxy(onProgress))),
      watchActivity: (onChange) => askCompile((api) => api.watchActivity(proxy(onChange))),
      pause: (jobId) => askCompile((api) => api.pause(jobId)),
      cancel: (jobId) => askCompile((api) => api.cancel(jobId)),
    },
    restart: () => {
      refine.end();
      compile.end();
      refine = openRefine();
      compile = openCompile();
    },
  };
}
