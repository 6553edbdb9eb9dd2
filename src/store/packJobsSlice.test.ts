import { expect, test } from 'vitest';
import { idleCalibrations } from '../bridge/idleCalibrations.ts';
import type { PackSummary, RefineWorkerApi } from '../bridge/protocol.ts';
import { UserError } from '../errors.ts';
import { createAppStore } from './appStore.ts';
import { fakeEnvironment } from './fakeEnvironment.ts';
import { fakePackWorker, packOf } from './fakePackWorker.ts';
import { IMPORT } from './packJobsSlice.ts';

const damage = { items: ['weights-0.bin'], byteLength: 1000, canFetch: true };

async function setUp() {
  const worker = fakePackWorker({ packs: [packOf({ id: 'p', name: 'clip' })] });
  const used: string[] = [];
  const refine = {
    ...idleCalibrations,
    usePack: async (id: string) => {
      used.push(id);
      return worker.packs.find((pack) => pack.id === id) as PackSummary;
    },
  } as Partial<RefineWorkerApi> as RefineWorkerApi;
  const store = createAppStore(
    fakeEnvironment({
      workers: { refine, compile: worker.api, restart: () => {} },
      newSeed: () => 1,
    }),
  );
  const get = store.getState;
  await get().loadPacks();
  await get().choosePack('p');
  used.length = 0;
  return { get, worker, used };
}

const rest = async () => {
  for (let i = 0; i < 30; i++) await Promise.resolve();
};

test('a check tells how far it is and that all is well', async () => {
  const { get, worker } = await setUp();
  const check = get().verifyPack('p');
  worker.job().tell(5, 10);
  expect(get().packJob).toMatchObject({ does: 'verify', packId: 'p', name: 'clip', progress: { doneBytes: 5 } });
  worker.job().finish();
  await check;
  expect(get()).toMatchObject({ packJob: null, verdicts: { p: { is: 'whole' } } });
});

test('what is damaged is repaired and read anew', async () => {
  const { get, worker, used } = await setUp();
  worker.damage = damage;
  void get().verifyPack('p');
  worker.job().finish();
  await rest();
  expect(get().verdicts.p).toEqual({ is: 'damaged', damage });
  void get().repairPack('p', null);
  worker.job().finish();
  await rest();
  expect(get().verdicts.p).toEqual({ is: 'repaired' });
  expect(used).toEqual(['p']);
});

test('a repair that fails says so with its model, and the damage stays known', async () => {
  const { get, worker } = await setUp();
  worker.damage = damage;
  void get().verifyPack('p');
  worker.job().finish();
  await rest();
  void get().repairPack('p', null);
  worker.job().fail(new UserError('DownloadError', 'gone'));
  await rest();
  expect(get().packProblems.p).toMatchObject({ name: 'DownloadError', during: 'repair' });
  expect(get().verdicts.p).toEqual({ is: 'damaged', damage });
  expect(get().notices).toEqual([]);
  get().dismissPackProblem('p');
  expect(get().packProblems).toEqual({});
});

test('a job is cancelled without a word', async () => {
  const { get, worker } = await setUp();
  void get().verifyPack('p');
  get().cancelPackJob();
  expect(get().packJob?.cancelling).toBe(true);
  await rest();
  expect(worker.cancelled).toHaveLength(1);
  expect(get()).toMatchObject({ packJob: null, verdicts: {}, packProblems: {} });
});

test('one job at a time', async () => {
  const { get, worker } = await setUp();
  void get().verifyPack('p');
  void get().exportPack('p', { name: 'stick' } as FileSystemDirectoryHandle);
  expect(worker.jobs.map(({ does }) => does)).toEqual(['verify']);
});

test('an export tells where it went', async () => {
  const { get, worker } = await setUp();
  void get().exportPack('p', { name: 'stick' } as FileSystemDirectoryHandle);
  worker.job().finish();
  await rest();
  expect(get().verdicts.p).toEqual({ is: 'exported', folder: 'stick' });
});

test('an imported model is used; what is wrong with one is told in its place', async () => {
  const { get, worker, used } = await setUp();
  void get().importPack('stick', []);
  worker.job().finish();
  await rest();
  expect(used).toEqual(['imported']);
  expect(get()).toMatchObject({ lastInstalled: 'imported', packInUse: { maps: 'imported' } });
  void get().importPack('stick', []);
  worker.job().fail(new UserError('CheckpointError', 'a file is missing'));
  await rest();
  expect(get().packProblems[IMPORT]).toMatchObject({ name: 'CheckpointError', during: 'import' });
});
