import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { filesOfFolder } from '../e2e/hub/hubFiles.ts';
import { HubServer } from '../e2e/hub/hubServer.ts';
import { emptyBrowser, packContents, reopenedBrowser } from '../e2e/packs/packHarness.ts';
import { abortError } from '../src/errors.ts';
import type { PublishedFile } from '../src/hub/publishedFile.ts';
import { RemoteFile } from '../src/hub/remoteFile.ts';
import { listDrafts } from '../src/storage/draftStore.ts';
import type { MemoryDisk } from '../src/storage/memoryDirectory.ts';
import { findDamage } from '../src/storage/packDamage.ts';
import { deleteLeftovers, listPacks, openPack } from '../src/storage/packStore.ts';
import { estimateInstall, type Installation, type InstallOptions, installPack, resumeDraft } from './installPack.ts';
import { repairPack } from './repairPack.ts';

const REPOSITORY = 'someone/inpainting';
const FOLDER = fileURLToPath(new URL('../reference/fixtures/sd-inpainting-tiny', import.meta.url));
const UNET = 'unet/diffusion_pytorch_model.safetensors';
const FILES = filesOfFolder(FOLDER);
/** Small, so that a small file has all cases; impatient, so that tests are quick. */
const LIMITS = { windowBytes: 100_000, aheadBytes: 300_000, asideBytes: 1000, attempts: 2, firstPauseMs: 1 };
const SIZES = { shardLimit: 500_000, blockBytes: 16_384, commitBytes: 50_000 };

let hub: HubServer;
let disk: MemoryDisk;
beforeAll(async () => {
  hub = await HubServer.start({ repositories: { [REPOSITORY]: FILES }, hasForeignCdn: true });
});
afterAll(() => hub.close());
beforeEach(() => {
  disk = emptyBrowser();
});
afterEach(() => hub.reset());

const options = (more: Partial<InstallOptions> = {}): InstallOptions => ({
  signal: new AbortController().signal,
  onProgress: () => {},
  sizes: SIZES,
  limits: LIMITS,
  ...more,
});

const access = () => ({ endpoint: hub.endpoint, token: null });

function published(): Installation {
  const files = Object.keys(FILES)
    .filter((path) => !path.endsWith('.md'))
    .map(
      (path): PublishedFile => ({
        path,
        host: 'hub',
        repository: REPOSITORY,
        revision: 'main',
        file: path,
        bytes: null,
        sha256: null,
      }),
    );
  return { name: 'tiny', precision: 'q8', licence: null, source: { from: 'hub', files, hub: access() } };
}

/** Bytes of a file that were asked of the server, by their ranges. */
const asked = (path: string) =>
  hub.requests
    .filter((request) => request.path.startsWith('/cdn/') && request.path.includes(path))
    .map(({ range }) => range);

async function uninterrupted(): Promise<Map<string, string>> {
  const other = emptyBrowser();
  await installPack(published(), options());
  emptyBrowser(disk);
  hub.reset();
  return packContents(other);
}

test('a published model is installed with one stream over each file, and remembers where it came from', async () => {
  const estimate = await estimateInstall(published(), { limits: LIMITS });
  hub.reset();
  const told: { stage: string; doneBytes: number; totalBytes: number }[] = [];
  const summary = await installPack(published(), options({ onProgress: (progress) => told.push(progress) }));
  expect(summary).toMatchObject({
    kind: 'inpainting',
    origin: { from: 'hub', repositories: [{ repository: REPOSITORY, revision: hub.commitOf(REPOSITORY) }] },
  });
  expect(estimate).toMatchObject({ kind: 'inpainting', diskBytes: summary.byteLength });
  expect(told.at(-1)).toMatchObject({ stage: 'download', totalBytes: estimate.downloadBytes });
  expect(told.at(-1)?.doneBytes).toBe(estimate.downloadBytes);
  // Once for its header, when all is planned, and once for all of it.
  expect(asked(UNET)).toEqual(['bytes=0-', 'bytes=0-']);
  const [manifest] = await listPacks();
  const origin = manifest?.origin.from === 'hub' ? manifest.origin.files : [];
  expect(origin.find(({ path }) => path === UNET)?.sha256).toMatch(/^[0-9a-f]{64}$/);
});

describe('what arrives otherwise than it was published', () => {
  test.each([
    ['the first part', UNET, ['unet']],
    ['a later part', 'text_encoder/model.safetensors', ['text_encoder']],
  ])('%s is fetched anew, and nothing else', async (_, path, again) => {
    const expected = await uninterrupted();
    hub.misbehave({ path: `/cdn/${REPOSITORY}/${hub.commitOf(REPOSITORY)}/${path}`, flipByteAt: 150_000 });
    await expect(installPack(published(), options())).rejects.toMatchObject({
      name: 'DownloadError',
      message: expect.stringContaining('SHA-256'),
    });
    const [draft] = await listDrafts();
    expect(draft).toMatchObject({ from: 'hub', name: 'tiny' });
    if (again[0] === 'unet') expect(draft?.doneBytes).toBe(0);
    else expect(draft?.doneBytes).toBeGreaterThan(0);
    hub.reset();
    await resumeDraft({ draftId: draft?.id ?? '', hub: access() }, options());
    expect(packContents(disk)).toEqual(expected);
    expect(asked(path)[0]).toBe('bytes=0-');
    // The other parts are asked for their headers alone.
    if (again[0] !== 'unet') expect(asked(UNET).every((range) => range !== 'bytes=0-')).toBe(true);
  });
});

test('what the network or the user interrupts goes on where it was', async () => {
  const expected = await uninterrupted();
  const { downloadBytes } = await estimateInstall(published(), { limits: LIMITS });
  hub.misbehave({ path: UNET, dropAt: 400_000 });
  await expect(installPack(published(), options())).rejects.toMatchObject({ name: 'DownloadError' });
  const [draft] = await listDrafts();
  expect(draft?.doneBytes).toBeGreaterThan(200_000);
  hub.reset();
  const left = await estimateInstall(published(), { limits: LIMITS });
  expect(left.downloadBytes).toBeLessThan(downloadBytes - 100_000);
  hub.reset();

  const stopping = new AbortController();
  let first: number | null = null;
  const paused = resumeDraft(
    { draftId: draft?.id ?? '', hub: access() },
    options({
      signal: stopping.signal,
      onProgress: ({ doneBytes, totalBytes }) => {
        first ??= doneBytes;
        if (doneBytes > 0.8 * totalBytes) stopping.abort(abortError());
      },
    }),
  );
  await expect(paused).rejects.toMatchObject({ name: 'AbortError' });
  expect(first).toBeGreaterThan(200_000);
  expect(asked(UNET)).not.toContain('bytes=0-');
  reopenedBrowser(disk);
  await deleteLeftovers();
  await installPack(published(), options());
  expect(packContents(disk)).toEqual(expected);
  expect(await listDrafts()).toEqual([]);
});

test('a broken block is found, and healed by fetching only the weights in it', async () => {
  const summary = await installPack(published(), options());
  const expected = packContents(disk);
  hub.reset();
  const find = async () => findDamage(await openPack(summary.id), { signal: options().signal, onBytes: () => {} });
  expect(await find()).toBeNull();

  const shard = `packs/${summary.id}/weights-001.bin`;
  const stored = disk.root.contents().get(shard)?.slice() ?? new Uint8Array();
  stored[40_000] = (stored[40_000] ?? 0) ^ 0x10;
  disk.root.put(shard, stored);
  disk.root.put(`packs/${summary.id}/tokenizer~vocab.json`, new Uint8Array(3));
  const damage = await find();
  expect([...(damage?.blocks ?? [])]).toEqual([['weights-001.bin', [2]]]);
  expect(damage?.files).toEqual(['tokenizer/vocab.json']);

  const reads = vi.spyOn(RemoteFile.prototype, 'read');
  await repairPack(await openPack(summary.id), { source: null, hub: access(), ...options() });
  const ofUnet = reads.mock.calls.filter((_, i) => (reads.mock.contexts[i] as RemoteFile).name === UNET);
  reads.mockRestore();
  expect(packContents(disk)).toEqual(expected);
  expect(await find()).toBeNull();
  // Of 1.2 MB its header, and the weights of one block of 16 kB.
  const bytes = ofUnet.reduce((sum, [start, end]) => sum + end - start, 0);
  expect(bytes).toBeGreaterThan(16_384);
  expect(bytes).toBeLessThan(300_000);

  // A shard that is gone comes back whole.
  disk.root.put(shard, new Uint8Array(0));
  await repairPack(await openPack(summary.id), { source: null, hub: access(), ...options() });
  expect(packContents(disk)).toEqual(expected);
});
