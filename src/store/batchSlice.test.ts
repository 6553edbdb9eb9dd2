import { beforeEach, describe, expect, test, vi } from 'vitest';
import { batchCsv } from '../batch/batchExport.ts';
import { countStates, stateOf } from '../batch/batchQueue.ts';
import type { Workers } from '../bridge/client.ts';
import type { RefinedImage, RefineJob, RefineWorkerApi } from '../bridge/protocol.ts';
import { abortError, UserError } from '../errors.ts';
import { defaultAnalysisSettings } from '../pipeline/analyse.ts';
import type { AnalysisResult } from '../pipeline/analysis.ts';
import type { RuntimeStatus } from '../runtime/status.ts';
import { memoryBatches } from '../storage/memoryBatches.ts';
import { MemoryDisk } from '../storage/memoryDirectory.ts';
import { type AppStore, createAppStore } from './appStore.ts';
import { fakeEnvironment } from './fakeEnvironment.ts';
import { fakePackWorker, packOf } from './fakePackWorker.ts';

const map = { gridWidth: 1, gridHeight: 1, values: Float32Array.of(0.5) };
const status: RuntimeStatus = {
  tier: 'wasm',
  tiers: [{ tier: 'wasm', available: true, reason: null }],
  adapter: null,
  selfTests: [],
  wasmThreads: 2,
  crossOriginIsolated: true,
};

function analysisOf(prompt: string, score: number): AnalysisResult {
  return {
    modelName: 'clip-tiny',
    imageWidth: 8,
    imageHeight: 4,
    prompt,
    perceptual: {
      mode: 'zeroShot',
      score,
      factors: { overall: score, technical: score, rationality: score, naturalness: score },
      map,
      factorMaps: { overall: map, technical: map, rationality: map, naturalness: map },
    },
    alignment: prompt === '' ? null : { score: 0.5, promptScore: 0.5, phrases: [], map, defect: map },
    hints: [],
    settings: defaultAnalysisSettings,
  };
}

function refinedOf({ prompt, seeds, settings }: RefineJob): RefinedImage {
  const before = analysisOf(prompt, 0.25);
  return {
    image: new Blob(['refined']),
    result: {
      strategy: 'gRefine',
      outcome: 'refined',
      before,
      after: analysisOf(prompt, 0.75),
      regions: [],
      emphasisedPrompt: prompt,
      seed: seeds[0] ?? 0,
      settings,
      models: { maps: 'clip-tiny', inpainting: 'sd', restoration: null },
      hints: [],
    },
  };
}

/** What the worker was asked, in order. */
let log: string[];
let disk: MemoryDisk;
let storage: ReturnType<typeof memoryBatches>;
let preferences: Map<string, string>;
/** Images whose analysis ends only when it is cancelled. */
let hanging: Set<string>;
let onAnalyse: () => void;
/** How long a pack takes to open. */
let opening: (id: string) => Promise<void>;
/** Errors by image. */
let failing: Map<string, Error>;

beforeEach(() => {
  log = [];
  disk = new MemoryDisk();
  storage = memoryBatches(disk);
  preferences = new Map();
  hanging = new Set();
  onAnalyse = () => {};
  opening = async () => {};
  failing = new Map();
});

/** A page with the app, as after a reload: the disk and the preferences are those of before. */
async function openApp(): Promise<AppStore> {
  const store = newApp();
  await store.getState().start();
  return store;
}

/** The same before it has started. */
function newApp(): AppStore {
  const cancels = new Map<string, () => void>();
  const work = async ({ jobId, file }: { jobId: string; file: File }) => {
    if (hanging.has(file.name)) {
      await new Promise<void>((_, reject) => cancels.set(jobId, () => reject(abortError())));
    }
    const error = failing.get(file.name);
    if (error) throw error;
  };
  const packs = [packOf({ id: 'maps', kind: 'maps' }), packOf({ id: 'inpainting', kind: 'inpainting' })];
  const workers: Workers = {
    refine: {
      start: async () => status,
      selectTier: async (tier) => ({ ...status, tier }),
      watchDevice: async () => {},
      usePack: async (id) => {
        await opening(id);
        return packs.find((pack) => pack.id === id) ?? packOf({ id });
      },
      setMemoryBudget: async () => ({ bytes: 1, automaticBytes: 1 }),
      openImage: async (file) => ({
        width: 8,
        height: 4,
        preview: { width: 8, height: 4, close: () => {} },
        metadata: { source: 'A1111', prompt: `own ${file.name}`, settings: {}, raw: [] },
        hints: [],
      }),
      summariseImage: async (file) => {
        if (file.name.startsWith('broken')) throw new UserError('ImageError', `Cannot open "${file.name}"`);
        const metadata = { source: 'A1111' as const, prompt: `own ${file.name}`, settings: {}, raw: [] };
        const thumbnail = new Blob([`small ${file.name}`]);
        return { width: 8, height: 4, thumbnail, metadata: file.name.startsWith('plain') ? null : metadata };
      },
      measure: async ({ file, input }) => {
        log.push(`measure ${file.name}${input ? ` beside ${input.name}` : ''}`);
        const compared = input ? { ssim: 0.9, psnr: 30 } : { ssim: null, psnr: null };
        return { clipIqa: 0.5, clipScore: 0.3, niqe: 4, brisque: 20, ...compared };
      },
      releaseImage: async (file) => void log.push(`release ${file.name}`),
      analyse: async (job) => {
        log.push(`analyse ${job.file.name}: ${job.prompt}`);
        onAnalyse();
        await work(job);
        return analysisOf(job.prompt, 0.5);
      },
      exportHeatmap: async () => new Blob(['map']),
      refine: async (job) => {
        log.push(`refine ${job.file.name}: ${job.prompt}`);
        await work(job);
        return [refinedOf(job)];
      },
      saveImage: async () => new Blob(['refined with metadata']),
      cancel: async (jobId) => cancels.get(jobId)?.(),
      listCalibrations: async () => [],
    } satisfies Partial<RefineWorkerApi> as Partial<RefineWorkerApi> as RefineWorkerApi,
    compile: fakePackWorker({ packs }).api,
    restart: vi.fn(),
  };
  let ids = 0;
  return createAppStore(
    fakeEnvironment({
      ...storage,
      workers,
      allowedEndpoints: async () => ['https://hub.example'],
      storage: { getItem: (key) => preferences.get(key) ?? null, setItem: (key, value) => preferences.set(key, value) },
      now: () => performance.now(),
      wallClock: () => 1_700_000_000_000,
      newId: () => `id ${ids++}`,
    }),
  );
}

const pathed = (path: string, text = path) => ({
  path,
  file: new File([text], path.slice(path.lastIndexOf('/') + 1), {
    type: /png$/.test(path) ? 'image/png' : 'text/plain',
  }),
});
const FOLDER = ['dogs/a.png', 'dogs/broken.png', 'dogs/c.png'].map((path) => pathed(path));
const ANALYSE = { kind: 'analyse' } as const;
const REFINE = { kind: 'refine', strategy: 'gRefine', title: 'G-Refine' } as const;

const queueOf = (store: AppStore) => {
  const { batch } = store.getState();
  if (!batch) throw new Error('No batch is open');
  return batch.queue;
};
const states = (store: AppStore) => queueOf(store).outcomes.map((_, entry) => stateOf(queueOf(store), entry));

/** Waits until nothing is at work. */
async function rested(store: AppStore): Promise<void> {
  await vi.waitFor(() => expect(queueOf(store)).toMatchObject({ isRunning: false, working: null }));
}

test('a folder goes through, one broken file stops nothing, and every image is let go of', async () => {
  const store = await openApp();
  await store.getState().offerBatch([...FOLDER, pathed('dogs/prompts.csv', 'file,prompt\nc.png,listed')], null);
  expect(store.getState().batchOffer).toMatchObject({ name: 'dogs', imageCount: 3, listedPrompts: 1 });
  await store.getState().startBatch([ANALYSE], { otherwisePrompt: 'typed', measures: 'maps' });
  await rested(store);
  expect(states(store)).toEqual(['done', 'failed', 'done']);
  expect(log).toEqual([
    'analyse a.png: own a.png',
    'release a.png',
    'release broken.png',
    'analyse c.png: listed',
    'release c.png',
  ]);
  expect(await (await store.getState().batchFile('0002.jpg'))?.text()).toBe('small c.png');
  expect(store.getState().images).toEqual([]);
});

test('two tasks, and images without a prompt take the typed one', async () => {
  const store = await openApp();
  await store.getState().offerBatch(
    ['x/a.png', 'x/plain.png'].map((path) => pathed(path)),
    null,
  );
  await store.getState().startBatch([ANALYSE, REFINE], { otherwisePrompt: ' typed ', measures: 'maps' });
  await rested(store);
  expect(log.filter((line) => !line.startsWith('release'))).toEqual([
    'analyse a.png: own a.png',
    'analyse plain.png: typed',
    'refine a.png: own a.png',
    'refine plain.png: typed',
  ]);
  expect(await (await store.getState().batchFile('0001-gRefine-2.png'))?.text()).toBe('refined with metadata');
  expect(batchCsv(queueOf(store))).toContain('plain.png,G-Refine,done,refined,0.25,0.75,0.5');
});

test('all measures: of the image, and of the refined picture beside it', async () => {
  const store = await openApp();
  await store.getState().offerBatch(
    ['x/a.png', 'x/b.png'].map((path) => pathed(path)),
    null,
  );
  await store.getState().startBatch([REFINE], { otherwisePrompt: '', measures: 'all' });
  await rested(store);
  expect(log.filter((line) => line.startsWith('measure'))).toEqual([
    'measure a.png',
    'measure 0000-gRefine-1.png beside a.png',
    'measure b.png',
    'measure 0001-gRefine-1.png beside b.png',
  ]);
  const [outcome] = queueOf(store).outcomes;
  expect(outcome).toMatchObject({ result: { before: { niqe: 4 }, after: { niqe: 4, ssim: 0.9 } } });
  expect(outcome?.state === 'done' && outcome.result.before).not.toHaveProperty('ssim');
});

describe('a reload in the middle', () => {
  test('results stay, the folder is dropped again, and only the rest is done', async () => {
    hanging.add('c.png');
    const first = await openApp();
    await first.getState().offerBatch(FOLDER, null);
    await first.getState().startBatch([ANALYSE], { otherwisePrompt: '', measures: 'maps' });
    await vi.waitFor(() => expect(states(first)).toEqual(['done', 'failed', 'working']));
    const id = first.getState().batch?.id;

    // The tab is gone, and with it its locks.
    hanging.clear();
    log = [];
    storage = memoryBatches(disk);
    const second = await openApp();
    expect(second.getState()).toMatchObject({ batchShown: true, batch: { id, name: 'dogs', missing: 1 } });
    expect(states(second)).toEqual(['done', 'failed', 'waiting']);
    await second.getState().resumeBatch();
    expect(queueOf(second).isRunning).toBe(false);
    await second.getState().offerBatch(FOLDER, null);
    expect(second.getState()).toMatchObject({ batchOffer: null, batch: { missing: 0 } });
    await second.getState().resumeBatch();
    await rested(second);
    expect(states(second)).toEqual(['done', 'failed', 'done']);
    expect(log).toEqual(['analyse c.png: own c.png', 'release c.png']);
  });

  test('resumed while models are still opening, it waits for the last of them', async () => {
    hanging.add('a.png');
    const before = await openApp();
    await before.getState().offerBatch([pathed('dogs/a.png')], null);
    await before.getState().startBatch([REFINE], { otherwisePrompt: '', measures: 'maps' });
    hanging.clear();
    log = [];
    storage = memoryBatches(disk);
    const store = newApp();
    const shownAt: string[] = [];
    opening = async (id) => {
      if (id !== 'inpainting') return;
      await vi.waitFor(() => expect(store.getState().batch).not.toBeNull());
      await store.getState().offerBatch([pathed('dogs/a.png')], null);
      await store.getState().resumeBatch();
      store.getState().runNext();
      shownAt.push(states(store).join());
    };
    await store.getState().start();
    await rested(store);
    expect(shownAt).toEqual(['waiting']);
    expect(states(store)).toEqual(['done']);
  });

  test('a folder that may be read again needs no drop', async () => {
    hanging.add('a.png');
    const handle = { name: 'dogs' } as FileSystemDirectoryHandle;
    const first = await openApp();
    await first.getState().offerBatch(FOLDER, handle);
    await first.getState().startBatch([ANALYSE], { otherwisePrompt: '', measures: 'maps' });
    await vi.waitFor(() => expect(states(first)[0]).toBe('working'));
    hanging.clear();
    const folders = { ...storage.folders, files: async () => FOLDER };
    storage = { ...memoryBatches(disk), folders };
    const second = await openApp();
    expect(second.getState().batch).toMatchObject({ missing: 0, hasFolder: true });
    await second.getState().resumeBatch();
    await rested(second);
    expect(countStates(queueOf(second))).toMatchObject({ done: 2, failed: 1 });
  });
});

describe('what the user does', () => {
  test('pausing at once gives the image back; skipping the one at work goes on with the next', async () => {
    hanging.add('a.png');
    const store = await openApp();
    await store.getState().offerBatch(FOLDER, null);
    await store.getState().startBatch([ANALYSE], { otherwisePrompt: '', measures: 'maps' });
    await vi.waitFor(() => expect(log).toContain('analyse a.png: own a.png'));
    store.getState().pauseBatch({ now: true });
    await rested(store);
    expect(states(store)).toEqual(['waiting', 'waiting', 'waiting']);
    void store.getState().resumeBatch();
    await vi.waitFor(() => expect(log.filter((line) => line.startsWith('analyse a'))).toHaveLength(2));
    store.getState().skipEntry(0);
    await rested(store);
    expect(states(store)).toEqual(['skipped', 'failed', 'done']);
    hanging.clear();
    await store.getState().retryEntries([0]);
    await rested(store);
    expect(states(store)).toEqual(['done', 'failed', 'done']);
  });

  test('failures are tried again, all at once', async () => {
    failing.set('a.png', new UserError('DeviceLostError', 'gone'));
    const store = await openApp();
    await store.getState().offerBatch(FOLDER, null);
    await store.getState().startBatch([ANALYSE], { otherwisePrompt: '', measures: 'maps' });
    await rested(store);
    expect(states(store)).toEqual(['failed', 'failed', 'done']);
    failing.clear();
    await store.getState().retryEntries();
    await rested(store);
    expect(states(store)).toEqual(['done', 'failed', 'done']);
  });

  test('an image at hand is analysed before the rest of the folder', async () => {
    hanging.add('a.png');
    const store = await openApp();
    await store.getState().offerBatch(FOLDER, null);
    await store.getState().startBatch([ANALYSE], { otherwisePrompt: '', measures: 'maps' });
    await vi.waitFor(() => expect(log).toContain('analyse a.png: own a.png'));
    store.getState().addImages([pathed('mine.png').file]);
    await vi.waitFor(() => expect(store.getState().images[0]?.job.state).toBe('waiting'));
    store.getState().skipEntry(0);
    await rested(store);
    expect(log.filter((line) => line.startsWith('analyse')).map((line) => line.slice(8))).toEqual([
      'a.png: own a.png',
      'mine.png: own mine.png',
      'c.png: own c.png',
    ]);
  });

  test('a refined image opens beside its original, once', async () => {
    const store = await openApp();
    await store.getState().offerBatch(FOLDER, null);
    await store.getState().startBatch([REFINE], { otherwisePrompt: '', measures: 'maps' });
    await rested(store);
    for (let time = 0; time < 2; time++) await store.getState().openEntry(0);
    const { images, refinements, batchShown, selectedId } = store.getState();
    expect([images.length, batchShown, images[0]?.prompt]).toEqual([1, false, 'own a.png']);
    const { entries, currentId } = refinements[selectedId ?? '']?.history ?? { entries: [], currentId: null };
    expect(entries).toHaveLength(1);
    expect(currentId).toBe(entries[0]?.id);
    expect(entries[0]?.variants[0]?.result.after.perceptual.score).toBe(0.75);
  });

  test('closing stops the work and keeps it; deleting leaves nothing', async () => {
    hanging.add('c.png');
    const store = await openApp();
    await store.getState().offerBatch(FOLDER, null);
    await store.getState().startBatch([ANALYSE], { otherwisePrompt: '', measures: 'maps' });
    await vi.waitFor(() => expect(states(store)[2]).toBe('working'));
    const id = store.getState().batch?.id ?? '';
    await store.getState().closeBatch();
    expect(store.getState()).toMatchObject({ batch: null, batchShown: false });
    await store.getState().openBatch(id);
    expect(states(store)).toEqual(['done', 'failed', 'waiting']);
    await store.getState().deleteBatch(id);
    expect(store.getState()).toMatchObject({ batch: null, keptBatches: [] });
    expect(disk.root.contents().size).toBe(0);
  });
});

describe('what goes wrong', () => {
  test('a full disk pauses, and the image waits for room', async () => {
    const store = await openApp();
    await store.getState().offerBatch(FOLDER, null);
    onAnalyse = () => {
      disk.quota = disk.used;
    };
    await store.getState().startBatch([ANALYSE], { otherwisePrompt: '', measures: 'maps' });
    await rested(store);
    expect(states(store)).toEqual(['waiting', 'waiting', 'waiting']);
    expect(queueOf(store).pausedBy).toMatchObject({ name: 'StorageError', message: expect.stringContaining('full') });
    onAnalyse = () => {};
    disk.quota = Number.POSITIVE_INFINITY;
    await store.getState().resumeBatch();
    await rested(store);
    expect(states(store)).toEqual(['done', 'failed', 'done']);
  });

  test('without room from the beginning it is said, and the offer stays', async () => {
    const store = await openApp();
    await store.getState().offerBatch(FOLDER, null);
    disk.quota = 0;
    await store.getState().startBatch([ANALYSE], { otherwisePrompt: '', measures: 'maps' });
    expect(store.getState()).toMatchObject({ batch: null, batchOffer: { name: 'dogs' } });
    expect(store.getState().notices[0]?.problem).toMatchObject({ name: 'StorageError', during: 'batch' });
  });

  test('another tab has it: nothing is opened here', async () => {
    const first = await openApp();
    await first.getState().offerBatch(FOLDER, null);
    await first.getState().startBatch([ANALYSE], { otherwisePrompt: '', measures: 'maps' });
    await rested(first);
    const second = await openApp();
    expect(second.getState().batch).toBeNull();
    expect(second.getState().notices[0]?.problem.message).toContain('open in another tab');
  });
});
