import { expect, test } from 'vitest';
import type { DraftSummary } from '../bridge/packProtocol.ts';
import type { BundleManifest } from '../bundles/bundle.ts';
import {
  bytesStillNeeded,
  type Install,
  type InstallPart,
  installBytes,
  installTimeLeft,
  unfinishedInstalls,
} from './install.ts';

const part = (name: string, values: Partial<InstallPart> = {}): InstallPart => ({
  name,
  precision: 'fp16',
  licence: null,
  source: { from: 'hub', files: [] },
  totalBytes: 100,
  diskBytes: 50,
  packId: null,
  ...values,
});
const install = (values: Partial<Install> = {}): Install => ({
  id: 'i',
  name: 'all',
  bundleId: null,
  parts: [part('a'), part('b')],
  current: 0,
  jobId: 'j',
  progress: null,
  rate: null,
  state: { is: 'running' },
  ...values,
});
const draft = (name: string, values: Partial<DraftSummary> = {}): DraftSummary => ({
  id: `draft ${name}`,
  name,
  kind: 'maps',
  precision: 'fp16',
  from: 'hub',
  doneBytes: 40,
  totalBytes: 100,
  startedAt: 1,
  ...values,
});
const bundle = (id: string, ...names: string[]): BundleManifest => ({
  id,
  name: id,
  purpose: '',
  vramBytes: 1,
  models: names.map((name) => ({
    kind: 'maps',
    name,
    homepage: '',
    licence: { name: '', url: '' },
    furtherLicences: [],
    precision: 'fp16',
    files: [],
    diskBytes: null,
  })),
});
const progress = (doneBytes: number, totalBytes: number) =>
  ({ stage: 'compile', item: '', doneBytes, totalBytes }) as const;

test('all parts count as one: finished ones in full, the one at work as it tells', () => {
  const parts = [part('a', { packId: 'p' }), part('b'), part('c', { totalBytes: 300 })];
  expect(installBytes(install({ parts, current: 1, progress: progress(20, 110) }))).toEqual({
    doneBytes: 120,
    totalBytes: 510,
  });
  expect(installBytes(install({ parts: [part('a'), part('b', { totalBytes: null })] })).totalBytes).toBeNull();
});

test('time is left once there is a speed', () => {
  const running = install({ progress: progress(50, 100) });
  expect(installTimeLeft(running)).toBeNull();
  const rate = { bytesPerSecond: 30, bytes: 50, at: 0 };
  expect(installTimeLeft({ ...running, rate })).toBe(5000);
  expect(installTimeLeft({ ...running, rate: { ...rate, bytesPerSecond: 0 } })).toBeNull();
});

test('room is needed for what is not written yet', () => {
  expect(bytesStillNeeded([part('a'), part('b', { packId: 'p' }), part('c')], [])).toBe(100);
  expect(bytesStillNeeded([part('a')], [draft('a')])).toBe(30);
  expect(bytesStillNeeded([part('a')], [draft('a', { precision: 'q8' })])).toBe(50);
});

test('what waits: bundles with their draft, and drafts of no bundle', () => {
  const state = {
    bundles: [bundle('pair', 'a', 'b'), bundle('other', 'c')],
    blocks: null,
    samples: [],
    fetchSample: async () => new Blob(),
    unfinishedBundles: ['pair', 'other', 'gone'],
    drafts: [draft('b'), draft('mine', { from: 'files' })],
    install: null,
  };
  expect(unfinishedInstalls(state).map(({ bundle, draft }) => [bundle?.id, draft?.name])).toEqual([
    ['pair', 'b'],
    ['other', undefined],
    [undefined, 'mine'],
  ]);
  const shown = install({ bundleId: 'pair', current: 1 });
  expect(unfinishedInstalls({ ...state, install: shown }).map(({ bundle }) => bundle?.id)).toEqual([
    'other',
    undefined,
  ]);
});
