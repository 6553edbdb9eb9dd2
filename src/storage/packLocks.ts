import { UserError } from '../errors.ts';

/** Name of the lock of the one job on packs that may run, over all tabs. */
const JOB_LOCK = 'g-refine-compile';
/** How the lock of a single pack or draft begins; its id follows. */
const PACK_LOCK = 'g-refine-pack-';

/**
 * Runs a job while no other job on packs runs, in any tab.
 * @param options `onWait`: told once where another job has to end first. `signal`: ends the waiting
 */
export async function asTheOnlyJob<T>(
  job: () => Promise<T>,
  { signal, onWait }: { signal: AbortSignal; onWait: () => void },
): Promise<T> {
  const atOnce = await navigator.locks.request(JOB_LOCK, { ifAvailable: true }, async (lock) =>
    lock ? { result: await job() } : null,
  );
  if (atOnce) return atOnce.result;
  onWait();
  return navigator.locks.request(JOB_LOCK, { signal }, job);
}

/** Resolves when the job that runs now, in any tab, has ended; its tab may have been closed. */
export async function untilJobEnds(): Promise<void> {
  await navigator.locks.request(JOB_LOCK, { mode: 'shared' }, async () => {});
}

/** Whether a job on packs runs in any tab. */
export async function isJobRunning(): Promise<boolean> {
  const { held = [] } = await navigator.locks.query();
  return held.some(({ name, mode }) => name === JOB_LOCK && mode === 'exclusive');
}

/**
 * Makes a pack or draft one's own until the returned function is called, which resolves when everybody knows.
 * @throws {UserError} `StorageError`: somebody works on it
 */
export function ownPack(id: string): Promise<() => Promise<void>> {
  return new Promise((resolve, reject) => {
    const owned: Promise<void> = navigator.locks.request(PACK_LOCK + id, { ifAvailable: true }, (lock) => {
      if (!lock) {
        throw new UserError(
          'StorageError',
          'This model is being worked on, here or in another tab. Wait until that has ended, or pause it first.',
        );
      }
      return new Promise<void>((release) => {
        resolve(() => {
          release();
          return owned;
        });
      });
    });
    owned.catch(reject);
  });
}

/** Does something to a pack or draft that nobody else works on. @throws {UserError} `StorageError`: somebody does */
export async function whileOwned<T>(id: string, work: () => Promise<T>): Promise<T> {
  const release = await ownPack(id);
  try {
    return await work();
  } finally {
    await release();
  }
}

/** Ids of the packs and drafts that are being worked on, in any tab. */
export async function busyPacks(): Promise<ReadonlySet<string>> {
  const { held = [] } = await navigator.locks.query();
  const names = held.map(({ name = '' }) => name).filter((name) => name.startsWith(PACK_LOCK));
  return new Set(names.map((name) => name.slice(PACK_LOCK.length)));
}
