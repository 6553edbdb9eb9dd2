import { beforeEach, describe, expect, test } from 'vitest';
import { droppedFolder, emptyBrowser, packContents } from '../e2e/packs/packHarness.ts';
import { abortError } from '../src/errors.ts';
import { exportPack } from '../src/storage/exportPack.ts';
import { importPack, openExportedPack } from '../src/storage/importPack.ts';
import { MemoryDisk } from '../src/storage/memoryDirectory.ts';
import { describeDamage, findDamage } from '../src/storage/packDamage.ts';
import type { PackSummary } from '../src/storage/packManifest.ts';
import { deleteLeftovers, listPacks, openPack, tokenizerOfInstalledMaps } from '../src/storage/packStore.ts';
import { type Installation, installPack } from './installPack.ts';
import { repairPack } from './repairPack.ts';

const SIZES = { shardLimit: 200_000, blockBytes: 16_384 };
const CLIP: Installation = { name: 'tiny/CLIP', precision: 'fp16', licence: null, source: droppedFolder('clip-tiny') };
const HUB = { endpoint: 'https://hub.example', token: null };

const running = () => ({ signal: new AbortController().signal, onBytes: () => {}, onProgress: () => {} });

let disk: MemoryDisk;
let summary: PackSummary;
beforeEach(async () => {
  disk = emptyBrowser();
  summary = await installPack(CLIP, { ...running(), sizes: SIZES });
});

/** Exports the pack into an empty folder. */
async function exported(): Promise<MemoryDisk> {
  const folder = new MemoryDisk();
  const name = await exportPack(await openPack(summary.id), { into: folder.root.handle, ...running() });
  expect(name).toBe('tiny-CLIP');
  return folder;
}

/** The files of a folder as they are chosen. */
const chosen = (folder: MemoryDisk) =>
  [...folder.root.contents()].map(([path, bytes]) => ({ path, file: new File([bytes], path) }));

/** Inverts a bit of a file of the pack. */
function damage(name: string, at: number): void {
  const path = `packs/${summary.id}/${name}`;
  const bytes = disk.root.contents().get(path)?.slice() ?? new Uint8Array();
  bytes[at] = (bytes[at] ?? 0) ^ 4;
  disk.root.put(path, bytes);
}

describe('a pack in a folder', () => {
  test('is installed elsewhere as it was', async () => {
    const expected = packContents(disk);
    const folder = await exported();
    emptyBrowser(disk);
    const other = emptyBrowser();
    const told: number[] = [];
    const imported = await importPack(await openExportedPack(chosen(folder)), {
      ...running(),
      onBytes: (count) => told.push(count),
    });
    expect(packContents(other)).toEqual(expected);
    expect(imported.id).not.toBe(summary.id);
    expect((await listPacks()).map((pack) => pack.summary)).toEqual([imported]);
    expect(told.reduce((sum, count) => sum + count, 0)).toBe(summary.byteLength);
    expect(await findDamage(await openPack(imported.id), running())).toBeNull();
  });

  test('goes beside an earlier one, and a damaged pack is not exported', async () => {
    const folder = await exported();
    const again = await exportPack(await openPack(summary.id), { into: folder.root.handle, ...running() });
    expect(again).toBe('tiny-CLIP (2)');
    damage('weights-001.bin', 7);
    await expect(
      exportPack(await openPack(summary.id), { into: folder.root.handle, ...running() }),
    ).rejects.toMatchObject({ name: 'StorageError', message: expect.stringContaining('"weights-001.bin" is damaged') });
    expect([...folder.root.children.keys()]).toEqual(['tiny-CLIP', 'tiny-CLIP (2)']);
  });

  test('that is stopped, damaged or incomplete leaves nothing', async () => {
    const folder = await exported();
    const files = chosen(folder);
    const wrong = async (change: (name: string, file: File) => File | null) => {
      const changed = files.flatMap(({ path, file }) => {
        const other = change(path.split('/').at(-1) ?? '', file);
        return other ? [{ path, file: other }] : [];
      });
      const pack = await openExportedPack(changed);
      return importPack(pack, running());
    };
    const before = disk.root.contents().size;
    const flipped = folder.root.contents().get('tiny-CLIP/weights-002.bin')?.slice() ?? new Uint8Array();
    flipped[20_000] = (flipped[20_000] ?? 0) ^ 1;
    await expect(
      wrong((name, file) => (name === 'weights-002.bin' ? new File([flipped], name) : file)),
    ).rejects.toMatchObject({
      name: 'CheckpointError',
      message: expect.stringContaining('"weights-002.bin": it is damaged'),
    });
    await expect(wrong((name, file) => (name === 'tokenizer.json' ? null : file))).rejects.toMatchObject({
      name: 'CheckpointError',
      message: expect.stringContaining('tokenizer.json": it is missing'),
    });
    await expect(
      wrong((name, file) => (name === 'weights-000.bin' ? new File([file.slice(1)], name) : file)),
    ).rejects.toMatchObject({ name: 'CheckpointError', message: expect.stringContaining('expected') });
    await expect(
      wrong((name, file) => (name === 'pack.json' ? new File(['{"format":3}'], name) : file)),
    ).rejects.toMatchObject({ name: 'CheckpointError', message: expect.stringContaining('summary is not an object') });
    await expect(wrong((name, file) => (name === 'pack.json' ? null : file))).rejects.toMatchObject({
      name: 'CheckpointError',
      message: expect.stringContaining('holds no exported models'),
    });
    const stopping = new AbortController();
    const stopped = importPack(await openExportedPack(files), {
      signal: stopping.signal,
      onBytes: () => stopping.abort(abortError()),
    });
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
    expect(disk.root.contents().size).toBe(before);

    disk.quota = disk.used + 1000;
    await expect(importPack(await openExportedPack(files), running())).rejects.toMatchObject({
      name: 'StorageError',
      message: expect.stringContaining('are missing. Delete "tiny/CLIP" ('),
    });
    disk.quota = Number.POSITIVE_INFINITY;

    disk.writesLeft = 5;
    await expect(importPack(await openExportedPack(files), running())).rejects.toThrow();
    disk.writesLeft = null;
    await deleteLeftovers();
    expect(disk.root.contents().size).toBe(before);
  });

  test('whose list says what cannot be is refused', async () => {
    const folder = await exported();
    const list = folder.root.contents().get('tiny-CLIP/pack.json') ?? new Uint8Array();
    const manifest = JSON.parse(new TextDecoder().decode(list));
    const [name, weight] = Object.entries(manifest.parts.clip)[1] as [string, Record<string, unknown>];
    const changes: readonly [string, () => unknown][] = [
      ['a gap', () => ({ ...manifest, parts: { clip: { ...manifest.parts.clip, [name]: { ...weight, offset: 1 } } } })],
      [
        'its shape',
        () => ({ ...manifest, parts: { clip: { ...manifest.parts.clip, [name]: { ...weight, dims: [1, 1] } } } }),
      ],
      ['do not fill', () => ({ ...manifest, parts: {} })],
      ['no checksum', () => ({ ...manifest, files: [...manifest.files, '../../etc'] })],
      ['is called', () => ({ ...manifest, files: ['weights-000.bin'] })],
      ['another version', () => ({ ...manifest, format: 2 })],
      ['more than a pack has', () => ({ ...manifest, more: Array.from({ length: 500_001 }, () => 0) })],
      ['no list', () => []],
      ['not known', () => ({ ...manifest, summary: { ...manifest.summary, precision: 'fp64' } })],
    ];
    for (const [, change] of changes.slice(0, -1)) expect(change()).not.toEqual(manifest);
    for (const [words, change] of changes) {
      const file = new File([JSON.stringify(change())], 'pack.json');
      const refused = openExportedPack([{ path: 'pack.json', file }]);
      await expect(refused, words).rejects.toMatchObject({ name: 'CheckpointError' });
      if (words !== 'no list') await expect(refused).rejects.toThrow(words);
    }
  });
});

describe('a damaged pack of files on this machine', () => {
  test('says what is broken, and is healed from the same files', async () => {
    const expected = packContents(disk);
    damage('weights-002.bin', 100);
    damage('config.json', 3);
    const pack = await openPack(summary.id);
    const found = await findDamage(pack, running());
    const told = found && describeDamage(pack.manifest, found);
    expect(told).toMatchObject({ items: ['weights-002.bin (1 of 11 pieces)', 'config.json'], canFetch: false });
    expect(told?.byteLength).toBeLessThan(100_000);

    await expect(repairPack(pack, { source: null, hub: HUB, ...running() })).rejects.toMatchObject({
      name: 'CheckpointError',
      message: expect.stringContaining('choose them again'),
    });
    await repairPack(pack, { source: CLIP.source, hub: HUB, ...running() });
    expect(packContents(disk)).toEqual(expected);
  });

  test('is not healed from other files', async () => {
    damage('weights-000.bin', 0);
    const pack = await openPack(summary.id);
    const other = droppedFolder('clip-tiny-gelu');
    await expect(repairPack(pack, { source: other, hub: HUB, ...running() })).rejects.toMatchObject({
      name: 'CheckpointError',
      message: expect.stringContaining('Choose the files it was made from'),
    });
    // The same sizes, another number.
    const files = await Promise.all(
      droppedFolder('clip-tiny').files.map(async ({ path, file }) => {
        if (path !== 'model.safetensors') return { path, file };
        const bytes = new Uint8Array(await file.arrayBuffer());
        const header = Number(new DataView(bytes.buffer).getBigUint64(0, true));
        for (let i = 8 + header; i < bytes.length; i += 4) bytes[i + 2] = (bytes[i + 2] ?? 0) ^ 1;
        return { path, file: new File([bytes], path) };
      }),
    );
    await expect(repairPack(pack, { source: { from: 'files', files }, hub: HUB, ...running() })).rejects.toMatchObject({
      name: 'CheckpointError',
      message: expect.stringContaining('not those it was made from'),
    });
  });
});

test('an installed CLIP lends its tokenizer', async () => {
  expect([...((await tokenizerOfInstalledMaps()) ?? [])].map(([path]) => path).sort()).toEqual([
    'merges.txt',
    'special_tokens_map.json',
    'tokenizer.json',
    'tokenizer_config.json',
    'vocab.json',
  ]);
  emptyBrowser();
  expect(await tokenizerOfInstalledMaps()).toBeNull();
});
