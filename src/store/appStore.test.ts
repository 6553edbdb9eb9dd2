import { describe, expect, test, vi } from 'vitest';
import type { Workers } from '../bridge/client.ts';
import { idleCalibrations } from '../bridge/idleCalibrations.ts';
import type { OpenedImage, PackSummary, RefineWorkerApi } from '../bridge/protocol.ts';
import { abortError, UserError } from '../errors.ts';
import type { AnalysisEvent, AnalysisResult } from '../pipeline/analysis.ts';
import type { AlignmentResult, PerceptualResult } from '../quality/qualityResults.ts';
import type { RuntimeStatus } from '../runtime/status.ts';
import { createAppStore } from './appStore.ts';
import { fakeEnvironment } from './fakeEnvironment.ts';
import { fakePackWorker, packOf } from './fakePackWorker.ts';

const map = { gridWidth: 1, gridHeight: 1, values: Float32Array.of(0.5) };
const perceptual: PerceptualResult = {
  mode: 'zeroShot',
  score: 0.5,
  factors: { overall: 0.5, technical: 0.5, rationality: 0.5, naturalness: 0.5 },
  map,
  factorMaps: { overall: map, technical: map, rationality: map, naturalness: map },
};
const word = { text: 'dog', start: 0, end: 3 };
const alignment: AlignmentResult = {
  score: 0.4,
  promptScore: 0.4,
  phrases: [
    {
      phrase: { text: 'dog', tokens: [word], noun: word, ancestor: null, scope: 'place' },
      status: 'ok',
      score: 0.9,
      nounScore: 0.9,
      map,
      nounMap: map,
      emphasis: 1,
    },
  ],
  map,
  defect: map,
};
const status: RuntimeStatus = {
  tier: 'wasm',
  tiers: [{ tier: 'wasm', available: true, reason: null }],
  adapter: null,
  selfTests: [],
  wasmThreads: 2,
  crossOriginIsolated: true,
};
const pack = (id: string, installedAt = 1): PackSummary => packOf({ id, name: id, installedAt });

/** One analysis that the test ends by hand. */
interface Run {
  readonly jobId: string;
  readonly name: string;
  readonly prompt: string;
  tell(event: AnalysisEvent): void;
  finish(): void;
  fail(error: Error): void;
}

function setUp({ packs = [pack('a')], prompt = 'dog' }: { packs?: PackSummary[]; prompt?: string } = {}) {
  const runs: Run[] = [];
  const cancelled: string[] = [];
  const closed: string[] = [];
  const refine: RefineWorkerApi = {
    ...idleCalibrations,
    start: async () => status,
    selectTier: async (tier) => ({ ...status, tier }),
    watchDevice: async () => {},
    usePack: async (id) => pack(id),
    openImage: async (file): Promise<OpenedImage> => {
      if (file.name === 'broken') throw new UserError('ImageError', 'no image');
      return {
        width: 8,
        height: 8,
        preview: { width: 8, height: 8, close: () => closed.push(file.name) },
        metadata: { source: 'A1111', prompt, settings: {}, raw: [] },
        hints: [],
      };
    },
    analyse: (job, onEvent) =>
      new Promise<AnalysisResult>((resolve, reject) => {
        runs.push({
          jobId: job.jobId,
          name: job.file.name,
          prompt: job.prompt,
          tell: onEvent,
          finish: () =>
            resolve({
              modelName: 'm',
              imageWidth: 8,
              imageHeight: 8,
              prompt: job.prompt,
              perceptual,
              alignment: job.prompt === '' ? null : alignment,
              hints: [],
              settings: job.settings,
            }),
          fail: reject,
        });
      }),
    measure: () => new Promise(() => {}),
    summariseImage: async () => ({ width: 8, height: 8, thumbnail: new Blob(), metadata: null }),
    releaseImage: async () => {},
    exportHeatmap: async () => new Blob(),
    setMemoryBudget: async (bytes) => ({ bytes: bytes ?? 1, automaticBytes: 1 }),
    refine: async () => {
      throw new Error('not asked for here');
    },
    saveImage: async () => new Blob(),
    cancel: async (id) => {
      cancelled.push(id);
      runs.find(({ jobId }) => jobId === id)?.fail(abortError());
    },
  };
  const packWorker = fakePackWorker({ packs });
  const workers: Workers = { refine, compile: packWorker.api, restart: vi.fn() };
  const store = createAppStore(
    fakeEnvironment({
      workers,
    }),
  );
  const files = (...names: string[]) => names.map((name) => new File([''], name));
  return { store, refine, packWorker, workers, runs, cancelled, closed, files, get: store.getState };
}

/** Lets everything that needs no further push come to rest. */
const rest = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

const states = (get: ReturnType<typeof setUp>['get']) => get().images.map(({ job }) => job.state);

describe('images', () => {
  test('are opened, take the prompt of their file and are analysed one after another', async () => {
    const { get, files, runs } = setUp();
    await get().start();
    get().addImages(files('one', 'two'));
    expect(states(get)).toEqual(['opening', 'opening']);
    await rest();
    expect(states(get)).toEqual(['analysing', 'waiting']);
    expect(get().images[0]?.prompt).toBe('dog');
    runs[0]?.finish();
    await rest();
    expect(states(get)).toEqual(['done', 'analysing']);
    expect(get().images[0]?.alignmentPrompt).toBe('dog');
    expect(runs.map(({ name }) => name)).toEqual(['one', 'two']);
  });

  test('the selected one is analysed before the others that wait', async () => {
    const { get, files, runs } = setUp();
    await get().start();
    get().addImages(files('one', 'two', 'three'));
    await rest();
    get().select(get().images[2]?.id ?? '');
    runs[0]?.finish();
    await rest();
    expect(states(get)).toEqual(['done', 'waiting', 'analysing']);
  });

  test('results appear as they come, and those of an older job are not believed', async () => {
    const { get, files, runs } = setUp();
    await get().start();
    get().addImages(files('one'));
    await rest();
    const [first] = runs;
    first?.tell({ type: 'stage', stage: 'encodePhrases', done: 3, total: 9 });
    first?.tell({ type: 'perceptual', result: perceptual });
    expect(get().images[0]).toMatchObject({ perceptual, alignment: null });
    expect(get().analysisProgress).toMatchObject({ jobId: first?.jobId, stage: 'encodePhrases', done: 3 });
    get().cancelAnalyses();
    await rest();
    first?.tell({ type: 'alignment', result: alignment });
    expect(get().images[0]).toMatchObject({ perceptual, alignment: null, job: { state: 'idle' } });
  });

  test('one that cannot be opened keeps the others going and can be tried again', async () => {
    const { get, files, runs } = setUp();
    await get().start();
    get().addImages(files('broken', 'two'));
    await rest();
    expect(get().images[0]?.job).toMatchObject({ state: 'failed', problem: { name: 'ImageError', during: 'open' } });
    expect(runs.map(({ name }) => name)).toEqual(['two']);
    get().analyse(get().images[0]?.id ?? '');
    expect(states(get)[0]).toBe('opening');
    await rest();
    expect(states(get)[0]).toBe('failed');
  });

  test('a cancel also holds for those still being read, until one is asked for again', async () => {
    const { get, files, runs } = setUp();
    await get().start();
    get().addImages(files('one', 'two'));
    get().cancelAnalyses();
    get().analyse(get().images[1]?.id ?? '');
    await rest();
    expect(states(get)).toEqual(['idle', 'analysing']);
    expect(runs.map(({ name }) => name)).toEqual(['two']);
  });

  test('changed settings measure the selected image again', async () => {
    const { get, files, runs } = setUp();
    await get().start();
    get().addImages(files('one', 'two'));
    await rest();
    runs[0]?.finish();
    await rest();
    runs[1]?.finish();
    await rest();
    get().changeSettings({ imageSize: 224 });
    await rest();
    expect(runs.map(({ name }) => name)).toEqual(['one', 'two', 'one']);
    runs[2]?.finish();
    await rest();
    expect(get().images.map(({ result }) => result?.settings.imageSize)).toEqual([224, null]);
  });

  test('words typed while the file is read are kept', async () => {
    const { get, files } = setUp();
    get().addImages(files('one'));
    get().setPrompt(get().images[0]?.id ?? '', 'a cat');
    await rest();
    expect(get().images[0]?.prompt).toBe('a cat');
  });

  test('removing frees the preview, cancels its analysis and selects the neighbour', async () => {
    const { get, files, closed, cancelled, runs } = setUp();
    await get().start();
    get().addImages(files('one', 'two', 'three'));
    await rest();
    get().remove(get().images[0]?.id ?? '');
    expect(closed).toEqual(['one']);
    expect(cancelled).toEqual([runs[0]?.jobId]);
    expect(get().images.find(({ id }) => id === get().selectedId)?.file.name).toBe('two');
    await rest();
    expect(states(get)).toEqual(['analysing', 'waiting']);
  });

  test('selection moves through the strip and stops at its ends', () => {
    const { get, files } = setUp();
    get().addImages(files('one', 'two'));
    get().selectBy(-1);
    expect(get().selectedId).toBe(get().images[0]?.id);
    get().selectBy(5);
    expect(get().selectedId).toBe(get().images[1]?.id);
  });
});

describe('analyses', () => {
  test('a failure loses neither image, prompt nor what was measured', async () => {
    const { get, files, runs } = setUp();
    await get().start();
    get().addImages(files('one'));
    await rest();
    runs[0]?.tell({ type: 'perceptual', result: perceptual });
    runs[0]?.fail(new UserError('DeviceLostError', 'reset'));
    await rest();
    expect(get().images[0]).toMatchObject({
      prompt: 'dog',
      perceptual,
      job: { state: 'failed', problem: { name: 'DeviceLostError' } },
    });
    get().analyse(get().images[0]?.id ?? '');
    await rest();
    runs[1]?.finish();
    await rest();
    expect(states(get)).toEqual(['done']);
  });

  test('cancelling stops the running one and empties the queue', async () => {
    const { get, files, runs } = setUp();
    await get().start();
    get().addImages(files('one', 'two'));
    await rest();
    get().cancelAnalyses();
    await rest();
    expect(states(get)).toEqual(['idle', 'idle']);
    expect(runs).toHaveLength(1);
  });

  test('a prompt changed during an analysis is analysed again with the new words', async () => {
    const { get, files, runs } = setUp();
    await get().start();
    get().addImages(files('one'));
    await rest();
    const id = get().images[0]?.id ?? '';
    get().setPrompt(id, 'a cat');
    get().analyse(id);
    await rest();
    expect(runs.map(({ prompt }) => prompt)).toEqual(['dog', 'a cat']);
    expect(states(get)).toEqual(['analysing']);
  });

  test('cancelling also takes back an asked-for second run', async () => {
    const { get, files, runs, refine } = setUp();
    refine.cancel = async () => {};
    await get().start();
    get().addImages(files('one'));
    await rest();
    const id = get().images[0]?.id ?? '';
    get().setPrompt(id, 'a cat');
    get().analyse(id);
    get().cancelAnalyses();
    runs[0]?.fail(abortError());
    await rest();
    expect(states(get)).toEqual(['idle']);
    expect(runs).toHaveLength(1);
  });

  test('without a model they wait, and run once one is there', async () => {
    const { get, files, runs, packWorker } = setUp({ packs: [] });
    await get().start();
    get().addImages(files('one'));
    await rest();
    expect(states(get)).toEqual(['waiting']);
    get().offerModel({ name: 'clip', files: [], weightBytes: 0 });
    void get().installCandidate({ name: 'clip', precision: 'fp16' });
    await rest();
    packWorker.job().finish();
    await rest();
    expect(runs).toHaveLength(1);
    expect(get().packs?.map(({ name }) => name)).toEqual(['clip']);
  });

  test('an empty prompt has quality and no match', async () => {
    const { get, files, runs } = setUp({ prompt: '' });
    await get().start();
    get().addImages(files('one'));
    await rest();
    runs[0]?.finish();
    await rest();
    expect(get().images[0]).toMatchObject({ alignment: null, alignmentPrompt: '', job: { state: 'done' } });
  });
});

describe('machine and models', () => {
  test('the newest pack is used where none is remembered', async () => {
    const { get } = setUp({ packs: [pack('old', 1), pack('new', 2)] });
    await get().start();
    expect(get().packInUse.maps).toBe('new');
  });

  test('deleting the pack in use goes on with another one', async () => {
    const { get } = setUp({ packs: [pack('old', 1), pack('new', 2)] });
    await get().start();
    await get().deletePack('new');
    expect(get().packInUse.maps).toBe('old');
    await get().deletePack('old');
    expect(get().packInUse.maps).toBeNull();
  });

  test('a tier that fails leaves the one before in use and says why', async () => {
    const { get, refine } = setUp();
    await get().start();
    refine.selectTier = async () => {
      throw new UserError('TierUnavailableError', 'no f16');
    };
    await get().selectTier('webgpu-fp16');
    expect(get().engine).toMatchObject({ state: 'ready', status: { tier: 'wasm' } });
    expect(get().notices).toMatchObject([{ problem: { name: 'TierUnavailableError', during: 'switchTier' } }]);
  });

  test('an engine that does not start can be started on the processor', async () => {
    const { get, refine, files, runs } = setUp();
    const preferred: unknown[] = [];
    refine.start = async (tier) => {
      preferred.push(tier);
      if (tier === null) throw new UserError('WebGpuUnavailableError', 'none');
      return status;
    };
    await get().start();
    expect(get().engine).toMatchObject({ state: 'failed', problem: { name: 'WebGpuUnavailableError' } });
    get().addImages(files('one'));
    await rest();
    expect(states(get)).toEqual(['waiting']);
    await get().selectTier('wasm');
    await rest();
    expect(preferred).toEqual([null, 'wasm']);
    expect(runs).toHaveLength(1);
  });

  test('a restart takes up what failed', async () => {
    const { get, files, runs, workers } = setUp();
    await get().start();
    get().addImages(files('one'));
    await rest();
    runs[0]?.fail(new Error('crashed'));
    await rest();
    await get().restartWorkers();
    await rest();
    expect(workers.restart).toHaveBeenCalledOnce();
    expect(states(get)).toEqual(['analysing']);
  });
});

test('a phrase with a place is pinned and unpinned, and another overlay unpins it', async () => {
  const { get, files, runs } = setUp();
  await get().start();
  get().addImages(files('one'));
  await rest();
  runs[0]?.finish();
  await rest();
  get().togglePinnedPhrase(0);
  expect(get().pinnedPhrase).toBe(0);
  get().togglePinnedPhrase(0);
  expect(get().pinnedPhrase).toBeNull();
  get().togglePinnedPhrase(0);
  get().setOverlay('alignment');
  expect(get()).toMatchObject({ pinnedPhrase: null, overlay: 'alignment' });
  get().togglePinnedPhrase(7);
  expect(get().pinnedPhrase).toBeNull();
});
