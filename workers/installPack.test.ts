import { beforeEach, expect, test } from 'vitest';
import { droppedFolder, emptyBrowser, packContents, reopenedBrowser } from '../e2e/packs/packHarness.ts';
import { abortError } from '../src/errors.ts';
import { listDrafts } from '../src/storage/draftStore.ts';
import type { MemoryDisk } from '../src/storage/memoryDirectory.ts';
import { deleteLeftovers, listPacks } from '../src/storage/packStore.ts';
import { type Installation, type InstallOptions, installPack } from './installPack.ts';
import { discarded } from './jobs.ts';

/** Small enough that a tiny model has several shards, and blocks in each. */
const SIZES = { shardLimit: 200_000, blockBytes: 16_384, commitBytes: 60_000 };

const CLIP: Installation = {
  name: 'tiny',
  precision: 'q8',
  licence: { name: 'MIT', url: 'https://example.org/licence' },
  source: droppedFolder('clip-tiny'),
};

const options = (more: Partial<InstallOptions> = {}): InstallOptions => ({
  signal: new AbortController().signal,
  onProgress: () => {},
  sizes: SIZES,
  ...more,
});

let disk: MemoryDisk;
beforeEach(() => {
  disk = emptyBrowser();
});

/** What an uninterrupted installation leaves. */
async function uninterrupted(installation = CLIP): Promise<Map<string, string>> {
  const other = emptyBrowser();
  await installPack(installation, options());
  emptyBrowser(disk);
  return packContents(other);
}

test('a pack has its shards, its kept files, and a manifest that knows where it came from', async () => {
  const summary = await installPack(CLIP, options());
  expect(summary).toMatchObject({
    kind: 'maps',
    name: 'tiny',
    precision: 'q8',
    hasLearnedContexts: true,
    origin: { from: 'files', name: 'tiny' },
    licence: { name: 'MIT' },
  });
  const [manifest] = await listPacks();
  expect(manifest?.summary).toEqual(summary);
  expect(Object.keys(manifest?.checksums.shards ?? {}).length).toBeGreaterThan(2);
  const contents = packContents(disk);
  expect(contents.has('tokenizer.json')).toBe(true);
  expect(contents.has('journal.jsonl')).toBe(false);
  const sizes = [...contents].filter(([name]) => name !== 'pack.json').map(([, file]) => Number(file.split(' ')[0]));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  expect(summary.byteLength).toBe(bytes);
  expect(await listDrafts()).toEqual([]);
});

test('a tab closed at any write leaves what goes on to the same pack', async () => {
  const expected = await uninterrupted();
  let resumed = 0;
  // Not every one, for time's sake; a line of the journal takes several.
  for (let writes = 0; ; writes += 5) {
    disk = emptyBrowser();
    disk.writesLeft = writes;
    const outcome = await installPack(CLIP, options()).catch((error: unknown) => error);
    if (!(outcome instanceof Error)) break;
    expect(String((outcome as { cause?: unknown }).cause ?? outcome)).toContain('The tab was closed');
    reopenedBrowser(disk);
    await deleteLeftovers();
    const written = (await listDrafts())[0]?.doneBytes ?? 0;
    let first = -1;
    if ((await listPacks()).length === 0) {
      await installPack(CLIP, options({ onProgress: ({ doneBytes }) => (first = first < 0 ? doneBytes : first) }));
    }
    expect(packContents(disk), `after ${writes} writes`).toEqual(expected);
    if (written > 0) {
      expect(first).toBeGreaterThanOrEqual(0);
      resumed++;
    }
  }
  expect(resumed).toBeGreaterThan(5);
});

test('pausing keeps what is done, cancelling does not, and a wrong model leaves nothing', async () => {
  const stopAt = (bytes: number, reason?: Error) => {
    const stopping = new AbortController();
    return options({
      signal: stopping.signal,
      onProgress: ({ doneBytes }) => doneBytes > bytes && stopping.abort(reason ?? abortError()),
    });
  };
  await expect(installPack(CLIP, stopAt(800_000))).rejects.toMatchObject({ name: 'AbortError' });
  const [draft] = await listDrafts();
  expect(draft).toMatchObject({ name: 'tiny', kind: 'maps', precision: 'q8', from: 'files' });
  expect(draft?.doneBytes).toBeGreaterThan(500_000);
  expect(draft?.doneBytes).toBeLessThan(draft?.totalBytes ?? 0);

  await expect(installPack(CLIP, stopAt(1_200_000, discarded()))).rejects.toMatchObject({ name: 'AbortError' });
  expect(await listDrafts()).toEqual([]);
  expect(disk.root.contents().size).toBe(0);

  const files = CLIP.source.from === 'files' ? CLIP.source.files : [];
  const damaged = await Promise.all(
    files.map(async ({ path, file }) => {
      if (path !== 'model.safetensors') return { path, file };
      const bytes = new Uint8Array(await file.arrayBuffer());
      // The last tensor holds a NaN.
      bytes.fill(0xff, bytes.length - 4);
      return { path, file: new File([bytes], path) };
    }),
  );
  const wrong: Installation = { ...CLIP, source: { from: 'files', files: damaged } };
  await expect(installPack(wrong, options())).rejects.toMatchObject({ name: 'CheckpointError' });
  expect(disk.root.contents().size).toBe(0);
});

test('a full disk is said before anything is written, and keeps what is done when it comes as a surprise', async () => {
  disk.quota = 100_000;
  const asked = installPack(CLIP, options());
  await expect(asked).rejects.toMatchObject({
    name: 'StorageError',
    message: expect.stringMatching(/"tiny" takes 1\.\d MB, and the browser has room for 0\.1 MB: 1\.\d MB are missing/),
  });
  expect(disk.root.contents().size).toBe(0);

  disk.quota = 1e9;
  const surprised = installPack(
    CLIP,
    options({ onProgress: ({ doneBytes }) => (disk.quota = doneBytes > 1_000_000 ? disk.used : 1e9) }),
  );
  await expect(surprised).rejects.toMatchObject({
    name: 'StorageError',
    message: expect.stringContaining('storage is full'),
  });
  expect((await listDrafts())[0]?.doneBytes).toBeGreaterThan(500_000);
  disk.quota = 1e9;
  await installPack(CLIP, options());
  expect(packContents(disk)).toEqual(await uninterrupted());
});
