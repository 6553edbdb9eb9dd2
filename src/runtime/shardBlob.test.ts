import { expect, test } from 'vitest';
import { BLOCK, ShardBlob } from './shardBlob.ts';

function counted() {
  let count = 0;
  const blob = new ShardBlob(new Blob([Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7)]), (bytes) => {
    count += bytes;
  });
  return { blob, count: () => count };
}

test('slices read as streams give the bytes and count them', async () => {
  const { blob, count } = counted();
  expect(blob.size).toBe(8);
  expect([...new Uint8Array(await new Response(blob.slice(2, 5).stream()).arrayBuffer())]).toEqual([2, 3, 4]);
  expect(count()).toBe(3);
  expect(blob.slice(2, 7).slice(1, 2).size).toBe(1);
  expect(count()).toBe(3);
});

test('what is read whole counts too', async () => {
  const { blob, count } = counted();
  expect(new Uint8Array(await blob.slice(6).arrayBuffer())).toEqual(Uint8Array.of(6, 7));
  expect(count()).toBe(2);
});

/** A file that remembers what was read of it. */
class WatchedFile extends Blob {
  readonly reads: [number, number][] = [];
  override slice(start = 0, end = this.size): Blob {
    this.reads.push([start, Math.min(end, this.size)]);
    return super.slice(start, end);
  }
}

const bytesOf = async (blob: Blob) => new Uint8Array(await new Response(blob.stream()).arrayBuffer());

test('small slices share reads, large ones and those across blocks are right, too', async () => {
  const bytes = Uint8Array.from({ length: 2.5 * BLOCK }, (_, i) => (i * 7 + (i >> 12)) & 255);
  const file = new WatchedFile([bytes]);
  let count = 0;
  const blob = new ShardBlob(file, (more) => {
    count += more;
  });
  for (const [start, end] of [
    [10, 20],
    [1000, 70_000],
    [BLOCK - 5, BLOCK + 7],
    [500, 500],
    [20, 2 * BLOCK + 30],
    [2.5 * BLOCK - 9, 2.5 * BLOCK],
  ] as const) {
    expect(Buffer.compare(await bytesOf(blob.slice(start, end)), bytes.subarray(start, end))).toBe(0);
  }
  expect(file.reads).toEqual([
    [0, BLOCK],
    [BLOCK, 2 * BLOCK],
    [20, 2 * BLOCK + 30],
    [2 * BLOCK, 2.5 * BLOCK],
  ]);
  expect(count).toBe(10 + 69_000 + 12 + 2 * BLOCK + 10 + 9);
});

test('only the blocks used last are kept', async () => {
  const file = new WatchedFile([new Uint8Array(10 * BLOCK)]);
  const blob = new ShardBlob(file, () => {});
  for (const block of [0, 1, 2, 3, 4, 5, 6, 7, 0, 8, 0, 1]) await bytesOf(blob.slice(block * BLOCK, block * BLOCK + 8));
  expect(file.reads.map(([start]) => start / BLOCK)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 1]);
});
