import type { PackWorkerApi } from '../src/bridge/packProtocol.ts';
import type { ByteProgress } from '../src/bridge/protocol.ts';
import { discardDraft, listDrafts } from '../src/storage/draftStore.ts';
import { exportPack } from '../src/storage/exportPack.ts';
import { importPack, openExportedPack } from '../src/storage/importPack.ts';
import { PackActivity } from '../src/storage/packActivity.ts';
import { describeDamage, findDamage } from '../src/storage/packDamage.ts';
import { asTheOnlyJob, whileOwned } from '../src/storage/packLocks.ts';
import type { PackManifest } from '../src/storage/packManifest.ts';
import {
  deleteLeftovers,
  deletePack,
  listDamaged,
  listPacks,
  type OpenPack,
  openPack,
} from '../src/storage/packStore.ts';
import { storageState } from '../src/storage/storageRoom.ts';
import { estimateInstall, type InstallOptions, installPack, resumeDraft } from './installPack.ts';
import { discarded, Jobs } from './jobs.ts';
import { repairPack } from './repairPack.ts';

const jobs = new Jobs();
const activity = new PackActivity<ByteProgress>();

/** Progress crosses to the page at most this often, in milliseconds: a download tells of every piece. */
const TOLD_EVERY = 100;

/** Passes on what begins a stage or item, what ends it, and in between what comes now and then. */
function everyMoment(tell: (progress: ByteProgress) => void): (progress: ByteProgress) => void {
  let toldAt = Number.NEGATIVE_INFINITY;
  let told: ByteProgress | null = null;
  return (progress) => {
    const now = performance.now();
    const isNew = progress.stage !== told?.stage || progress.item !== told.item;
    const isEnd = progress.doneBytes === progress.totalBytes;
    if (!isNew && !isEnd && now - toldAt < TOLD_EVERY) return;
    toldAt = now;
    told = progress;
    tell(progress);
  };
}

/** What a job is given. */
interface JobOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ByteProgress) => void;
}

/** Runs a job on packs once no other runs in any tab, and tells all tabs of it. */
function runJob<T>(
  { jobId, name }: { jobId: string; name: string },
  onProgress: (progress: ByteProgress) => void,
  work: (options: JobOptions) => Promise<T>,
): Promise<T> {
  return jobs.run(jobId, (signal) =>
    asTheOnlyJob(
      async () => {
        activity.running({ jobId, name, progress: null });
        try {
          await deleteLeftovers();
          return await work({
            signal,
            onProgress: everyMoment((progress) => {
              onProgress(progress);
              activity.running({ jobId, name, progress });
            }),
          });
        } finally {
          activity.ended();
        }
      },
      {
        signal,
        onWait: () => {
          const other = activity.activity.running?.name;
          onProgress({ stage: 'wait', item: other ?? '', doneBytes: 0, totalBytes: 0 });
        },
      },
    ),
  );
}

/** Runs a job on one installed pack, which nobody deletes meanwhile. */
async function runPackJob<T>(
  { jobId, packId }: { jobId: string; packId: string },
  onProgress: (progress: ByteProgress) => void,
  work: (pack: OpenPack, options: JobOptions) => Promise<T>,
): Promise<T> {
  const { name } = (await openPack(packId)).manifest.summary;
  return runJob({ jobId, name }, onProgress, (options) =>
    whileOwned(packId, async () => work(await openPack(packId), options)),
  );
}

/** Progress through a whole pack from counts of bytes. */
function byBytes(
  { summary: { name, byteLength: totalBytes } }: PackManifest,
  stage: ByteProgress['stage'],
  tell: (progress: ByteProgress) => void,
): (count: number) => void {
  let doneBytes = 0;
  return (count) => {
    doneBytes += count;
    tell({ stage, item: name, doneBytes, totalBytes });
  };
}

/** Tells all tabs that the list has changed. */
async function changing(work: Promise<void>): Promise<void> {
  await work;
  activity.changed();
}

/**
 * What the worker that makes packs can be asked for.
 * @param given sizes and patience, others than the default for tests
 */
export function packWorkerApi(given: Pick<InstallOptions, 'sizes' | 'limits'> = {}): PackWorkerApi {
  return {
    listPacks: async () => (await listPacks()).map(({ summary }) => summary),
    listDrafts,
    listDamaged,
    storageState,
    estimateInstall: (request) => estimateInstall(request, given),
    install: ({ jobId, ...request }, onProgress) =>
      runJob({ jobId, name: request.name }, onProgress, (options) => installPack(request, { ...given, ...options })),
    resumeDraft: async ({ jobId, draftId, hub }, onProgress) => {
      const draft = (await listDrafts()).find(({ id }) => id === draftId);
      return runJob({ jobId, name: draft?.name ?? '' }, onProgress, (options) =>
        resumeDraft({ draftId, hub }, { ...given, ...options }),
      );
    },
    discardDraft: (draftId) => changing(discardDraft(draftId)),
    deletePack: (packId) => changing(deletePack(packId)),
    verifyPack: (job, onProgress) =>
      runPackJob(job, onProgress, async (pack, { signal, onProgress: tell }) => {
        const damage = await findDamage(pack, { signal, onBytes: byBytes(pack.manifest, 'check', tell) });
        return damage && describeDamage(pack.manifest, damage);
      }),
    repairPack: ({ source, hub, ...job }, onProgress) =>
      runPackJob(job, onProgress, async (pack, options) => {
        await repairPack(pack, { source, hub, ...given, ...options });
        return pack.manifest.summary;
      }),
    exportPack: ({ folder, ...job }, onProgress) =>
      runPackJob(job, onProgress, async (pack, { signal, onProgress: tell }) => {
        await exportPack(pack, { into: folder, signal, onBytes: byBytes(pack.manifest, 'copy', tell) });
      }),
    importPack: async ({ jobId, files }, onProgress) => {
      const exported = await openExportedPack(files);
      return runJob({ jobId, name: exported.manifest.summary.name }, onProgress, ({ signal, onProgress: tell }) =>
        importPack(exported, { signal, onBytes: byBytes(exported.manifest, 'copy', tell) }),
      );
    },
    watchActivity: async (onChange) => activity.watch(onChange),
    pause: async (jobId) => jobs.cancel(jobId),
    cancel: async (jobId) => jobs.cancel(jobId, discarded()),
  };
}
