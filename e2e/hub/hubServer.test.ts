import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSafetensors } from '../../src/checkpoint/safetensors.ts';
import type { ResolvedFile } from '../../src/hub/publishedFile.ts';
import { RemoteFile } from '../../src/hub/remoteFile.ts';
import { resolveFiles } from '../../src/hub/resolveFiles.ts';
import { fileOfBytes } from './hubFiles.ts';
import { HubServer } from './hubServer.ts';
import { syntheticFile } from './syntheticFile.ts';

const GIB = 2 ** 30;
/** Twelve GiB, of which little is read. */
const LARGE = syntheticFile(
  new Map([
    ['first', [3 * GIB]],
    ['second', [5, 7]],
    ['third', [3 * GIB]],
  ]),
  { dtype: 'F16', publishesHash: false },
);
const SMALL = syntheticFile(new Map([['only', [1000, 3]]]), { dtype: 'F32' });
const TEXT = new TextEncoder().encode('{}');

let hub: HubServer;
beforeAll(async () => {
  hub = await HubServer.start({
    repositories: {
      'some/model': { 'small.safetensors': SMALL, 'config.json': fileOfBytes(TEXT, { isLarge: false }) },
      'some/giant': { 'large.safetensors': LARGE },
    },
  });
});
afterAll(() => hub.close());

test('a file of any size is served from nothing', async () => {
  const access = { endpoint: hub.endpoint, token: null };
  const [resolved] = await resolveFiles(hub.publishedFiles('some/giant'), access);
  expect(resolved).toMatchObject({ bytes: LARGE.size, sha256: null });
  const file = new RemoteFile(resolved as ResolvedFile);
  const { tensors } = await openSafetensors(file);
  expect([...tensors.keys()]).toEqual(['first', 'second', 'third']);
  const bytes = (await tensors.get('second')?.read()) as Uint8Array;
  expect(bytes.byteLength).toBe(70);
  expect(bytes).toEqual(LARGE.read(LARGE.size - 6 * GIB - 70, LARGE.size - 6 * GIB));
  file.close();
});

test('what is published is what is served', async () => {
  const files = await resolveFiles(hub.publishedFiles('some/model'), { endpoint: hub.endpoint, token: null });
  expect(files.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 }))).toEqual([
    {
      path: 'small.safetensors',
      bytes: SMALL.size,
      sha256: createHash('sha256').update(SMALL.read(0, SMALL.size)).digest('hex'),
    },
    { path: 'config.json', bytes: 2, sha256: null },
  ]);
});

test('slow answers take their time, and arrive whole', async () => {
  hub.misbehave({ path: '/cdn/', bytesPerSecond: 100_000, times: 1 });
  const start = performance.now();
  const response = await fetch(`${hub.endpoint}/some/model/resolve/main/small.safetensors`);
  expect(new Uint8Array(await response.arrayBuffer())).toEqual(SMALL.read(0, SMALL.size));
  expect(performance.now() - start).toBeGreaterThan((1000 * SMALL.size) / 100_000 / 2);
});

test('what strikes resumed answers alone leaves the first one whole, and is told of', async () => {
  hub.reset();
  hub.misbehave({ path: 'small.safetensors', onlyResuming: true, status: 403 });
  const url = `${hub.endpoint}/some/model/resolve/main/small.safetensors`;
  const ask = (range: string) => fetch(url, { headers: { Range: range } });
  const whole = await ask('bytes=0-');
  expect((await whole.arrayBuffer()).byteLength).toBe(SMALL.size);
  expect(hub.sentTo.get('small.safetensors')).toBe(SMALL.size);
  expect((await ask('bytes=10-')).status).toBe(403);
  hub.reset();
  expect((await ask('bytes=10-')).status).toBe(206);
});
