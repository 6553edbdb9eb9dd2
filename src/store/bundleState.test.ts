import { expect, test } from 'vitest';
import type { BundleManifest, BundleModel } from '../bundles/bundle.ts';
import type { PublishedFile } from '../hub/publishedFile.ts';
import type { Tier } from '../runtime/status.ts';
import { bundleProgress, installedModel, modelKey, modelSizes, recommendedBundles } from './bundleState.ts';
import { packOf } from './fakePackWorker.ts';

const COMMIT = 'a'.repeat(40);
const file = (part: Partial<PublishedFile> = {}): PublishedFile => ({
  path: 'config.json',
  host: 'hub',
  repository: 'openai/clip',
  revision: COMMIT,
  file: 'config.json',
  bytes: 100,
  sha256: null,
  ...part,
});
const model = (files: readonly PublishedFile[], part: Partial<BundleModel> = {}): BundleModel => ({
  kind: 'maps',
  name: 'CLIP',
  homepage: '',
  licence: { name: 'MIT', url: '' },
  furtherLicences: [],
  precision: 'fp16',
  files,
  diskBytes: null,
  ...part,
});
const from = (...repositories: [string, string][]) => ({
  from: 'hub' as const,
  repositories: repositories.map(([repository, revision]) => ({ repository, revision })),
});

test('a model is known again by its repositories and commits, whatever it is called', () => {
  const pack = packOf({ id: 'p', name: 'my clip', origin: from(['openai/clip', COMMIT]) });
  expect(installedModel(model([file()]), [pack])).toBe(pack);
  expect(installedModel(model([file()], { precision: 'q8' }), [pack])).toBeNull();
  expect(installedModel(model([file()], { kind: 'inpainting' }), [pack])).toBeNull();
  expect(installedModel(model([file({ revision: 'b'.repeat(40) })]), [pack])).toBeNull();
  expect(installedModel(model([file(), file({ repository: 'q-future/q-refine' })]), [pack])).toBeNull();
  expect(installedModel(model([file()]), [packOf({ ...pack, origin: { from: 'files', name: 'clip' } })])).toBeNull();
});

test('a file that may be absent does not matter, a repository too many does', () => {
  const withContexts = model([file(), file({ repository: 'q-future/q-refine', optional: true })]);
  expect(installedModel(withContexts, [packOf({ origin: from(['openai/clip', COMMIT]) })])).not.toBeNull();
  const other = packOf({ origin: from(['openai/clip', COMMIT], ['some/vae', COMMIT]) });
  expect(installedModel(model([file()]), [other])).toBeNull();
});

test('a branch may have become any commit', () => {
  const pack = packOf({ origin: from(['openai/clip', COMMIT]) });
  expect(installedModel(model([file({ revision: 'main' })]), [pack])).toBe(pack);
});

test('sizes are the manifest’s until the server was asked', () => {
  const known = model([file(), file({ bytes: 50 })], { diskBytes: 70 });
  expect(modelSizes(known, {})).toEqual({ downloadBytes: 150, diskBytes: 70 });
  const weights = { file: 'model.safetensors', bytes: null };
  const unknown = model([file(), file(weights)]);
  expect(modelSizes(unknown, {})).toEqual({ downloadBytes: null, diskBytes: null });
  const estimate = { kind: 'maps', description: '', downloadBytes: 9, diskBytes: 8 } as const;
  expect(modelSizes(unknown, { [modelKey(unknown)]: { is: 'known', estimate } })).toEqual({
    downloadBytes: 9,
    diskBytes: 8,
  });
});

const bundle = (id: string, models: readonly BundleModel[], vramBytes = 1): BundleManifest => ({
  id,
  name: id,
  purpose: '',
  models,
  vramBytes,
});

test('what is missing of a bundle is what it still takes', () => {
  const here = model([file()], { diskBytes: 60 });
  const missing = model([file({ repository: 'x/y', bytes: 30 })], { diskBytes: 20, name: 'other' });
  const both = bundle('both', [here, missing]);
  const packs = [packOf({ origin: from(['openai/clip', COMMIT]) })];
  expect(bundleProgress(both, { packs, estimates: {} })).toEqual({
    installed: 1,
    missing: 1,
    downloadBytes: 30,
    diskBytes: 20,
  });
  const unknown = bundle('unknown', [here, model([file({ file: 'model.safetensors', bytes: null })])]);
  expect(bundleProgress(unknown, { packs: [], estimates: {} })).toMatchObject({ missing: 2, downloadBytes: null });
});

test('recommended is what makes the most of the memory there is', () => {
  const repair = (id: string, vramBytes: number) => bundle(id, [model([file()], { kind: 'inpainting' })], vramBytes);
  const all = [
    bundle('maps', [model([])]),
    bundle('large', [model([])]),
    repair('sdxl', 9),
    repair('sd15', 4),
    repair('4bit', 5),
  ];
  const best = (tier: Tier | null, budgetBytes: number | null) => recommendedBundles(all, { tier, budgetBytes });
  expect(best('webgpu-fp16', 12)).toEqual(['maps', 'sdxl']);
  expect(best('webgpu-fp16', 6)).toEqual(['maps', '4bit']);
  expect(best('webgpu-fp16', 2)).toEqual(['maps', 'sd15']);
  expect(best('wasm', 12)).toEqual(['maps']);
  expect(best(null, null)).toEqual(['maps', 'sd15']);
});
