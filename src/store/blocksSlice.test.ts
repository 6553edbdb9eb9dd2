import { expect, test } from 'vitest';
import { idleCalibrations } from '../bridge/idleCalibrations.ts';
import type { PackSummary, RefineWorkerApi } from '../bridge/protocol.ts';
import { type AppFile, blocksBundle } from '../bundles/blocks.ts';
import type { BundleManifest } from '../bundles/bundle.ts';
import { SAMPLES, type Sample } from '../bundles/samples.ts';
import { defaultRefineSettings, toyRefineSettings } from '../refine/refineSettings.ts';
import type { RuntimeStatus } from '../runtime/status.ts';
import { createAppStore } from './appStore.ts';
import { toyKinds } from './blocksSlice.ts';
import { fakeEnvironment } from './fakeEnvironment.ts';
import { fakePackWorker, packOf } from './fakePackWorker.ts';

const STATUS: RuntimeStatus = {
  tier: 'wasm',
  tiers: [],
  adapter: null,
  selfTests: [],
  wasmThreads: 1,
  crossOriginIsolated: true,
};

const file = (path: string): AppFile => ({ path, bytes: 100, sha256: 'a'.repeat(64) });
const MAPS = [file('clip/config.json'), file('clip/model.safetensors')];
const VERSION = blocksBundle(MAPS)?.models[0]?.files[0]?.revision as string;

const toy = (part: Partial<PackSummary> = {}): PackSummary =>
  packOf({
    id: 'toy',
    name: 'Blocks maps',
    kind: 'maps',
    origin: { from: 'hub', repositories: [{ repository: 'app/blocks', revision: VERSION }] },
    installedAt: 9,
    ...part,
  });
const real = packOf({ id: 'real', name: 'CLIP', kind: 'maps', installedAt: 1 });

const SAMPLE = { id: 'a', file: 'a.webp', title: 'A', kind: 'blur', prompt: 'a red cube', seed: 1 };

function setUp({
  packs = [],
  blocks = blocksBundle(MAPS),
  kept = new Map<string, string>(),
  sample = SAMPLE,
}: {
  packs?: PackSummary[];
  blocks?: BundleManifest | null;
  kept?: Map<string, string>;
  sample?: Sample;
} = {}) {
  const worker = fakePackWorker({ packs });
  const used: string[] = [];
  const refine = {
    ...idleCalibrations,
    start: async () => STATUS,
    watchDevice: async () => {},
    setMemoryBudget: async () => ({ bytes: 1, automaticBytes: 1 }),
    openImage: () => new Promise(() => {}),
    usePack: async (id: string) => {
      used.push(id);
      return worker.packs.find((pack) => pack.id === id) as PackSummary;
    },
  } as Partial<RefineWorkerApi> as RefineWorkerApi;
  const store = createAppStore(
    fakeEnvironment({
      workers: { refine, compile: worker.api, restart: () => {} },
      toyRefineSettings,
      blocks,
      samples: [sample],
      fetchSample: async (name) => {
        if (name !== SAMPLE.file) throw new Error('the server answers 404');
        return new Blob(['x']);
      },
      persistStorage: async () => {
        throw new Error('Nobody is asked about storage for a toy');
      },
      storage: { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) },
      newSeed: () => 1,
    }),
  );
  return { get: store.getState, worker, used, kept };
}

const rest = async () => {
  for (let i = 0; i < 60; i++) await Promise.resolve();
};

test('a first visit installs the toys by itself, shows how far it is, and uses them', async () => {
  const { get, worker } = setUp({ packs: [] });
  await get().start();
  await rest();
  expect(worker.job()).toMatchObject({ does: 'install', name: 'Blocks maps' });
  expect(worker.job().asked).toMatchObject({ source: { from: 'hub', hub: { token: null } } });
  expect(get().blocks).toEqual({ is: 'installing', doneBytes: 0, totalBytes: 200 });
  // Nothing else is held up by it.
  expect(get().install).toBeNull();
  worker.job().tell(150, 200);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(get().blocks).toMatchObject({ doneBytes: 150 });
  worker.job().finish();
  await rest();
  expect(get().blocks).toEqual({ is: 'ready' });
  expect(get().packInUse.maps).not.toBeNull();
});

test('a build without them says so and asks nobody', async () => {
  const { get, worker } = setUp({ blocks: null });
  await get().start();
  await rest();
  expect(get().blocks).toEqual({ is: 'absent' });
  expect(worker.jobs).toEqual([]);
});

test('what is there is not installed again; an earlier version makes place for the present one', async () => {
  const there = setUp({ packs: [toy()] });
  await there.get().start();
  await rest();
  expect(there.worker.jobs).toEqual([]);
  expect(there.get().blocks).toEqual({ is: 'ready' });

  const earlier = toy({
    id: 'old',
    origin: { from: 'hub', repositories: [{ repository: 'app/blocks', revision: 'b'.repeat(40) }] },
  });
  const { get, worker } = setUp({ packs: [earlier, real] });
  await get().start();
  await rest();
  worker.packs.push(toy());
  worker.job().finish();
  await rest();
  expect(worker.packs.map(({ id }) => id)).not.toContain('old');
  expect(worker.packs.map(({ id }) => id)).toContain('real');
});

test('any other model goes before a toy, now and on the next visit; the user may choose it all the same', async () => {
  const first = setUp({ packs: [toy()] });
  await first.get().start();
  expect(first.get().packInUse.maps).toBe('toy');
  const second = setUp({ packs: [toy(), real], kept: first.kept });
  await second.get().start();
  expect(second.get().packInUse.maps).toBe('real');
  expect(toyKinds(second.get())).toEqual([]);
  await second.get().choosePack('toy');
  const third = setUp({ packs: [toy(), real], kept: second.kept });
  await third.get().start();
  expect(third.get().packInUse.maps).toBe('toy');
});

test('deleted, they stay away until asked for', async () => {
  const { get, kept } = setUp({ packs: [toy()] });
  await get().start();
  await get().deletePack('toy');
  expect(get().blocks).toEqual({ is: 'declined' });
  // A worker that crashed and was started again brings them back no more than another visit does.
  await get().start();
  await rest();
  expect(get().blocks).toEqual({ is: 'declined' });
  const next = setUp({ kept });
  await next.get().start();
  await rest();
  expect(next.get().blocks).toEqual({ is: 'declined' });
  expect(next.worker.jobs).toEqual([]);
  void next.get().getBlocks({ isAskedFor: true });
  await rest();
  expect(next.worker.job()).toMatchObject({ does: 'install' });
});

test('a failure is kept for whoever looks, and can be tried again', async () => {
  const { get, worker } = setUp();
  await get().start();
  await rest();
  worker.job().fail(new Error('no network'));
  await rest();
  expect(get().blocks).toMatchObject({ is: 'failed', problem: { message: 'no network' } });
  expect(get().notices).toEqual([]);
  void get().getBlocks({ isAskedFor: true });
  await rest();
  expect(worker.jobs).toHaveLength(2);
});

test('a sample is opened once, with the toys for this visit; leaving them uses the others again', async () => {
  const { get, kept } = setUp({ packs: [toy(), real] });
  await get().start();
  expect(get().packInUse.maps).toBe('real');
  await get().openSample('a');
  expect(get().images.map(({ file: { name } }) => name)).toEqual(['a.webp']);
  expect(get().sampleIds[get().selectedId ?? '']).toBe('a');
  expect(get().packInUse.maps).toBe('toy');
  await get().openSample('a');
  expect(get().images).toHaveLength(1);
  await get().leaveBlocks();
  expect(get().packInUse.maps).toBe('real');
  const next = setUp({ packs: [toy(), real], kept });
  await next.get().start();
  expect(next.get().packInUse.maps).toBe('real');
});

test('where a toy repairs, its defaults are taken over; what the user changed stays', async () => {
  const parts = ['unet', 'vae', 'text_encoder'].map((part) => `inpainting/${part}`);
  const blocks = blocksBundle([
    ...MAPS,
    ...parts.flatMap((part) => [file(`${part}/config.json`), file(`${part}/model.safetensors`)]),
  ]);
  const revision = blocks?.models[1]?.files[0]?.revision as string;
  const painter = toy({
    id: 'painter',
    kind: 'inpainting',
    origin: { from: 'hub', repositories: [{ repository: 'app/blocks', revision }] },
  });
  const other = packOf({ id: 'other', kind: 'inpainting', installedAt: 1 });
  const { get } = setUp({ packs: [toy(), painter, other], blocks });
  await get().start();
  const steps = () => get().refineChoices.settings.stage2.steps;
  expect(steps()).toBe(defaultRefineSettings.stage2.steps);
  await get().useBlocks();
  expect(steps()).toBe(toyRefineSettings.stage2.steps);
  expect(get().refineChoices).toBe(get().refineDefaults);
  const { settings } = get().refineChoices;
  get().changeRefineChoices({ settings: { ...settings, goodEnough: 0.7 } });
  await get().leaveBlocks();
  expect(steps()).toBe(defaultRefineSettings.stage2.steps);
  expect(get().refineChoices.settings.goodEnough).toBe(0.7);
});

test('a sample that cannot be fetched is told', async () => {
  const { get } = setUp();
  await get().openSample('unknown');
  expect(get().images).toEqual([]);
  const broken = setUp({ sample: { ...SAMPLE, file: 'gone.webp' } });
  await broken.get().openSample('a');
  expect(broken.get().notices[0]?.problem.message).toContain('gone.webp');
  expect(broken.get().images).toEqual([]);
});

test('samples are of seeds that nothing was trained or fitted on', () => {
  expect(SAMPLES.every(({ seed }) => seed >= 20_000_000)).toBe(true);
});
