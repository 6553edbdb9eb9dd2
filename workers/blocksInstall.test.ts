import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { emptyBrowser } from '../e2e/packs/packHarness.ts';
import { listFiles } from '../scripts/blocksFiles.ts';
import { serve } from '../scripts/serve.mjs';
import { shellFiles } from '../scripts/serviceWorker.ts';
import { type AppFile, blocksBundle, isBlocks } from '../src/bundles/blocks.ts';
import type { BundleModel } from '../src/bundles/bundle.ts';
import { listPacks } from '../src/storage/packStore.ts';
import { installPack } from './installPack.ts';

const FIXTURES = fileURLToPath(new URL('../reference/fixtures/', import.meta.url));

let address = '';
vi.mock('../src/publicUrl.ts', () => ({ publicUrl: (path: string) => `${address}${path}` }));

let site: string;
let server: Awaited<ReturnType<typeof serve>>;
let files: readonly AppFile[];
beforeAll(async () => {
  site = mkdtempSync(join(tmpdir(), 'blocks-'));
  const put = (fixture: string, folder: string) =>
    cpSync(join(FIXTURES, fixture), join(site, 'blocks', folder), { recursive: true });
  mkdirSync(join(site, 'blocks'));
  put('clip-tiny', 'clip');
  put('sd-inpainting-tiny', 'inpainting');
  for (const part of ['unet', 'controlnet', 'scheduler']) put(`pasd-tiny/${part}`, `restoration/${part}`);
  files = listFiles(join(site, 'blocks'));
  server = await serve({ root: site, port: 0 });
  address = server.address;
});
afterAll(async () => {
  await server.close();
  rmSync(site, { recursive: true });
});
beforeEach(() => {
  emptyBrowser();
});

const install = ({ name, precision, licence, files: published }: BundleModel) =>
  installPack(
    {
      name,
      precision,
      licence,
      source: { from: 'hub', files: published, hub: { endpoint: 'https://not.asked', token: 'secret' } },
    },
    { signal: new AbortController().signal, onProgress: () => {}, limits: { attempts: 1 } },
  );

test('what is served with the app is installed from there, once', async () => {
  const models = blocksBundle(files)?.models ?? [];
  expect(models.map(({ kind }) => kind)).toEqual(['maps', 'inpainting', 'restoration']);
  const summary = await install(models[0] as BundleModel);
  expect(summary).toMatchObject({ kind: 'maps', name: 'Blocks maps' });
  expect(isBlocks(summary)).toBe(true);
  // Another tab had the same wish: nothing is fetched twice.
  expect(await install(models[0] as BundleModel)).toEqual(summary);
  expect(await listPacks()).toHaveLength(1);
});

test('a file that is not the one that was built in is refused', async () => {
  const altered = files.map((file) =>
    file.path === 'clip/vocab.json'
      ? { ...file, sha256: file.sha256.replace(/^./, (first) => (first === '0' ? '1' : '0')) }
      : file,
  );
  const [maps] = blocksBundle(altered)?.models ?? [];
  await expect(install(maps as BundleModel)).rejects.toMatchObject({
    name: 'DownloadError',
    message: expect.stringContaining('SHA-256'),
  });
});

test('only models that are whole are offered; none is no bundle', () => {
  const kinds = (path: RegExp) =>
    blocksBundle(files.filter((file) => path.test(file.path)))?.models.map(({ kind }) => kind);
  expect(kinds(/^clip/)).toEqual(['maps']);
  expect(kinds(/^(clip|restoration)/)).toEqual(['maps']);
  expect(kinds(/^inpainting\/vae/)).toBeUndefined();
  expect(blocksBundle([])).toBeNull();
});

test('other weights are another revision of that model alone', () => {
  const altered = files.map((file) =>
    file.path === 'clip/model.safetensors' ? { ...file, sha256: '0'.repeat(64) } : file,
  );
  const revisions = (list: readonly AppFile[]) =>
    blocksBundle(list)?.models.map(({ files: [first] }) => first?.revision);
  const [before, after] = [revisions(files), revisions(altered)];
  expect(before?.every((revision) => /^[0-9a-f]{40}$/.test(revision ?? ''))).toBe(true);
  expect(after?.[0]).not.toBe(before?.[0]);
  expect(after?.slice(1)).toEqual(before?.slice(1));
});

test('the models are not kept twice: the service worker leaves them out', () => {
  cpSync(join(FIXTURES, 'clip-tiny/config.json'), join(site, 'index.html'));
  expect(shellFiles(site).map(({ path }) => path)).toEqual(['index.html']);
});
