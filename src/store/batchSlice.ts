import type { BatchOutcome, BatchProblem, BatchTask } from '../batch/batch.ts';
import { batchContent, commonFolder, matchFiles } from '../batch/batchOffer.ts';
import {
  type BatchQueue,
  begun,
  ended,
  entryOf,
  nextEntry,
  openQueue,
  paused,
  resumed,
  retried,
  returned,
  skipped,
  stateOf,
  withTask,
} from '../batch/batchQueue.ts';
import {
  BATCH_FORMAT,
  type BatchRecord,
  entryName,
  MAX_BATCH_TASKS,
  type RecordDefaults,
} from '../batch/batchRecord.ts';
import { parseRefineResult } from '../batch/refineResultRecord.ts';
import { abortError } from '../errors.ts';
import type { Slice } from './appStore.ts';
import { damagedRefinement, fileMissing, missingFolder, noImages, openElsewhere } from './batchErrors.ts';
import type { BatchSlice, BatchStep, OpenBatch } from './batchState.ts';
import { type BatchChoice, batchTask } from './batchTask.ts';
import { batchFiles, keeperOf, workOnEntry } from './batchWork.ts';
import { type PathedFile, sortFiles } from './modelFolder.ts';
import { arePacksOpening } from './packsSlice.ts';
import { isAbort, toProblem } from './problem.ts';
import { rememberedChoices } from './refineChoices.ts';
import { throttledProgress } from './throttledProgress.ts';

/** The batches' part of the store. */
export const createBatchSlice: Slice<BatchSlice> = (set, get, environment) => {
  const { workers, batches, folders, preferences, remember, newId, newSeed, now, wallClock, lane } = environment;
  const strategies = environment.refineStrategies.map(({ id }) => id);
  const defaults: RecordDefaults = {
    analysis: environment.settings,
    strategies,
    refineSettings: (stored) =>
      rememberedChoices({ settings: stored }, { defaults: get().refineDefaults, strategies }).settings,
  };
  const progress = throttledProgress<BatchStep>((batchStep) => set({ batchStep }));

  /** Of the offer. */
  let offered: { record: Omit<BatchRecord, 'tasks' | 'otherwisePrompt'>; files: Files; folder: Folder } | null = null;
  /** Of the open batch. */
  let open: { record: BatchRecord; files: Files; folder: Folder; release: () => Promise<void> } | null = null;
  /** The entry at work. */
  let running: { batchId: string; jobId: string; isStopped: boolean } | null = null;

  const change = (part: Partial<OpenBatch>) => {
    const { batch } = get();
    if (batch) set({ batch: { ...batch, ...part } });
  };
  const changeQueue = (change_: (queue: BatchQueue) => BatchQueue) => {
    const { batch } = get();
    if (!batch) return;
    const queue = change_(batch.queue);
    if (queue !== batch.queue) change({ queue, missing: missingOf(queue) });
  };
  const missingOf = (queue: BatchQueue): number => {
    const waiting = new Set<string>();
    for (const [entry, outcome] of queue.outcomes.entries()) {
      if (outcome === null) waiting.add(entryOf(queue, entry).image.path);
    }
    return [...waiting].filter((path) => !open?.files.has(path)).length;
  };
  const nameOf = (queue: BatchQueue, entry: number) =>
    entryName(entry % queue.images.length, entryOf(queue, entry).task);
  const readKept = async () => set({ keptBatches: await batches.list(defaults) });

  /** Stops the entry at work. */
  const stop = (stopping: OpenBatch['stopping']) => {
    if (!running || running.isStopped) return;
    running.isStopped = true;
    change({ stopping });
    workers.refine.cancel(running.jobId).catch((error) => get().report(error, 'batch'));
  };

  const show = (
    id: string,
    {
      record,
      outcomes,
      files,
      folder,
      release,
    }: {
      record: BatchRecord;
      outcomes: readonly (BatchOutcome | null)[];
      files: Files;
      folder: Folder;
      release: () => Promise<void>;
    },
  ) => {
    open = { record, files, folder, release };
    const queue = openQueue(record.images, { tasks: record.tasks, outcomes });
    set({
      batch: {
        id,
        name: record.name,
        queue,
        missing: missingOf(queue),
        hasFolder: folder !== null,
        stopping: null,
      },
      batchShown: true,
    });
    remember({ batchId: id });
  };

  /** Reads the folder again where it may be read. */
  const reachFiles = async (options: { readonly ask: boolean }): Promise<void> => {
    const { batch } = get();
    if (!batch || !open?.folder || batch.missing === 0) return;
    try {
      if (!(await folders.mayRead(open.folder, options))) return;
      takeFiles(await folders.files(open.folder));
    } catch (error) {
      // The folder was moved or deleted: it can be dropped instead.
      if (options.ask) get().report(missingFolder(batch.name, error), 'batch');
    }
  };

  /** @returns how many files the open batch has taken up */
  const takeFiles = (files: readonly PathedFile[]): number => {
    const { batch } = get();
    if (!batch || !open) return 0;
    let taken = 0;
    for (const [path, { file }] of matchFiles(batch.queue.images, files)) {
      if (!open.files.has(path)) taken += 1;
      open.files.set(path, file);
    }
    change({ missing: missingOf(batch.queue) });
    return taken;
  };

  const taskOf = (
    choice: BatchChoice,
    { number, measures }: Pick<BatchTask, 'measures'> & { number: number },
  ): BatchTask => {
    const { settings, refineChoices } = get();
    return batchTask(choice, { number, analysis: settings, refineChoices, newSeed, measures });
  };

  /** Puts on the disk what became of the entry at work, then goes on. Where the disk refuses, it rests. */
  const settle = async (batchId: string, outcome: BatchOutcome | null) => {
    const { batch } = get();
    // Closed or deleted meanwhile: its next visit does the entry again.
    if (batch?.id !== batchId || !batch.queue.working) return;
    const { entry } = batch.queue.working;
    if (outcome) {
      try {
        await batches.writeOutcome(batchId, nameOf(batch.queue, entry), outcome);
      } catch (error) {
        changeQueue((queue) => paused(returned(queue), problemOf(error)));
        return;
      }
    }
    if (get().batch?.id === batchId) {
      changeQueue((queue) => (outcome ? ended(queue, outcome) : returned(queue)));
    }
  };

  const run = async (entry: number) => {
    const { batch } = get();
    if (!batch || !open) return;
    const { id: batchId } = batch;
    const { image, task } = entryOf(batch.queue, entry);
    const file = open.files.get(image.path);
    const jobId = newId();
    const startedAt = now();
    lane.busy = true;
    const own = { batchId, jobId, isStopped: false };
    running = own;
    changeQueue((queue) => begun(queue, { entry, at: startedAt }));
    const checkStopped = () => {
      if (own.isStopped) throw abortError();
    };
    let outcome: BatchOutcome | null;
    try {
      if (!file) throw fileMissing(image.path);
      const index = entry % batch.queue.images.length;
      const { otherwisePrompt } = open.record;
      const result = await workOnEntry(
        { jobId, image, index, task, file, otherwisePrompt },
        {
          worker: workers.refine,
          keep: keeperOf(batches, batchId),
          checkStopped,
          onEvent: (event) => {
            if (event.type === 'step') {
              const { stage, done, total } = event;
              progress.tell({ stage, at: stage, done, total });
            } else if (event.type === 'loading') {
              const { model, doneBytes, totalBytes } = event;
              progress.tell({ stage: `load ${model}`, at: 'load', done: doneBytes, total: totalBytes });
            }
          },
        },
      );
      outcome = { state: 'done', result, took: now() - startedAt, finishedAt: wallClock() };
    } catch (error) {
      if (isAbort(error)) outcome = get().batch?.stopping === 'skip' ? { state: 'skipped' } : null;
      else outcome = { state: 'failed', problem: problemOf(error), finishedAt: wallClock() };
    }
    if (outcome?.state === 'failed' && outcome.problem.name === 'StorageError') {
      // Every other image would fail the same way: there is no room for what comes out.
      const { problem } = outcome;
      if (get().batch?.id === batchId) changeQueue((queue) => paused(returned(queue), problem));
    } else await settle(batchId, outcome);
    running = null;
    change({ stopping: null });
    progress.stop();
    set({ batchStep: null });
    lane.busy = false;
    get().runNext();
  };

  return {
    batchOffer: null,
    batch: null,
    batchStep: null,
    keptBatches: null,
    batchShown: false,

    loadBatches: async () => {
      try {
        await readKept();
      } catch {
        // A window without storage: there is nothing kept, and starting a batch tells why it cannot.
        set({ keptBatches: [] });
      }
      const id = preferences.batchId;
      if (id !== null && get().keptBatches?.some((kept) => kept.id === id && kept.reason === null)) {
        await get().openBatch(id);
      }
    },

    offerBatch: async (files, folder) => {
      const { batch } = get();
      if (batch && batch.missing > 0 && takeFiles(files) > 0) {
        if (folder && open) {
          open.folder = folder;
          change({ hasFolder: true });
          await folders.remember(batch.id, folder);
        }
        set({ batchShown: true });
        return;
      }
      const images = new Set(sortFiles(files).images);
      const content = await batchContent(
        files.filter(({ file }) => images.has(file)),
        { files },
      );
      const { name, images: found, byteLength, notes } = content;
      if (found.length === 0) {
        get().report(noImages(), 'open');
        return;
      }
      offered = {
        record: { format: BATCH_FORMAT, name, createdAt: wallClock(), images: found },
        files: new Map([...content.files].map(([path, { file }]) => [path, file])),
        folder: folder && commonFolder(files.map(({ path }) => path)) === `${folder.name}/` ? folder : null,
      };
      const listedPrompts = found.filter(({ prompt }) => prompt !== null).length;
      set({ batchOffer: { name, imageCount: found.length, byteLength, listedPrompts, notes }, batchShown: true });
    },
    closeBatchOffer: () => {
      offered = null;
      set({ batchOffer: null, batchShown: get().batch !== null });
    },
    openOfferInStrip: () => {
      const files = offered ? [...offered.files.values()] : [];
      offered = null;
      set({ batchOffer: null, batchShown: false });
      get().addImages(files);
    },
    startBatch: async (choices, { otherwisePrompt, measures }) => {
      if (!offered || choices.length === 0) return;
      const { files, folder } = offered;
      const tasks = choices.slice(0, MAX_BATCH_TASKS).map((choice, i) => taskOf(choice, { number: i + 1, measures }));
      const record: BatchRecord = { ...offered.record, tasks, otherwisePrompt };
      try {
        const id = await batches.create(record);
        await get().closeBatch();
        if (folder) await folders.remember(id, folder);
        const release = (await batches.own(id)) ?? (async () => {});
        offered = null;
        set({ batchOffer: null });
        show(id, { record, outcomes: [], files, folder, release });
        // The browser is asked not to clear results that took hours; without its word they are kept as well.
        environment.persistStorage().catch(() => {});
        await readKept();
        await get().resumeBatch();
      } catch (error) {
        get().report(error, 'batch');
      }
    },

    openBatch: async (id) => {
      if (get().batch?.id === id) {
        set({ batchShown: true });
        return;
      }
      try {
        const release = await batches.own(id);
        if (!release) throw openElsewhere();
        await get().closeBatch();
        try {
          const { record, outcomes } = await batches.open(id, defaults);
          show(id, { record, outcomes, files: new Map(), folder: await folders.recall(id), release });
        } catch (error) {
          await release();
          throw error;
        }
        await reachFiles({ ask: false });
      } catch (error) {
        get().report(error, 'batch');
      }
    },
    closeBatch: async () => {
      if (!open) return;
      const { release } = open;
      stop('pause');
      open = null;
      set({ batch: null, batchShown: false });
      remember({ batchId: null });
      await release();
    },
    deleteBatch: async (id) => {
      try {
        if (get().batch?.id === id) await get().closeBatch();
        await batches.remove(id);
        await folders.forget(id);
        await readKept();
      } catch (error) {
        get().report(error, 'batch');
      }
    },
    showBatch: (shown) => set({ batchShown: shown }),

    pauseBatch: ({ now: atOnce = false } = {}) => {
      changeQueue((queue) => paused(queue));
      if (atOnce) stop('pause');
    },
    resumeBatch: async () => {
      await reachFiles({ ask: true });
      changeQueue((queue) => {
        const isAnyAtHand = queue.outcomes.some(
          (outcome, entry) => outcome === null && open?.files.has(entryOf(queue, entry).image.path),
        );
        return isAnyAtHand ? resumed(queue) : queue;
      });
      get().runNext();
    },
    skipEntry: (entry) => {
      const { batch } = get();
      if (!batch) return;
      if (stateOf(batch.queue, entry) === 'working') stop('skip');
      else if (stateOf(batch.queue, entry) === 'waiting') {
        changeQueue((queue) => skipped(queue, entry));
        batches
          .writeOutcome(batch.id, nameOf(batch.queue, entry), { state: 'skipped' })
          .catch((error) => get().report(error, 'batch'));
      }
    },
    retryEntries: async (entries) => {
      const { batch } = get();
      if (!batch) return;
      const before = batch.queue;
      changeQueue((queue) => retried(queue, entries));
      const after = get().batch?.queue;
      for (const [entry, outcome] of before.outcomes.entries()) {
        if (outcome === null || after?.outcomes[entry] !== null) continue;
        // A skipped one has to wait on the disk as well; a failure that is still there would only be tried again.
        if (outcome.state === 'skipped') {
          await batches
            .writeOutcome(batch.id, nameOf(before, entry), null)
            .catch((error) => get().report(error, 'batch'));
        }
      }
      await get().resumeBatch();
    },
    addBatchTask: async (choice, measures) => {
      const { batch } = get();
      if (!batch || !open || batch.queue.tasks.length >= MAX_BATCH_TASKS) return;
      const task = taskOf(choice, { number: batch.queue.tasks.length + 1, measures });
      const record = { ...open.record, tasks: [...open.record.tasks, task] };
      try {
        await batches.writeRecord(batch.id, record);
      } catch (error) {
        get().report(error, 'batch');
        return;
      }
      open.record = record;
      changeQueue((queue) => withTask(queue, task));
      await get().resumeBatch();
    },

    openEntry: async (entry) => {
      await reachFiles({ ask: true });
      const { batch } = get();
      if (!batch || !open) return;
      const { image, task } = entryOf(batch.queue, entry);
      const file = open.files.get(image.path);
      if (!file) {
        get().report(fileMissing(image.path), 'batch');
        return;
      }
      const outcome = batch.queue.outcomes[entry];
      const known = get().images.find((other) => other.file === file);
      if (known) get().select(known.id);
      else get().addImages([file], { prompt: outcome?.state === 'done' ? outcome.result.prompt : image.prompt });
      set({ batchShown: false });
      if (outcome?.state !== 'done' || outcome.result.outcome !== 'refined') return;
      const id = known?.id ?? get().selectedId;
      const name = entryName(entry % batch.queue.images.length, task);
      const [picture, numbers] = await Promise.all([
        get().batchFile(batchFiles.refined(name)),
        get().batchFile(batchFiles.refinedResult(name)),
      ]);
      if (!picture || !numbers || id === null) return;
      try {
        get().takeRefinement(id, {
          key: `${batch.id} ${name}`,
          result: parseRefineResult(await numbers.text()),
          picture,
          took: outcome.took,
          finishedAt: outcome.finishedAt,
        });
      } catch (error) {
        get().report(damagedRefinement(image.path, error), 'batch');
      }
    },
    batchFile: async (name) => {
      const { batch } = get();
      return batch && batches.file(batch.id, name);
    },
    exportFile: () => batches.exportFile(),
    offerFolder: async (folder) => {
      try {
        await get().offerBatch(await folders.files(folder), folder);
      } catch (error) {
        get().report(missingFolder(folder.name, error), 'batch');
      }
    },
    runNextEntry: () => {
      const { batch, engine, packInUse } = get();
      if (lane.busy || running || !batch || engine.state !== 'ready') return;
      // Begun after the maps' model alone, what needs another one would fail for want of it.
      if (packInUse.maps === null || arePacksOpening(get())) return;
      const next = nextEntry(batch.queue);
      if (next !== null) void run(next);
    },
  };
};

type Files = Map<string, File>;
type Folder = FileSystemDirectoryHandle | null;

function problemOf(error: unknown): BatchProblem {
  const { name, message } = toProblem(error, 'batch');
  return { name, message };
}
