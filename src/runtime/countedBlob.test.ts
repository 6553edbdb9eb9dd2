import { expect, test } from 'vitest';
import { CountedBlob } from './countedBlob.ts';

function counted() {
  let count = 0;
  const blob = new CountedBlob(new Blob([Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7)]), (bytes) => {
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
