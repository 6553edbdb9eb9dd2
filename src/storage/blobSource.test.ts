import { expect, test } from 'vitest';
import { blobSource } from './blobSource.ts';

const BYTES = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

/** A blob that tells what was read of it. */
function watchedBlob() {
  const read: [start: number, end: number][] = [];
  const blob = new Blob([BYTES]);
  const slice = blob.slice.bind(blob);
  blob.slice = (start = 0, end = blob.size) => {
    read.push([start, end]);
    return slice(start, end);
  };
  return { blob, read };
}

test('from front to back each byte is read once, some at a time', async () => {
  const { blob, read } = watchedBlob();
  const source = blobSource('model.safetensors', blob, { windowBytes: 100 });
  const pieces: number[] = [];
  for (const [start, end] of [
    [0, 8],
    [8, 50],
    [50, 98],
    [98, 230],
    [230, 240],
    [240, 240],
    [300, 310],
    [310, 1000],
  ] as const) {
    const bytes = await source.read(start, end);
    expect(bytes, `${start}`).toEqual(BYTES.slice(start, end));
    // Memory of its own: what is done to it harms nobody.
    bytes.fill(0);
    pieces.push(bytes.byteLength);
  }
  expect(read).toEqual([
    [0, 100],
    [100, 230],
    [230, 330],
    [330, 1000],
  ]);
});

test('what lies before is read by itself, and the place in front is kept', async () => {
  const { blob, read } = watchedBlob();
  const source = blobSource('model.safetensors', blob, { windowBytes: 100 });
  await source.read(500, 510);
  expect(await source.read(20, 30)).toEqual(BYTES.slice(20, 30));
  expect(await source.read(490, 620)).toEqual(BYTES.slice(490, 620));
  expect(await source.read(510, 520)).toEqual(BYTES.slice(510, 520));
  expect(read).toEqual([
    [500, 600],
    [20, 30],
    [490, 620],
  ]);
});

test('reads that are asked for together come out as if one after another', async () => {
  const source = blobSource('model.safetensors', new Blob([BYTES]), { windowBytes: 16 });
  const asked = Array.from({ length: 100 }, (_, i) => [(i * 37) % 900, ((i * 37) % 900) + (i % 60)] as const);
  const read = await Promise.all(asked.map(([start, end]) => source.read(start, end)));
  expect(read).toEqual(asked.map(([start, end]) => BYTES.slice(start, end)));
});

test('of several files at once only one is kept, and each is read right', async () => {
  const sources = Array.from({ length: 5 }, (_, i) => {
    const blob = new Blob([BYTES.slice(i)]);
    return blobSource(`model-${i}.safetensors`, blob, { windowBytes: 64 });
  });
  for (let at = 0; at < 900; at += 20) {
    for (const [i, source] of sources.entries())
      expect(await source.read(at, at + 20)).toEqual(BYTES.slice(at + i, at + i + 20));
  }
});
