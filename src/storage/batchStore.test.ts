import { beforeEach, describe, expect, test } from 'vitest';
import { BATCH_FORMAT, type BatchRecord, entryName, type RecordDefaults } from '../batch/batchRecord.ts';
import {
  analyseTask,
  doneAt,
  failedWith,
  imagesOf,
  refineTask,
  sampleAnalysisSettings,
  sampleRefineSettings,
} from '../batch/sampleBatch.ts';
import { type BatchStore, createBatchStore } from './batchStore.ts';
import { MemoryDisk } from './memoryDirectory.ts';
import { MemoryLocks } from './memoryLocks.ts';

const defaults: RecordDefaults = {
  analysis: sampleAnalysisSettings,
  strategies: ['gRefine'],
  refineSettings: () => sampleRefineSettings,
};
const record: BatchRecord = {
  format: BATCH_FORMAT,
  name: 'dogs',
  createdAt: 5,
  images: imagesOf('a.png', 'b.png', 'c.png'),
  tasks: [analyseTask, refineTask],
  otherwisePrompt: 'a dog',
};

let disk: MemoryDisk;
let store: BatchStore;

beforeEach(() => {
  disk = new MemoryDisk();
  store = createBatchStore(async () => disk.root.handle, new MemoryLocks());
});

const write = (path: string, text: string) => disk.root.put(path, new TextEncoder().encode(text));

test('a batch comes back as it was left, newest first in the list', async () => {
  const old = await store.create({ ...record, name: 'cats', createdAt: 1 });
  const id = await store.create(record);
  await store.writeOutcome(id, entryName(2, analyseTask), doneAt(9));
  await store.writeOutcome(id, entryName(0, refineTask), failedWith('ImageError'));
  await store.writeOutcome(id, entryName(1, refineTask), { state: 'skipped' });
  await store.writeOutcome(id, entryName(1, refineTask), null);
  expect(await store.open(id, defaults)).toEqual({
    record,
    outcomes: [null, null, doneAt(9), failedWith('ImageError'), null, null],
  });
  expect(await store.list(defaults)).toEqual([
    { id, name: 'dogs', createdAt: 5, imageCount: 3, reason: null },
    { id: old, name: 'cats', createdAt: 1, imageCount: 3, reason: null },
  ]);
});

test('another task is added to what there is', async () => {
  const id = await store.create({ ...record, tasks: [analyseTask] });
  await store.writeOutcome(id, entryName(1, analyseTask), doneAt(9));
  await store.writeRecord(id, record);
  expect((await store.open(id, defaults)).outcomes).toEqual([null, doneAt(9), null, null, null, null]);
});

test('pictures are kept, replaced and counted, and go with their batch', async () => {
  const id = await store.create(record);
  await store.writeFile(id, 'x.jpg', new Blob(['one']));
  await store.writeFile(id, 'x.jpg', new Blob(['other']));
  expect(await (await store.file(id, 'x.jpg'))?.text()).toBe('other');
  expect(await store.file(id, 'y.jpg')).toBeNull();
  expect(await store.byteLength(id)).toBe(JSON.stringify(record).length + 5);
  await store.remove(id);
  await store.remove(id);
  expect(await store.list(defaults)).toEqual([]);
  expect(await store.file(id, 'x.jpg')).toBeNull();
  expect(disk.used).toBe(0);
});

test('a picture that is shown stays as it was when another takes its place', async () => {
  const id = await store.create(record);
  await store.writeFile(id, 'x.jpg', new Blob(['one']));
  const shown = await store.file(id, 'x.jpg');
  await store.writeFile(id, 'x.jpg', new Blob(['other']));
  expect(await shown?.text()).toBe('one');
  expect(shown?.name).toBe('x.jpg');
});

test('a picture that is replaced while it is read is the new one', async () => {
  const id = await store.create(record);
  await store.writeFile(id, 'x.jpg', new Blob(['one']));
  const read = store.file(id, 'x.jpg');
  disk.onRead = () => {
    disk.onRead = null;
    return store.writeFile(id, 'x.jpg', new Blob(['other']));
  };
  expect(await (await read)?.text()).toBe('other');
  disk.onRead = () => store.writeFile(id, 'x.jpg', new Blob(['and again']));
  expect(await store.file(id, 'x.jpg')).toBeNull();
});

test('a batch is one tab’s at a time', async () => {
  const release = await store.own('a');
  expect(await store.own('a')).toBeNull();
  expect(await store.own('b')).not.toBeNull();
  await release?.();
  expect(await store.own('a')).not.toBeNull();
});

describe('what is damaged costs nothing else', () => {
  test('an outcome that is cut off is a failure that says what to do; its file and the others stay', async () => {
    const id = await store.create(record);
    await store.writeOutcome(id, entryName(0, analyseTask), doneAt(9));
    write(`batches/${id}/entries/0001-analyse.json`, '{"format":1,"sta');
    write(`batches/${id}/entries/stray.json`, 'x');
    const { outcomes } = await store.open(id, defaults);
    expect(outcomes[0]).toEqual(doneAt(9));
    expect(outcomes[1]).toEqual({
      state: 'failed',
      problem: {
        name: 'StorageError',
        message:
          'The stored result “0001-analyse.json” cannot be used: it is no JSON, or was cut off. Retry, and it is made again.',
      },
      finishedAt: 0,
    });
    expect(disk.root.contents().has(`batches/${id}/entries/0001-analyse.json`)).toBe(true);
  });

  test.each([
    ['cut off', '{"format":1,"name"', 'it is no JSON, or was cut off'],
    ['of a later version', '{"format":9}', 'it has format 9'],
    ['empty', '', 'it is not there, or was never written to its end'],
  ])('a list that is %s is shown with the reason, not opened and not deleted', async (_, text, reason) => {
    const good = await store.create(record);
    const id = await store.create(record);
    await store.writeFile(id, 'x.jpg', new Blob(['one']));
    write(`batches/${id}/batch.json`, text);
    const kept = await store.list(defaults);
    expect(kept.find((batch) => batch.id === id)).toMatchObject({
      name: null,
      reason: expect.stringContaining(reason),
    });
    expect(kept.find((batch) => batch.id === good)?.reason).toBeNull();
    await expect(store.open(id, defaults)).rejects.toMatchObject({
      name: 'StorageError',
      message: expect.stringContaining(reason),
    });
    expect(await (await store.file(id, 'x.jpg'))?.text()).toBe('one');
  });

  test('a full disk is said, and leaves the file as it was', async () => {
    const id = await store.create(record);
    await store.writeOutcome(id, 'a', { state: 'skipped' });
    disk.quota = disk.used;
    const full = { name: 'StorageError', message: expect.stringContaining('storage is full') };
    await expect(store.writeOutcome(id, 'a', doneAt(1))).rejects.toMatchObject(full);
    await expect(store.create(record)).rejects.toMatchObject(full);
    expect((await store.list(defaults)).length).toBe(1);
  });

  test('a window without storage is told', async () => {
    const none = createBatchStore(async () => {
      throw new DOMException('no', 'SecurityError');
    }, null);
    await expect(none.list(defaults)).rejects.toMatchObject({ name: 'StorageError' });
  });
});
