import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MemoryDisk } from './memoryDirectory.ts';
import { ShardWriter, type WrittenShard } from './shardWriter.ts';

const SIZES = { limit: 200, blockBytes: 32 };
const WORKER = '../../workers/shards.worker.ts';

/** The real worker's script in this thread, behind messages that are copied and transferred as between threads. */
class ScriptedWorker extends EventTarget {
  #ask: (event: MessageEvent) => void = () => {};
  readonly #started: Promise<void>;

  constructor() {
    super();
    this.#started = this.#start();
  }

  async #start(): Promise<void> {
    vi.stubGlobal('addEventListener', (_: string, ask: (event: MessageEvent) => void) => {
      this.#ask = ask;
    });
    vi.stubGlobal('postMessage', (message: unknown, options: StructuredSerializeOptions) => {
      const data = structuredClone(message, options);
      queueMicrotask(() => this.dispatchEvent(new MessageEvent('message', { data })));
    });
    vi.resetModules();
    await import(WORKER);
  }

  postMessage(message: object, transfer: Transferable[]): void {
    // A folder can be sent to a worker, but not the one in memory.
    const data = 'folder' in message ? message : structuredClone(message, { transfer });
    void this.#started.then(() => this.#ask(new MessageEvent('message', { data })));
  }

  terminate(): void {}
}

let disk: MemoryDisk;
beforeEach(() => {
  disk = new MemoryDisk();
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const bytesOf = (name: string, byteLength: number) => {
  const bytes = new Uint8Array(byteLength);
  for (let i = 0; i < byteLength; i++) bytes[i] = createHash('md5').update(`${name} ${i}`).digest()[0] as number;
  return bytes;
};

/** Appends a weight in pieces that fit no block. */
function append(writer: ShardWriter, name: string, byteLength: number, failAt = Number.POSITIVE_INFINITY) {
  const bytes = bytesOf(name, byteLength);
  function* pieces() {
    for (let at = 0; at < byteLength; at += 13) {
      if (at >= failAt) throw new Error('The network is gone');
      yield bytes.subarray(at, at + 13);
    }
  }
  return writer.append({ name, type: 'uint8', dims: [byteLength], byteLength }, pieces());
}

/** Appends weights until that fails. */
async function appendAll(writer: ShardWriter): Promise<void> {
  for (let i = 0; i < 100; i++) await append(writer, `${i}`, 40);
}

/** What a shard should be described as when it has these bytes. */
function describeShard(name: string, bytes: Uint8Array): WrittenShard {
  const blocks = Array.from({ length: Math.ceil(bytes.byteLength / 32) }, (_, i) =>
    bytes.subarray(32 * i, 32 * i + 32),
  );
  const sha256 = blocks.map((block) => createHash('sha256').update(block).digest('hex'));
  return { name, byteLength: bytes.byteLength, sha256 };
}

const contentOf = (name: string) => disk.root.contents().get(name) ?? new Uint8Array(0);

describe.each(['the same thread', 'a thread of its own'])('writing in %s', (where) => {
  let writer: ShardWriter;
  beforeEach(async () => {
    vi.stubGlobal('Worker', where === 'the same thread' ? undefined : ScriptedWorker);
    writer = await ShardWriter.open(disk.root.handle, SIZES);
  });
  afterEach(() => writer.close());

  test('weights fill shards one after another, and a later visit goes on behind them', async () => {
    expect(await append(writer, 'a', 100)).toEqual({ shard: 'weights-000.bin', offset: 0 });
    expect(await append(writer, 'b', 90)).toEqual({ shard: 'weights-000.bin', offset: 100 });
    expect(await append(writer, 'c', 250)).toEqual({ shard: 'weights-001.bin', offset: 0 });
    expect(await append(writer, 'd', 50)).toEqual({ shard: 'weights-002.bin', offset: 0 });
    const written = await writer.flush();
    // What comes after the last flush is cut off.
    await append(writer, 'lost', 70);
    await writer.close();
    await writer.close();

    writer = await ShardWriter.open(disk.root.handle, { ...SIZES, written });
    expect(writer.byteLength).toBe(490);
    expect(await append(writer, 'e', 60)).toEqual({ shard: 'weights-002.bin', offset: 50 });
    const shards = await writer.finish();
    const expected = [
      Buffer.concat([bytesOf('a', 100), bytesOf('b', 90)]),
      bytesOf('c', 250),
      Buffer.concat([bytesOf('d', 50), bytesOf('e', 60)]),
    ];
    for (const [i, bytes] of expected.entries()) {
      const name = `weights-00${i}.bin`;
      expect(Buffer.from(contentOf(name)).equals(bytes), name).toBe(true);
      expect(shards[i]).toEqual(describeShard(name, bytes));
    }
  });

  test('flushing tells of what was there when it was asked, whatever is appended meanwhile', async () => {
    await append(writer, 'a', 75);
    let flushed = 0;
    disk.onFlush = (_, byteLength) => {
      flushed = byteLength;
    };
    const first = writer.flush();
    await append(writer, 'b', 80);
    const second = writer.flush();
    expect(await first).toEqual([describeShard('weights-000.bin', bytesOf('a', 75))]);
    expect(await second).toEqual([
      describeShard('weights-000.bin', Buffer.concat([bytesOf('a', 75), bytesOf('b', 80)])),
    ]);
    expect(flushed).toBe(155);
  });

  test('a weight that fails in the middle leaves nothing, also of blocks that are written', async () => {
    await append(writer, 'a', 50);
    await expect(append(writer, 'b', 120, 100)).rejects.toThrow('The network is gone');
    expect(writer.byteLength).toBe(50);
    expect(await writer.flush()).toEqual([describeShard('weights-000.bin', bytesOf('a', 50))]);
    await append(writer, 'c', 40);
    const expected = Buffer.concat([bytesOf('a', 50), bytesOf('c', 40)]);
    expect(await writer.finish()).toEqual([describeShard('weights-000.bin', expected)]);
    expect(Buffer.from(contentOf('weights-000.bin').subarray(0, 90)).equals(expected)).toBe(true);
  });

  test('no more than a few blocks wait for the disk', async () => {
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const { getFileHandle } = disk.root;
    disk.root.getFileHandle = async (...args) => {
      await opened;
      return getFileHandle.apply(disk.root, args);
    };
    let ended = false;
    const appended = append(writer, 'a', 320).then(() => {
      ended = true;
    });
    await pause(50);
    expect(ended).toBe(false);
    expect(writer.byteLength).toBe(5 * 32);
    open();
    await appended;
    expect(await writer.finish()).toEqual([describeShard('weights-000.bin', bytesOf('a', 320))]);
  });

  test.each<[string, () => void, RegExp]>([
    ['a full disk', () => (disk.quota = 100), /^Cannot write "weights-000.bin": the browser's storage is full/],
    [
      'a disk that does not keep what is written',
      () => {
        disk.corrupt = (_, bytes, at) => at === 64 && bytes.fill(7);
      },
      /^Cannot keep "weights-000.bin": what was written at byte 64 is read back otherwise, twice/,
    ],
    [
      'a file that is held by another',
      () => {
        disk.root.getFileHandle = async (name) => {
          throw new DOMException(`"${name}" is open`, 'NoModificationAllowedError');
        };
      },
      /^Cannot write "weights-000.bin": "weights-000.bin" is open\. Try again/,
    ],
  ])('%s is told by a later weight, and by whatever is asked after it', async (_, fail, message) => {
    fail();
    const told = { name: 'StorageError', message: expect.stringMatching(message) };
    await expect(appendAll(writer)).rejects.toMatchObject(told);
    await expect(writer.flush()).rejects.toMatchObject(told);
    await expect(appendAll(writer)).rejects.toMatchObject(told);
    await expect(writer.finish()).rejects.toMatchObject(told);
    await writer.close();
    // The file is free for the next visit, which finds nothing that counts.
    disk.quota = 1e9;
    disk.corrupt = null;
    Reflect.deleteProperty(disk.root, 'getFileHandle');
    writer = await ShardWriter.open(disk.root.handle, SIZES);
    await append(writer, 'a', 100);
    expect(await writer.finish()).toEqual([describeShard('weights-000.bin', bytesOf('a', 100))]);
  });

  test('what fails behind the last weight is told by flushing', async () => {
    await append(writer, 'a', 40);
    disk.quota = disk.used;
    await expect(writer.flush()).rejects.toMatchObject({ name: 'StorageError' });
  });
});

test('a thread that dies is told to all who wait, and is no obstacle to closing', async () => {
  const started: DyingWorker[] = [];
  class DyingWorker extends EventTarget {
    constructor() {
      super();
      started.push(this);
    }
    postMessage(): void {}
    terminate(): void {}
  }
  vi.stubGlobal('Worker', DyingWorker);
  const writer = await ShardWriter.open(disk.root.handle, SIZES);
  const told = { name: 'StorageError', message: expect.stringContaining('the thread for it stopped (out of memory)') };
  const flushed = expect(writer.flush()).rejects.toMatchObject(told);
  started[0]?.dispatchEvent(Object.assign(new Event('error'), { message: 'out of memory' }));
  await flushed;
  await expect(appendAll(writer)).rejects.toMatchObject(told);
  await writer.close();
});
