import { expect, test } from 'vitest';
import { LiveBlob } from './liveBlob.ts';

const bytes = (...values: number[]) => new Uint8Array(values);

test('parts of parts are read as the file then is, however they are read', async () => {
  let file = bytes(0, 1, 2, 3, 4, 5, 6, 7);
  const blob = new LiveBlob(async () => new Blob([file]), { start: 0, end: 8 });
  const part = blob.slice(2).slice(1, 4);
  expect([blob.size, part.size, part.slice(2, 100).size, part.slice(5).size]).toEqual([8, 3, 1, 0]);
  expect(new Uint8Array(await part.arrayBuffer())).toEqual(bytes(3, 4, 5));

  file = file.map((byte) => byte + 10);
  expect(new Uint8Array(await part.arrayBuffer())).toEqual(bytes(13, 14, 15));
  expect(new Uint8Array(await new Response(part.stream()).arrayBuffer())).toEqual(bytes(13, 14, 15));
  expect(await part.slice(0, 1).text()).toBe('\r');
});

test('a file that is gone is said where it is read', async () => {
  const gone = new LiveBlob(() => Promise.reject(new Error('It is gone')), { start: 0, end: 8 });
  await expect(gone.slice(1).arrayBuffer()).rejects.toThrow('It is gone');
  await expect(new Response(gone.stream()).arrayBuffer()).rejects.toThrow();
});
