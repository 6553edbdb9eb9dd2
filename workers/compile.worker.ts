/**
 * The worker that makes packs of published checkpoints, and checks and moves them: checkpoint → graph → OPFS. It owns no GPU;
 * the graphs themselves are built by the refine worker when it needs them.
 */
import { expose } from 'comlink';
import type { PackWorkerApi } from '../src/bridge/packProtocol.ts';
import type { ByteProgress } from '../src/bridge/protocol.ts';
import { discardDraft, listDrafts } from '../src/storage/draftStore.ts';
import { PackActivity } from '../src/storage/packActivity.ts';
import { asTheOnlyJob } from '../src/storage/packLocks.ts';
import { deleteLeftovers, deletePack, listDamaged, listPacks } from '../src/storage/packStore.ts';
import { storageState } from '../src/storage/storageRoom.ts';
import { estimateInstall, installPack, resumeDraft } from './installPack.ts';
import { discarded, Jobs } from './jobs.ts';

const jobs = new Jobs();
const activity = new PackActivity<ByteProgress>();

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
            onProgress: (progress) => {
              onProgress(progress);
              activity.running({ jobId, name, progress });
            },
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

/** Tells all tabs that the list has changed. */
async function changing(work: Promise<void>): Promise<void> {
  await work;
  activity.changed();
}

const api = {
  listPacks: async () => (await listPacks()).map(({ summary }) => summary),
  listDrafts,
  listDamaged,
  storageState,
  estimateInstall,
  install: ({ jobId, ...request }, onProgress) =>
    runJob({ jobId, name: request.name }, onProgress, (options) => installPack(request, options)),
  resumeDraft: async ({ jobId, draftId, hub }, onProgress) => {
    const draft = (await listDrafts()).find(({ id }) => id === draftId);
    return runJob({ jobId, name: draft?.name ?? '' }, onProgress, (options) => resumeDraft({ draftId, hub }, options));
  },
  discardDraft: (draftId) => changing(discardDraft(draftId)),
  deletePack: (packId) => changing(deletePack(packId)),
  watchActivity: async (onChange) => activity.watch(onChange),
  pause: async (jobId) => jobs.cancel(jobId),
  cancel: async (jobId) => jobs.cancel(jobId, discarded()),
} satisfies Omit<PackWorkerApi, 'verifyPack' | 'repairPack' | 'exportPack' | 'importPack'>;

expose(api);
