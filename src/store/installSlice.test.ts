import { describe, expect, test } from 'vitest';
import { idleCalibrations } from '../bridge/idleCalibrations.ts';
import type { DraftSummary } from '../bridge/packProtocol.ts';
import type { PackSummary, RefineWorkerApi } from '../bridge/protocol.ts';
import type { BundleManifest, BundleModel } from '../bundles/bundle.ts';
import { UserError } from '../errors.ts';
import type { RuntimeStatus } from '../runtime/status.ts';
import { createAppStore } from './appStore.ts';
import { fakeEnvironment } from './fakeEnvironment.ts';
import { fakePackWorker, packOf } from './fakePackWorker.ts';
import { installBytes, installTimeLeft } from './install.ts';

const STATUS: RuntimeStatus = {
  tier: 'wasm',
  tiers: [],
  adapter: null,
  selfTests: [],
  wasmThreads: 1,
  crossOriginIsolated: true,
};
const COMMIT = 'c'.repeat(40);
const licence = { name: 'MIT', url: 'https://licence' };
const modelOf = (name: string, bytes: number | null = 1000): BundleModel => ({
  kind: 'maps',
  name,
  homepage: '',
  licence,
  furtherLicences: [],
  precision: 'fp16',
  files: [{ path: name, host: 'hub', repository: `x/${name}`, revision: COMMIT, file: name, bytes, sha256: null }],
  diskBytes: bytes === null ? null : bytes / 2,
});
const bundleOf = (id: string, ...models: BundleModel[]): BundleManifest => ({
  id,
  name: `The ${id}`,
  purpose: '',
  models,
  vramBytes: 1,
});
const BUNDLES = [
  bundleOf('pair', modelOf('one'), modelOf('two', 3000)),
  bundleOf('maps', modelOf('one')),
  bundleOf('unknown', modelOf('big', null)),
];
const installed = (name: string): PackSummary =>
  packOf({
    id: `pack ${name}`,
    name,
    origin: { from: 'hub', repositories: [{ repository: `x/${name}`, revision: COMMIT }] },
  });
const draft = (part: Partial<DraftSummary> = {}): DraftSummary => ({
  id: 'd',
  name: 'two',
  kind: 'maps',
  precision: 'fp16',
  from: 'hub',
  doneBytes: 1500,
  totalBytes: 3000,
  startedAt: 1,
  ...part,
});

function setUp(options: Parameters<typeof fakePackWorker>[0] = {}, kept = new Map<string, string>()) {
  const worker = fakePackWorker(options);
  const used: string[] = [];
  let asked = 0;
  let time = 0;
  const refine = {
    ...idleCalibrations,
    start: async () => STATUS,
    watchDevice: async () => {},
    setMemoryBudget: async () => ({ bytes: 1, automaticBytes: 1 }),
    usePack: async (id: string) => {
      used.push(id);
      return worker.packs.find((pack) => pack.id === id) as PackSummary;
    },
  } as Partial<RefineWorkerApi> as RefineWorkerApi;
  const store = createAppStore(
    fakeEnvironment({
      workers: { refine, compile: worker.api, restart: () => {} },
      bundles: BUNDLES,
      allowedEndpoints: async () => ['https://mirror.example', 'https://huggingface.co'],
      persistStorage: async () => {
        asked += 1;
        return true;
      },
      storage: { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) },
      now: () => time,
      newSeed: () => 1,
    }),
  );
  return { get: store.getState, worker, used, kept, asked: () => asked, wait: (ms: number) => (time += ms) };
}

/** Lets everything that needs no further push come to rest. */
const rest = async () => {
  for (let i = 0; i < 60; i++) await Promise.resolve();
};

/** Starts the store and a bundle. */
async function begun(id: string, options: Parameters<typeof fakePackWorker>[0] = {}) {
  const all = setUp(options);
  await all.get().start();
  all.used.length = 0;
  void all.get().installBundle(id);
  await rest();
  return all;
}

describe('a bundle', () => {
  test('is installed one model after another, counted as one, and used', async () => {
    const { get, worker, used, wait } = await begun('pair');
    expect(worker.jobs.map(({ name }) => name)).toEqual(['one']);
    worker.job().tell(0, 1000);
    wait(1000);
    worker.job().tell(500, 1000);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const install = get().install;
    expect(install && installBytes(install)).toEqual({ doneBytes: 500, totalBytes: 4000 });
    expect(install && installTimeLeft(install)).toBe(7000);
    worker.job().finish();
    await rest();
    expect(worker.jobs.map(({ name }) => name)).toEqual(['one', 'two']);
    expect(used).toContain('pack one');
    worker.job().tell(300, 3000);
    const second = get().install;
    expect(second).toMatchObject({ current: 1, name: 'The pair', state: { is: 'running' } });
    expect(second && installBytes(second)).toEqual({ doneBytes: 1300, totalBytes: 4000 });
    worker.job().finish();
    await rest();
    expect(get()).toMatchObject({ install: null, lastInstalled: 'The pair', unfinishedBundles: [] });
    expect(get().packs?.map(({ name }) => name)).toEqual(['one', 'two']);
    expect(worker.estimated).toEqual([]);
  });

  test('asks with the licence, the precision and the hub in force', async () => {
    const { worker } = await begun('maps');
    expect(worker.job().asked).toMatchObject({
      name: 'one',
      precision: 'fp16',
      licence,
      source: { from: 'hub', hub: { endpoint: 'https://mirror.example', token: null } },
    });
  });

  test('does not fetch what is installed, but uses it', async () => {
    const { get, worker, used } = await begun('pair', { packs: [installed('one')] });
    expect(worker.jobs.map(({ name }) => name)).toEqual(['two']);
    worker.job().finish();
    await rest();
    expect(get().install).toBeNull();
    expect(used).toEqual(['pack two', 'pack one']);
  });

  test('that is all there is used at once', async () => {
    const { get, worker, used } = await begun('maps', { packs: [installed('one')] });
    expect(worker.jobs).toEqual([]);
    expect(used).toEqual(['pack one']);
    expect(get()).toMatchObject({ install: null, unfinishedBundles: [] });
  });

  test('asks for sizes that are not known, and tells why where it cannot', async () => {
    const { get, worker } = await begun('unknown');
    expect(worker.estimated).toEqual(['big']);
    expect(get().install?.parts[0]).toMatchObject({ totalBytes: 1000, diskBytes: 500 });
    const other = setUp();
    await other.get().start();
    other.worker.estimateError = new UserError('DownloadError', 'no network');
    await other.get().installBundle('unknown');
    expect(other.get().install?.state).toMatchObject({ is: 'failed', problem: { name: 'DownloadError' } });
    void other.get().resumeInstall();
    await rest();
    expect(other.worker.jobs).toHaveLength(1);
  });

  test('is estimated when asked, once, and again after a failure', async () => {
    const { get, worker } = setUp();
    await get().start();
    worker.estimateError = new UserError('DownloadError', 'no network');
    await get().estimateBundle('unknown');
    expect(get().estimates['maps/big/fp16']).toMatchObject({ is: 'failed' });
    await get().estimateBundle('unknown');
    await get().estimateBundle('unknown');
    expect(get().estimates['maps/big/fp16']).toMatchObject({ is: 'known', estimate: { downloadBytes: 1000 } });
    expect(worker.estimated).toEqual(['big', 'big']);
    await get().estimateBundle('pair');
    expect(worker.estimated).toHaveLength(2);
  });
});

describe('stopping and going on', () => {
  test('a pause keeps what is done; Resume goes on with it', async () => {
    const { get, worker } = await begun('pair');
    worker.job().tell(400, 1000);
    get().pauseInstall();
    expect(get().install?.state.is).toBe('pausing');
    await rest();
    expect(get().install?.state.is).toBe('paused');
    expect(worker.paused).toHaveLength(1);
    expect(get().drafts).toMatchObject([{ name: 'one', doneBytes: 400 }]);
    void get().resumeInstall();
    await rest();
    worker.job().finish();
    await rest();
    worker.job().finish();
    await rest();
    expect(worker.jobs.map(({ name }) => name)).toEqual(['one', 'one', 'two']);
    expect(get()).toMatchObject({ install: null, drafts: [] });
  });

  test('a pause between two models starts no further one', async () => {
    const { get, worker } = await begun('pair');
    worker.job().finish();
    get().pauseInstall();
    await rest();
    expect(get().install).toMatchObject({ state: { is: 'paused' } });
    expect(worker.jobs).toHaveLength(1);
  });

  test('cancelling deletes what the model has so far, and finished models stay', async () => {
    const { get, worker } = await begun('pair');
    worker.job().finish();
    await rest();
    worker.job().tell(100, 3000);
    await get().cancelInstall();
    await rest();
    expect(get()).toMatchObject({ install: null, drafts: [], unfinishedBundles: [] });
    expect(get().packs).toHaveLength(1);
    expect(get().notices).toEqual([]);
  });

  test('cancelling after a pause deletes the draft', async () => {
    const { get, worker } = await begun('pair');
    worker.job().tell(400, 1000);
    get().pauseInstall();
    await rest();
    await get().cancelInstall();
    expect(worker.drafts).toEqual([]);
    expect(get().install).toBeNull();
  });

  test('a failure tells why, keeps the draft and is resumed', async () => {
    const { get, worker } = await begun('maps');
    worker.job().tell(700, 1000);
    worker.job().fail(new UserError('DownloadError', 'the network is gone'));
    await rest();
    expect(get().install?.state).toMatchObject({
      is: 'failed',
      problem: { name: 'DownloadError', message: 'the network is gone', during: 'install' },
    });
    expect(get().drafts).toMatchObject([{ doneBytes: 700 }]);
    void get().resumeInstall();
    await rest();
    worker.job().finish();
    await rest();
    expect(get()).toMatchObject({ install: null, drafts: [] });
  });

  test('a failure that is dismissed stays as a draft; of files that are no model, nothing stays', async () => {
    const { get, worker } = await begun('maps');
    worker.job().fail(new UserError('DownloadError', 'gone'));
    await rest();
    await get().dismissInstall();
    expect(get()).toMatchObject({ install: null, drafts: [{ name: 'one' }], unfinishedBundles: ['maps'] });
    get().offerModel({ name: 'folder', files: [], weightBytes: 5 });
    void get().installCandidate({ name: 'folder', precision: 'q8' });
    await rest();
    worker.job().fail(new UserError('CheckpointError', 'a tensor is missing'));
    await rest();
    await get().dismissInstall();
    expect(get().drafts).toMatchObject([{ name: 'one' }]);
  });

  test('another installation takes the place of one that rests', async () => {
    const { get, worker } = await begun('pair');
    worker.job().tell(400, 1000);
    get().pauseInstall();
    await rest();
    void get().installBundle('unknown');
    await rest();
    expect(worker.job().name).toBe('big');
    expect(get()).toMatchObject({ drafts: [{ name: 'one' }], unfinishedBundles: ['pair', 'unknown'] });
  });
});

describe('after a reload', () => {
  test('a draft of a bundle goes on, and so do the models that were still to come', async () => {
    const kept = new Map<string, string>();
    const before = setUp({}, kept);
    await before.get().start();
    void before.get().installBundle('pair');
    await rest();
    before.worker.job().tell(400, 1000);
    before.get().pauseInstall();
    await rest();

    const { get, worker } = setUp({ drafts: before.worker.drafts }, kept);
    await get().start();
    expect(get()).toMatchObject({ drafts: [{ name: 'one' }], unfinishedBundles: ['pair'] });
    void get().resumeDraft(get().drafts[0] as DraftSummary);
    await rest();
    worker.job().finish();
    await rest();
    expect(worker.jobs.map(({ does, name }) => [does, name])).toEqual([
      ['install', 'one'],
      ['install', 'two'],
    ]);
  });

  test('a draft that belongs to no bundle begun goes on by itself', async () => {
    const { get, worker } = setUp({ drafts: [draft()] });
    await get().start();
    void get().resumeDraft(draft());
    await rest();
    expect(worker.job()).toMatchObject({ does: 'resume', asked: { draftId: 'd' } });
    worker.job().finish();
    await rest();
    expect(get()).toMatchObject({ install: null, drafts: [] });
  });

  test('a draft is deleted, its bundle forgotten', async () => {
    const kept = new Map([['g-refine.preferences', JSON.stringify({ unfinishedBundles: ['pair', 'gone'] })]]);
    const { get, worker } = setUp({ drafts: [draft()] }, kept);
    await get().start();
    expect(get().unfinishedBundles).toEqual(['pair']);
    await get().discardDraft(draft());
    expect(worker.drafts).toEqual([]);
    expect(get()).toMatchObject({ drafts: [], unfinishedBundles: [] });
  });
});

describe('room', () => {
  test('too little is told before anything starts, and looked for again', async () => {
    const { get, worker } = await begun('pair', { storage: { usedBytes: 900, quotaBytes: 1000, persisted: true } });
    expect(get().install?.state).toEqual({ is: 'short', neededBytes: 2000, freeBytes: 100 });
    expect(worker.jobs).toEqual([]);
    worker.storage = { usedBytes: 900, quotaBytes: 9000, persisted: true };
    void get().resumeInstall();
    await rest();
    expect(worker.jobs).toHaveLength(1);
  });

  test('what a draft has written already is not needed again', async () => {
    const storage = { usedBytes: 750, quotaBytes: 1500, persisted: true };
    const { worker } = await begun('pair', { packs: [installed('one')], drafts: [draft()], storage });
    expect(worker.jobs.map(({ name }) => name)).toEqual(['two']);
  });

  test('the browser is asked to keep it, once it did not promise', async () => {
    const { asked } = await begun('maps', { storage: { usedBytes: 0, quotaBytes: 1e9, persisted: false } });
    expect(asked()).toBe(1);
    expect((await begun('maps')).asked()).toBe(0);
  });
});

describe('models of the user', () => {
  const folder = {
    name: 'clip',
    files: [{ path: 'config.json', file: new File([''], 'config.json') }],
    weightBytes: 9,
  };

  test('are looked at before anything is written', async () => {
    const { get, worker } = setUp();
    await get().start();
    worker.estimateError = new UserError('UnsupportedModelError', 'no CLIP');
    get().offerModel(folder);
    await get().installCandidate({ name: 'clip', precision: 'fp16' });
    expect(get().install?.state).toMatchObject({ is: 'failed', problem: { name: 'UnsupportedModelError' } });
    expect(worker.jobs).toEqual([]);
  });

  test('are told with what is expected of them, and the offer can be taken back', async () => {
    const { get } = setUp();
    get().expectModel({ for: 'draft', name: 'two', precision: 'q8' });
    get().offerModel(folder);
    expect(get()).toMatchObject({ candidate: folder, expected: { name: 'two' } });
    get().offerModel(null);
    expect(get()).toMatchObject({ candidate: null, expected: null });
  });
});

describe('another tab', () => {
  const running = { jobId: 'j', name: 'SDXL', progress: null };

  test('at work keeps this one from starting; what it installed is there and used', async () => {
    const { get, worker, used } = setUp();
    await get().start();
    worker.tellActivity({ running, elsewhere: true });
    await get().installBundle('maps');
    expect(get()).toMatchObject({ install: null, activity: { elsewhere: true } });
    worker.packs = [installed('one')];
    worker.tellActivity({ running: null, elsewhere: false });
    await rest();
    expect(used).toEqual(['pack one']);
    expect(get().packInUse.maps).toBe('pack one');
  });

  test('deleting the model in use leads to another one', async () => {
    const { get, worker } = setUp({ packs: [installed('one'), packOf({ id: 'newer', installedAt: 9 })] });
    await get().start();
    expect(get().packInUse.maps).toBe('newer');
    worker.packs = [installed('one')];
    worker.tellActivity({ running: null, elsewhere: false });
    await rest();
    expect(get().packInUse.maps).toBe('pack one');
  });
});
