import { describe, expect, test, vi } from 'vitest';
import type { Workers } from '../bridge/client.ts';
import { idleCalibrations } from '../bridge/idleCalibrations.ts';
import type { PackSummary, RefinedImage, RefineJob, SaveRequest } from '../bridge/protocol.ts';
import { abortError, UserError } from '../errors.ts';
import { defaultAnalysisSettings } from '../pipeline/analyse.ts';
import type { AnalysisResult } from '../pipeline/analysis.ts';
import type { RefineEvent, RefineResult } from '../pipeline/refinement.ts';
import { defaultRefineSettings } from '../refine/refineSettings.ts';
import type { RuntimeStatus } from '../runtime/status.ts';
import { createAppStore } from './appStore.ts';
import { fakeEnvironment } from './fakeEnvironment.ts';
import { fakePackWorker, packOf } from './fakePackWorker.ts';
import type { PackKind } from './packsSlice.ts';
import { bestVariant, keptVariant } from './refinement.ts';
import { readinessOf, refinementsOf, refineTimeLeft } from './refineSlice.ts';

const map = { gridWidth: 1, gridHeight: 1, values: Float32Array.of(0.5) };
const analysis = (score: number, prompt = 'dog'): AnalysisResult => ({
  modelName: 'm',
  imageWidth: 8,
  imageHeight: 8,
  prompt,
  perceptual: {
    mode: 'zeroShot',
    score,
    factors: { overall: score, technical: score, rationality: score, naturalness: score },
    map,
    factorMaps: { overall: map, technical: map, rationality: map, naturalness: map },
  },
  alignment: null,
  hints: [],
  settings: defaultAnalysisSettings,
});
const status: RuntimeStatus = {
  tier: 'wasm',
  tiers: [{ tier: 'wasm', available: true, reason: null }],
  adapter: null,
  selfTests: [],
  wasmThreads: 2,
  crossOriginIsolated: true,
};
const pack = (kind: PackKind, id: string = kind): PackSummary => packOf({ id, kind, name: id, imageSizes: [] });

/** One refinement that the test ends by hand. */
interface Run {
  readonly job: RefineJob;
  tell(event: RefineEvent): void;
  /** One score a seed; null: rejected. */
  finish(scores: readonly (number | null)[], outcome?: RefineResult['outcome']): void;
  fail(error: Error): void;
}

function imageOf(
  job: RefineJob,
  { seed, score, outcome }: { seed: number; score: number | null; outcome?: RefineResult['outcome'] },
): RefinedImage {
  const before = analysis(0.5, job.prompt);
  const result: RefineResult = {
    strategy: job.strategy,
    outcome: outcome ?? (score === null ? 'rejected' : 'refined'),
    before,
    after: score === null ? before : analysis(score, job.prompt),
    regions: [],
    emphasisedPrompt: job.prompt,
    seed,
    settings: job.settings,
    models: { maps: 'm', inpainting: 'i', restoration: null },
    hints: [],
  };
  return { result, image: score === null ? null : new Blob([`${seed} ${score}`]) };
}

async function setUp({ packs = [pack('maps'), pack('inpainting'), pack('restoration')] } = {}) {
  const runs: Run[] = [];
  const cancelled: string[] = [];
  const saved: SaveRequest[] = [];
  const analysed: string[] = [];
  let heldAnalysis: (() => void) | null = null;
  let holdsAnalyses = false;
  const workers: Workers = {
    refine: {
      ...idleCalibrations,
      start: async () => status,
      selectTier: async (tier) => ({ ...status, tier }),
      watchDevice: async () => {},
      usePack: async (id) => packs.find((one) => one.id === id) as PackSummary,
      setMemoryBudget: async (bytes) => ({ bytes: bytes ?? 4e9, automaticBytes: 4e9 }),
      openImage: async () => ({
        width: 8,
        height: 8,
        preview: { width: 8, height: 8, close: () => {} },
        metadata: { source: 'A1111', prompt: 'dog', negativePrompt: 'cat', settings: {}, raw: [] },
        hints: [],
      }),
      analyse: async ({ file, prompt }) => {
        analysed.push(file.name);
        if (holdsAnalyses) await new Promise<void>((resolve) => (heldAnalysis = resolve));
        return analysis(0.5, prompt);
      },
      measure: () => new Promise(() => {}),
      summariseImage: async () => ({ width: 8, height: 8, thumbnail: new Blob(), metadata: null }),
      releaseImage: async () => {},
      exportHeatmap: async () => new Blob(),
      refine: (job, tell) =>
        new Promise((resolve, reject) =>
          runs.push({
            job,
            tell,
            finish: (scores, outcome) =>
              resolve(
                scores.map((score, i) =>
                  imageOf(job, { seed: job.seeds[i] ?? -1, score, ...(outcome ? { outcome } : {}) }),
                ),
              ),
            fail: reject,
          }),
        ),
      saveImage: async (request) => {
        saved.push(request);
        return new Blob(['file']);
      },
      cancel: async (id) => {
        cancelled.push(id);
        runs.find(({ job }) => job.jobId === id)?.fail(abortError());
      },
    },
    compile: fakePackWorker({ packs }).api,
    restart: vi.fn(),
  };
  let ids = 0;
  let time = 0;
  const kept = new Map<string, string>();
  const store = createAppStore(
    fakeEnvironment({
      workers,
      storage: { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) },
      now: () => time,
      wallClock: () => 1_700_000_000_000 + time,
      newId: () => `id${ids++}`,
      newSeed: () => 100 + ids,
    }),
  );
  const get = store.getState;
  await get().start();
  const add = async (...names: string[]) => {
    get().addImages(names.map((name) => new File(['original'], name, { type: 'image/png' })));
    await rest();
  };
  const id = (index = 0) => get().images[index]?.id ?? '';
  const of = (index = 0) => refinementsOf(get(), id(index));
  return {
    get,
    runs,
    cancelled,
    saved,
    analysed,
    workers,
    add,
    id,
    of,
    stored: () => JSON.parse([...kept.values()][0] ?? '{}'),
    advance: (milliseconds: number) => (time += milliseconds),
    holdAnalyses: () => (holdsAnalyses = true),
    letAnalysisEnd: () => {
      holdsAnalyses = false;
      heldAnalysis?.();
    },
  };
}

/** Lets everything that needs no further push come to rest. */
const rest = async () => {
  for (let i = 0; i < 40; i++) await Promise.resolve();
};

describe('a refinement', () => {
  test('runs with prompt, settings and seeds, becomes the result shown and frees the machine', async () => {
    const { get, runs, add, id, of, advance } = await setUp();
    await add('dog.png');
    get().changeRefineChoices({ variants: 3, seed: 7 });
    get().refine(id());
    expect(of().job.state).toBe('refining');
    const [run] = runs;
    // What the generator was told to leave out is left out here, too.
    const settings = { ...defaultRefineSettings, negativePrompt: 'cat' };
    expect(run?.job).toMatchObject({ prompt: 'dog', seeds: [7, 8, 9], settings });
    expect(run?.job.file.name).toBe('dog.png');
    advance(5000);
    run?.finish([0.6, 0.8, null]);
    await rest();
    const { job, history } = of();
    expect(job.state).toBe('idle');
    expect(history.entries).toHaveLength(1);
    expect(history.entries[0]).toMatchObject({ best: 1, kept: 1, took: 5000, parent: null });
    expect(history.currentId).toBe(history.entries[0]?.id);
    expect(get().refineProgress).toBeNull();
    expect(get().images[0]?.result?.perceptual.score).toBe(0.5);
  });

  test('keeps files, not pixels, named after the original', async () => {
    const { get, runs, add, id, of } = await setUp();
    await add('my dog.jpeg');
    get().refine(id());
    runs[0]?.finish([0.8]);
    await rest();
    const file = of().history.entries[0]?.variants[0]?.file;
    expect(file?.name).toBe('my dog-refined.png');
    expect(await file?.text()).toBe(`${runs[0]?.job.seeds[0]} 0.8`);
  });

  test('starts again from the variant that is kept, and undo leads back to the original', async () => {
    const { get, runs, add, id, of } = await setUp();
    await add('dog.png');
    get().changeRefineChoices({ variants: 2 });
    get().refine(id());
    runs[0]?.finish([0.6, 0.7]);
    await rest();
    const first = of().history.entries[0];
    if (!first) throw new Error('no result');
    get().keepVariant(id(), { refinementId: first.id, variant: 0 });
    get().refine(id());
    expect(runs[1]?.job.file).toBe(first.variants[0]?.file);
    runs[1]?.finish([0.9, 0.8]);
    await rest();
    expect(of().history.entries[1]?.parent).toEqual({ id: first.id, variant: 0 });
    get().undoRefinement(id());
    expect(of().history.currentId).toBe(first.id);
    get().undoRefinement(id());
    expect(of().history.currentId).toBeNull();
    get().redoRefinement(id());
    get().redoRefinement(id());
    expect(of().history.currentId).toBe(of().history.entries[1]?.id);
  });

  test('that changed nothing is told and makes no step', async () => {
    const { get, runs, add, id, of } = await setUp();
    await add('dog.png');
    get().refine(id());
    runs[0]?.finish([null], 'nothingToRepair');
    await rest();
    expect(of()).toMatchObject({ unchanged: { outcome: 'nothingToRepair' }, history: { entries: [] } });
    get().refine(id());
    expect(of().unchanged).toBeNull();
    runs[1]?.finish([null]);
    await rest();
    expect(of().unchanged?.outcome).toBe('rejected');
    get().dismissUnchanged(id());
    expect(of().unchanged).toBeNull();
  });

  test('is done with the strategy chosen, which is remembered', async () => {
    const { get, runs, add, id, stored } = await setUp();
    await add('dog.png');
    get().changeRefineChoices({ strategy: 'qRefine' });
    expect(stored().refine).toEqual({ strategy: 'qRefine' });
    get().setHandMask(id(), { width: 1, height: 1, values: Uint8Array.of(255) });
    get().refine(id());
    // A mask is drawn, but this strategy does not look at it.
    expect(runs[0]?.job).toMatchObject({ strategy: 'qRefine', handMask: null });
  });

  test('by hand needs a mask, takes it along, and lets the result be seen', async () => {
    const { get, runs, add, id } = await setUp();
    await add('dog.png');
    get().changeRefineChoices({ strategy: 'inpaintingByHand' });
    get().refine(id());
    expect(runs).toEqual([]);
    const mask = { width: 2, height: 1, values: Uint8Array.of(0, 255) };
    get().setHandMask(id(), mask);
    expect(get().brush.tool).toBe('paint');
    get().refine(id());
    expect(runs[0]?.job.handMask).toBe(mask);
    runs[0]?.finish([0.6]);
    await rest();
    expect(get().brush.tool).toBe('move');
    expect(get().handMasks[id()]).toBe(mask);
    get().remove(id());
    expect(get().handMasks).toEqual({});
  });

  test('that came out worse is a result that can be discarded', async () => {
    const { get, runs, add, id, of } = await setUp();
    await add('dog.png');
    get().changeRefineChoices({ strategy: 'imageToImage' });
    get().refine(id());
    runs[0]?.finish([0.2]);
    await rest();
    const worse = of().history.entries[0];
    expect(of().history.currentId).toBe(worse?.id);
    get().discardRefinement(id(), worse?.id ?? '');
    expect(of().history).toEqual({ entries: [], currentId: null, visited: [] });
  });

  test('that is cancelled leaves nothing behind, and another can start', async () => {
    const { get, runs, cancelled, add, id, of } = await setUp();
    await add('dog.png', 'cat.png');
    get().refine(id(0));
    get().refine(id(1));
    expect([of(0).job.state, of(1).job.state]).toEqual(['refining', 'waiting']);
    get().cancelRefinements();
    expect(of(0).job).toMatchObject({ cancelling: true });
    await rest();
    expect(cancelled).toEqual([runs[0]?.job.jobId]);
    expect([of(0).job.state, of(1).job.state]).toEqual(['idle', 'idle']);
    expect(get().notices).toEqual([]);
    get().refine(id(1));
    expect(runs[1]?.job.file.name).toBe('cat.png');
  });

  test('that fails keeps all there is, and the same can be run again', async () => {
    const { get, runs, add, id, of } = await setUp();
    await add('dog.png');
    get().refine(id());
    runs[0]?.finish([0.7]);
    await rest();
    get().refine(id());
    runs[1]?.fail(new UserError('DeviceLostError', 'reset'));
    await rest();
    expect(of().job).toMatchObject({ state: 'failed', problem: { name: 'DeviceLostError', during: 'refine' } });
    expect(of().history.entries).toHaveLength(1);
    get().retryRefinement(id());
    expect(runs[2]?.job).toMatchObject({ seeds: runs[1]?.job.seeds, file: runs[1]?.job.file });
  });

  test('waits for the analysis that runs, and an analysis waits for it', async () => {
    const { get, runs, analysed, add, id, of, holdAnalyses, letAnalysisEnd } = await setUp();
    holdAnalyses();
    await add('dog.png');
    get().refine(id());
    expect(of().job.state).toBe('waiting');
    letAnalysisEnd();
    await rest();
    expect(of().job.state).toBe('refining');
    await add('cat.png');
    expect(analysed).toEqual(['dog.png']);
    expect(get().images[1]?.job.state).toBe('waiting');
    runs[0]?.finish([0.7]);
    await rest();
    expect(analysed).toEqual(['dog.png', 'cat.png']);
  });

  test('of an image that is removed is cancelled, and what comes of it is dropped', async () => {
    const { get, runs, cancelled, add, id } = await setUp();
    await add('dog.png');
    get().refine(id());
    get().remove(id());
    expect(cancelled).toEqual([runs[0]?.job.jobId]);
    await rest();
    expect(get().refinements).toEqual({});
    await add('cat.png');
    get().refine(id());
    expect(runs).toHaveLength(2);
  });

  test('does not start where a model is missing', async () => {
    const { get, runs, add, id } = await setUp({ packs: [pack('maps')] });
    await add('dog.png');
    const [image] = get().images;
    if (!image) throw new Error('no image');
    expect(readinessOf(get(), image).isReady).toBe(false);
    get().refine(id());
    expect(runs).toHaveLength(0);
  });
});

describe('while it runs', () => {
  const step = (done: number, seedIndex = 0): RefineEvent => ({
    type: 'step',
    stage: 'inpaint',
    done,
    total: 10,
    seedIndex,
  });

  test('steps, bytes and time left are told, and those of an older job are not believed', async () => {
    vi.useFakeTimers();
    const { get, runs, add, id, advance } = await setUp();
    await add('dog.png');
    get().refine(id());
    const [run] = runs;
    run?.tell({ type: 'loading', model: 'SDXL', doneBytes: 1, totalBytes: 2 });
    expect(get().refineProgress?.loading).toEqual({ model: 'SDXL', doneBytes: 1, totalBytes: 2 });
    for (let done = 0; done <= 5; done++) {
      run?.tell(step(done));
      advance(1000);
      vi.advanceTimersByTime(1000);
    }
    const progress = get().refineProgress;
    if (!progress) throw new Error('no progress');
    expect(progress).toMatchObject({ at: 'inpaint', done: 5, total: 10, loading: null });
    // The last step was a second ago, and five are left.
    expect(refineTimeLeft(progress, 6000)).toEqual({ milliseconds: 4000, of: 'stage' });
    get().cancelRefinements();
    await rest();
    run?.tell(step(6));
    expect(get().refineProgress).toBeNull();
    vi.useRealTimers();
  });

  test('a preview stays at its place until the next seed starts', async () => {
    const { get, runs, add, id } = await setUp();
    await add('dog.png');
    get().refine(id());
    const preview = (x: number): RefineEvent => ({
      type: 'preview',
      place: { x, y: 0, width: 4, height: 4 },
      width: 1,
      height: 1,
      rgba: new Uint8ClampedArray(4),
    });
    runs[0]?.tell(step(1));
    for (const x of [0, 4, 0]) runs[0]?.tell(preview(x));
    expect(get().latentPreviews.map(({ place }) => place.x)).toEqual([4, 0]);
    runs[0]?.tell(step(0, 1));
    expect(get().latentPreviews).toEqual([]);
    runs[0]?.tell(preview(4));
    runs[0]?.finish([0.7]);
    await rest();
    expect(get().latentPreviews).toEqual([]);
  });

  test('the maps of the original are shown as soon as they are measured', async () => {
    const { get, runs, add, id } = await setUp();
    await add('dog.png');
    get().refine(id());
    const { perceptual } = analysis(0.4);
    runs[0]?.tell({ type: 'before', event: { type: 'perceptual', result: perceptual } });
    expect(get().images[0]?.perceptual).toBe(perceptual);
  });
});

test('an analysis asked for leads back to the original, which it is of', async () => {
  const { get, runs, add, id, of } = await setUp();
  await add('dog.png');
  get().refine(id());
  runs[0]?.finish([0.7]);
  await rest();
  get().analyse(id());
  expect(of().history.currentId).toBeNull();
  expect(of().history.entries).toHaveLength(1);
});

test('choices are remembered, and reset to the defaults', async () => {
  const { get, stored } = await setUp();
  get().changeRefineChoices({ variants: 4 });
  expect(stored().refine).toEqual({ variants: 4 });
  get().resetRefineChoices();
  expect(get().refineChoices).toBe(get().refineDefaults);
  expect(stored().refine).toEqual({});
});

test('what is saved is the kept variant with every result on its way', async () => {
  const { get, runs, saved, add, id, of } = await setUp();
  await add('dog.png');
  get().refine(id());
  runs[0]?.finish([0.6]);
  await rest();
  get().refine(id());
  runs[1]?.finish([0.7]);
  await rest();
  get().setSaveChoice({ quality: 0.8 });
  await get().writePicture(id(), 'webp');
  const [first, second] = of().history.entries.map((entry) => keptVariant(entry));
  expect(saved[0]).toMatchObject({ format: 'webp', quality: 0.8 });
  expect(saved[0]?.image).toBe(second?.file);
  expect(saved[0]?.original.name).toBe('dog.png');
  expect(saved[0]?.results).toEqual([first?.result, second?.result]);
  expect(get().savingId).toBeNull();
  get().showRefinement(id(), null);
  expect(await get().writePicture(id(), 'png')).toBeNull();
});

test('a picture that cannot be written says so and can be saved again', async () => {
  const { get, runs, workers, add, id } = await setUp();
  await add('dog.png');
  get().refine(id());
  runs[0]?.finish([0.6]);
  await rest();
  workers.refine.saveImage = async () => {
    throw new UserError('ImageError', 'too large for WebP');
  };
  expect(await get().writePicture(id(), 'webp')).toBeNull();
  expect(get().notices).toMatchObject([{ problem: { name: 'ImageError', during: 'save' } }]);
  expect(get().savingId).toBeNull();
});

test('packs are in use by kind, and a deleted one gives way to the next of its kind', async () => {
  const packs = [pack('maps'), pack('inpainting', 'sd'), pack('inpainting', 'sdxl')];
  const { get, workers, stored } = await setUp({ packs });
  await get().choosePack('sdxl');
  expect(get().packInUse).toEqual({ maps: 'maps', inpainting: 'sdxl', restoration: null });
  expect(stored().packIds).toEqual({ maps: 'maps', inpainting: 'sdxl', restoration: null });
  workers.compile.deletePack = async (id) => {
    packs.splice(
      packs.findIndex((one) => one.id === id),
      1,
    );
  };
  workers.compile.listPacks = async () => [...packs];
  await get().deletePack('sdxl');
  expect(get().packInUse).toEqual({ maps: 'maps', inpainting: 'sd', restoration: null });
});

test('the memory budget is told to the engine and remembered', async () => {
  const { get, stored } = await setUp();
  expect(get().memoryBudget).toEqual({ bytes: 4e9, automaticBytes: 4e9 });
  await get().setMemoryBudget(2e9);
  expect(get().memoryBudget?.bytes).toBe(2e9);
  expect(stored().memoryBudget).toBe(2e9);
});

test('the best variant is the refined one of the highest score, the earlier of equals', () => {
  const job = { prompt: '', settings: defaultRefineSettings } as RefineJob;
  for (const [scores, best] of [
    [[0.6, 0.8, 0.7], 1],
    [[null, 0.3], 1],
    [[0.8, 0.8], 0],
    [[0.2], 0],
  ] as const) {
    const images = scores.map((score, seed) => imageOf(job, { seed, score }));
    expect(bestVariant(images)).toBe(best);
  }
  expect(bestVariant([imageOf(job, { seed: 0, score: null })])).toBeNull();
});
