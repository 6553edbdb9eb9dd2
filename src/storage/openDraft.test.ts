import { createHash } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { emptyBrowser, reopenedBrowser } from '../../e2e/packs/packHarness.ts';
import type { TensorLayout } from '../graph/weights.ts';
import { DRAFT_FORMAT, type DraftRecord } from './draftRecord.ts';
import { discardDraft, findDraft, listDrafts } from './draftStore.ts';
import { readJournal } from './journal.ts';
import type { MemoryDisk } from './memoryDirectory.ts';
import { OpenDraft } from './openDraft.ts';
import { PACK_FORMAT, type PackManifest } from './packManifest.ts';
import { deleteLeftovers, listDamaged, listPacks } from './packStore.ts';

const RECORD: DraftRecord = {
  format: DRAFT_FORMAT,
  name: 'model',
  kind: 'maps',
  precision: 'q8',
  licence: null,
  origin: { from: 'files', name: 'model', files: [] },
  totalBytes: 1000,
  shardLimit: 120,
  blockBytes: 32,
  startedAt: 5,
};

/** Weights of two parts: some fill blocks, some shards, one is larger than a shard may be, quantised ones have scales. */
const PARTS: Readonly<Record<string, readonly TensorLayout[]>> = {
  unet: [
    { name: 'a', type: 'float32', dims: [5], byteLength: 20 },
    { name: 'b.weight', type: 'uint8', dims: [50], byteLength: 50 },
    { name: 'b.scales', type: 'float16', dims: [5], byteLength: 10 },
    { name: 'c', type: 'float32', dims: [16], byteLength: 64 },
    { name: 'd', type: 'float32', dims: [50], byteLength: 200 },
  ],
  vae: [
    { name: 'a', type: 'float32', dims: [8], byteLength: 32 },
    { name: 'e.weight', type: 'uint8', dims: [33], byteLength: 33 },
    { name: 'e.scales', type: 'float32', dims: [1], byteLength: 4 },
  ],
};

/** The bytes of a weight, in pieces. */
function pieces(part: string, { name, byteLength }: TensorLayout): Uint8Array[] {
  const bytes = new Uint8Array(byteLength);
  for (let i = 0; i < byteLength; i += 32) {
    const digest = createHash('sha256').update(`${part} ${name} ${i}`).digest();
    bytes.set(digest.subarray(0, Math.min(32, byteLength - i)), i);
  }
  return [bytes.subarray(0, 7), bytes.subarray(7)];
}

/** Stores whatever is not stored yet, as compiling does. */
async function write(draft: OpenDraft, onStored: (count: number) => void = () => {}): Promise<void> {
  let count = 0;
  for (const [part, layouts] of Object.entries(PARTS)) {
    const sink = draft.sink(part, () => ({
      doneBytes: draft.byteLength,
      streams: { [`${part}.safetensors`]: { position: draft.byteLength, hash: `after ${draft.byteLength}` } },
    }));
    const stored = draft.stored(part);
    for (const layout of layouts) {
      if (!stored[layout.name]) await sink.append(layout, pieces(part, layout));
      onStored(++count);
    }
    await draft.commit([`${part}.safetensors`]);
  }
}

async function install(draft: OpenDraft): Promise<PackManifest> {
  await draft.keepFile('unet/config.json', new TextEncoder().encode('{}'));
  return draft.install((byteLength) => ({
    format: PACK_FORMAT,
    summary: {
      id: draft.id,
      kind: 'maps',
      name: 'model',
      description: '',
      precision: 'q8',
      imageSizes: [],
      byteLength,
      hasLearnedContexts: false,
      origin: { from: 'files', name: 'model' },
      licence: null,
      installedAt: 1,
    },
    origin: RECORD.origin,
  }));
}

const text = (bytes: Uint8Array) => new TextDecoder('latin1').decode(bytes);

/** All files, with the id taken out. */
function contents(disk: MemoryDisk): Record<string, string> {
  const files: Record<string, string> = {};
  for (const [path, bytes] of disk.root.contents()) {
    const [, id = '', name = ''] = path.split('/');
    files[name] = text(bytes).replaceAll(id, 'id');
  }
  return files;
}

async function reopen(disk: MemoryDisk): Promise<OpenDraft> {
  reopenedBrowser(disk);
  const [draft] = await listDrafts();
  const found = await findDraft(draft?.id ?? '');
  if (!found) throw new Error('There is no draft');
  return OpenDraft.open(found, { commitBytes: 0 });
}

let disk: MemoryDisk;
let expected: Record<string, string>;
beforeEach(async () => {
  disk = emptyBrowser();
  const draft = await OpenDraft.create(RECORD, { commitBytes: 0 });
  await write(draft);
  await install(draft);
  expected = contents(disk);
  disk = emptyBrowser();
});

/** A draft whose weights are all stored, left as a closed tab leaves it; and where its journal lies. */
async function leftDraft(): Promise<{ journal: string; bytes: Uint8Array<ArrayBuffer> }> {
  await write(await OpenDraft.create(RECORD, { commitBytes: 0 }));
  const found = [...disk.root.contents()].find(([path]) => path.endsWith('journal.jsonl'));
  if (!found) throw new Error('There is no journal');
  return { journal: found[0], bytes: found[1] };
}

test('the pack is what was written, in shards of the limit', async () => {
  expect(Object.keys(expected).sort()).toEqual([
    'pack.json',
    'unet~config.json',
    'weights-000.bin',
    'weights-001.bin',
    'weights-002.bin',
    'weights-003.bin',
  ]);
  const written = (part: string) =>
    (PARTS[part] ?? []).map((layout) => pieces(part, layout).map(text).join('')).join('');
  const shards = Object.keys(expected).filter((name) => name.startsWith('weights'));
  expect(
    shards
      .sort()
      .map((name) => expected[name])
      .join(''),
  ).toBe(written('unet') + written('vae'));
  const manifest = JSON.parse(expected['pack.json'] ?? '') as PackManifest;
  expect(manifest.parts.unet?.c).toEqual({
    type: 'float32',
    dims: [16],
    byteLength: 64,
    shard: 'weights-001.bin',
    offset: 0,
  });
  for (const [name, { byteLength, sha256 }] of Object.entries(manifest.checksums.shards)) {
    const bytes = Buffer.from(expected[name] ?? '', 'latin1');
    expect(byteLength).toBe(bytes.length);
    expect(sha256).toEqual(
      Array.from({ length: Math.ceil(bytes.length / 32) }, (_, i) =>
        createHash('sha256')
          .update(bytes.subarray(32 * i, 32 * i + 32))
          .digest('hex'),
      ),
    );
  }
});

test('a journal torn at any byte goes on to the same pack', async () => {
  const { journal, bytes } = await leftDraft();
  const whole = disk.root.contents();
  const ends = [...bytes.keys()].filter((i) => bytes[i] === 0x0a).map((i) => i + 1);
  const doneAt = new Set<number>();
  for (let length = 0; length <= bytes.length; length++) {
    // Whole lines count, whatever follows them.
    const lines = readJournal(bytes.slice(0, length), RECORD.blockBytes);
    expect(lines.length).toBe(ends.filter((end) => end <= length).length);
    if (length % 41 !== 0 && !ends.includes(length) && !ends.includes(length + 1)) continue;
    disk = emptyBrowser();
    for (const [path, file] of whole) disk.root.put(path, path === journal ? file.slice(0, length) : file.slice());
    const draft = await reopen(disk);
    doneAt.add(draft.before.doneBytes);
    await write(draft);
    await install(draft);
    expect(contents(disk), `torn at ${length}`).toEqual(expected);
  }
  // A line for each weight but quantised ones without their scales, one for each part; and none.
  expect(ends.length).toBe(8);
  expect(doneAt.size).toBe(7);
});

test('no line counts bytes that are not on the disk yet', async () => {
  const onDisk = new Map<string, number>();
  let lines = 0;
  disk.onFlush = (name, byteLength) => {
    onDisk.set(name, byteLength);
    const [, journal] = [...disk.root.contents()].find(([path]) => path.endsWith(name)) ?? [];
    if (name !== 'journal.jsonl' || !journal) return;
    const written = readJournal(journal, RECORD.blockBytes);
    for (const shard of written.at(-1)?.entry.shards ?? []) {
      expect(shard.byteLength, shard.name).toBeLessThanOrEqual(onDisk.get(shard.name) ?? 0);
    }
    lines = written.length;
  };
  await write(await OpenDraft.create(RECORD, { commitBytes: 0 }));
  expect(lines).toBe(8);
});

test('weights of a line that could not be written are in no later line', async () => {
  let lines = 0;
  disk.corrupt = (name) => {
    if (name === 'journal.jsonl' && ++lines === 3) throw new DOMException('No room', 'QuotaExceededError');
  };
  const draft = await OpenDraft.create(RECORD, { commitBytes: 0 });
  const told = { name: 'StorageError', message: expect.stringContaining('Cannot write "journal.jsonl"') };
  await expect(write(draft)).rejects.toMatchObject(told);
  await expect(draft.commit()).rejects.toMatchObject(told);
  await draft.close();
  const again = await reopen(disk);
  expect(again.before.doneBytes).toBe(80);
  await write(again);
  await install(again);
  expect(contents(disk)).toEqual(expected);
});

test('a line that is damaged inside, and what comes after it, is given up', async () => {
  const { journal, bytes } = await leftDraft();
  const second = bytes.indexOf(0x0a) + 5;
  disk.root.put(
    journal,
    bytes.map((byte, i) => (i === second ? 0 : byte)),
  );
  const draft = await reopen(disk);
  expect(draft.before.doneBytes).toBe(20);
  await write(draft);
  await install(draft);
  expect(contents(disk)).toEqual(expected);
});

test.each([
  ['a shard is shorter than the journal says', (bytes: Uint8Array<ArrayBuffer>) => bytes.slice(0, bytes.length - 1)],
  ['a shard is gone', () => new Uint8Array(0)],
  [
    'the end of the last shard is not what was written',
    (bytes: Uint8Array<ArrayBuffer>) => bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte)),
  ],
])('where %s, lines are given up until the shards bear them out', async (_, damage) => {
  await leftDraft();
  const [last, bytes] = [...disk.root.contents()].filter(([path]) => path.includes('weights')).at(-1) ?? [];
  if (!last || !bytes) throw new Error('There is no shard');
  disk.root.put(last, damage(bytes));
  const draft = await reopen(disk);
  expect(draft.before.doneBytes).toBeLessThan(413);
  expect(draft.before.doneBytes).toBeGreaterThanOrEqual(344);
  await write(draft);
  await install(draft);
  expect(contents(disk)).toEqual(expected);
});

test('streams go on from the line before the last, for what came after it is not stored', async () => {
  await leftDraft();
  const draft = await reopen(disk);
  expect(draft.before.streams.get('unet.safetensors')?.position).toBe(344);
  expect(draft.before.streams.get('vae.safetensors')?.position).toBe(413);
  expect([...draft.before.checked]).toEqual(['unet.safetensors', 'vae.safetensors']);
});

test('a part that is rolled back is compiled again, and what came after it', async () => {
  await leftDraft();
  await (await reopen(disk)).rollBack(new Set(['vae']));
  let draft = await reopen(disk);
  expect([...draft.before.parts.keys()]).toEqual(['unet']);
  expect(draft.before.doneBytes).toBe(344);
  expect(draft.before.streams.has('vae.safetensors')).toBe(false);
  await draft.rollBack(new Set(['unet', 'vae']));
  draft = await reopen(disk);
  expect(draft.before.doneBytes).toBe(0);
  await write(draft);
  await install(draft);
  expect(contents(disk)).toEqual(expected);
});

test('what fails inside a weight, and a weight without its scales, is taken back', async () => {
  for (const fails of ['b.weight', 'b.scales', 'd'] as const) {
    disk = emptyBrowser();
    // Nothing is due before the end, so that all of it is for the last moment.
    const draft = await OpenDraft.create(RECORD, { commitBytes: 1e9 });
    const sink = draft.sink('unet', () => ({ doneBytes: draft.byteLength, streams: {} }));
    const failing = async () => {
      for (const layout of PARTS.unet ?? []) {
        await sink.append(
          layout,
          (function* () {
            const [first, second] = pieces('unet', layout) as [Uint8Array, Uint8Array];
            yield first;
            if (layout.name === fails) {
              yield second.subarray(0, 100);
              throw new Error('The network is gone');
            }
            yield second;
          })(),
        );
      }
    };
    await expect(failing()).rejects.toThrow('The network is gone');
    await draft.commit();
    await draft.close();
    const again = await reopen(disk);
    expect(again.before.doneBytes).toBe({ 'b.weight': 20, 'b.scales': 20, d: 144 }[fails]);
    await write(again);
    await install(again);
    expect(contents(disk)).toEqual(expected);
  }
});

test('a block that is written wrongly once is written again, twice is said', async () => {
  let times = 1;
  disk.corrupt = (name, bytes, at) => {
    if (name === 'weights-001.bin' && at === 0 && bytes.length === 32 && times-- > 0) bytes[3] = (bytes[3] ?? 0) ^ 1;
  };
  const draft = await OpenDraft.create(RECORD, { commitBytes: 1e9 });
  await write(draft);
  await install(draft);
  expect(contents(disk)).toEqual(expected);

  disk = Object.assign(emptyBrowser(), { corrupt: disk.corrupt });
  times = 2;
  const failing = await OpenDraft.create(RECORD, { commitBytes: 1e9 });
  await expect(write(failing)).rejects.toMatchObject({
    name: 'StorageError',
    message: expect.stringContaining(
      'Cannot keep "weights-001.bin": what was written at byte 0 is read back otherwise',
    ),
  });
});

test('a draft that is being written is no interrupted one, and is not deleted', async () => {
  const draft = await OpenDraft.create(RECORD);
  expect(await listDrafts()).toEqual([]);
  await expect(discardDraft(draft.id)).rejects.toMatchObject({ name: 'StorageError' });
  await draft.close();
  expect(await listDrafts()).toMatchObject([{ id: draft.id, name: 'model', from: 'files', totalBytes: 1000 }]);
  await discardDraft(draft.id);
  expect(disk.root.contents().size).toBe(0);
});

test('damaged lists are told apart, and nothing that can be used is swept', async () => {
  await leftDraft();
  reopenedBrowser(disk);
  const put = (path: string, content: string) => disk.root.put(`packs/${path}`, new TextEncoder().encode(content));
  put('old/pack.json', JSON.stringify({ format: 2, summary: { id: 'old', kind: 'maps', name: 'CLIP "B"' } }));
  put('torn/pack.json', '{"format":3,"summary":{"id":"torn","ki');
  put('odd/draft.json', '{"format":1,"name":"odd"}');
  put('empty/draft.json', '');
  put('empty/weights-000.bin', 'xxx');
  await deleteLeftovers();
  expect(await listPacks()).toEqual([]);
  expect(await listDrafts()).toMatchObject([{ name: 'model', doneBytes: 413 }]);
  expect(await listDamaged()).toEqual([
    { id: 'old', name: 'CLIP "B"', reason: expect.stringContaining('another version of this app'), byteLength: 69 },
    { id: 'torn', name: null, reason: expect.stringContaining('Delete it and add the model again'), byteLength: 38 },
    { id: 'odd', name: 'odd', reason: expect.stringContaining('cannot go on'), byteLength: 25 },
  ]);
});
