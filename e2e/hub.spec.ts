import type { Page } from '@playwright/test';
import type { ResolvedFile } from '../src/hub/publishedFile.ts';
import { fileOfBytes, sha256Of } from './hub/hubFiles.ts';
import { expect, test } from './hub/hubFixture.ts';
import type { HubTests } from './hub/page.ts';
import { syntheticFile } from './hub/syntheticFile.ts';

const REPOSITORY = 'someone/model';
const TOKEN = 'hf_secret';
/** Some megabytes more than a hash may be behind. */
const WEIGHTS = syntheticFile(new Map([['weight', [12_345_678]]]), { dtype: 'F16' });
const CONFIG = fileOfBytes(new TextEncoder().encode('{}'), { isLarge: false });

test.use({
  published: {
    repositories: { [REPOSITORY]: { 'config.json': CONFIG, 'unet/model.safetensors': WEIGHTS } },
    gated: { [REPOSITORY]: TOKEN },
    hasForeignCdn: true,
  },
});

/** Calls a function of `hub/page.ts` in the page. */
function call<Name extends keyof HubTests>(
  page: Page,
  name: Name,
  ...args: Parameters<HubTests[Name]>
): Promise<Awaited<ReturnType<HubTests[Name]>>> {
  return page.evaluate(
    ([name, args]) => {
      const { hubTests } = globalThis as unknown as { hubTests: Record<string, (...args: unknown[]) => unknown> };
      return hubTests[name as string]?.(...(args as unknown[]));
    },
    [name, args] as const,
  ) as Promise<Awaited<ReturnType<HubTests[Name]>>>;
}

test('a page reads gated files of another origin, and the token stays there', async ({ hub, openTestPage }) => {
  const page = await openTestPage('hub.html');
  const access = { endpoint: hub.endpoint, token: TOKEN };
  const files = await call(page, 'resolve', hub.publishedFiles(REPOSITORY), access);
  const sha256 = sha256Of(WEIGHTS);
  const revision = hub.commitOf(REPOSITORY);
  expect(files).toMatchObject([
    { revision, bytes: 2, sha256: null },
    { revision, bytes: WEIGHTS.size, sha256 },
  ]);
  const [config, weights] = files as [ResolvedFile, ResolvedFile];

  await call(page, 'read', config, { token: TOKEN });
  const worker = page.waitForEvent('worker');
  const read = await call(page, 'read', weights, { token: TOKEN });
  expect((await worker).url()).toContain('hash.worker');
  expect(read.sha256).toBe(sha256);
  expect(read.state.position).toBe(WEIGHTS.size);
  console.log(`${Math.round(WEIGHTS.size / 2 ** 20)} MiB read and hashed in ${Math.round(read.milliseconds)} ms`);

  const delivered = hub.requests.filter(({ path }) => path.startsWith('/cdn/'));
  // Nothing is asked beforehand: the hub's delivery network would not answer.
  expect(delivered.map(({ method, host, range }) => [method, host.split(':')[0], range])).toEqual([
    ['GET', '127.0.0.1', 'bytes=0-'],
  ]);
  expect(delivered[0]?.authorization).toBeNull();
  const asked = hub.requests.filter(({ method, path }) => method === 'GET' && !path.startsWith('/cdn/'));
  expect(new Set(asked.map(({ authorization }) => authorization))).toEqual(new Set([`Bearer ${TOKEN}`]));
});

test('a broken stream goes on in another session, and its hash with it', async ({ hub, openTestPage }) => {
  const page = await openTestPage('hub.html');
  const access = { endpoint: hub.endpoint, token: TOKEN };
  const [, weights] = (await call(page, 'resolve', hub.publishedFiles(REPOSITORY), access)) as [unknown, ResolvedFile];
  hub.misbehave({ path: '/cdn/', dropAt: 3_000_000, times: 1 });
  const read = await call(page, 'read', weights, { token: TOKEN, breakAt: 12_000_000 });
  expect(read.sha256).toBe(sha256Of(WEIGHTS));
  const ranges = hub.requests.filter(({ path }) => path.startsWith('/cdn/')).map(({ range }) => range);
  // Browsers drop what had arrived but not been read when a connection breaks.
  expect(ranges[1]).toMatch(/^bytes=[1-9]\d*-$/);
  expect(ranges).toHaveLength(3);
  const closed = await call(page, 'closeWhileReading', weights, TOKEN);
  expect(closed.error).toBe('AbortError');
  expect(closed.position).toBeGreaterThan(0);
  expect(closed.position).toBeLessThan(WEIGHTS.size);
});

test('a flipped byte is found', async ({ hub, openTestPage }) => {
  const page = await openTestPage('hub.html');
  const access = { endpoint: hub.endpoint, token: TOKEN };
  const [, weights] = (await call(page, 'resolve', hub.publishedFiles(REPOSITORY), access)) as [unknown, ResolvedFile];
  hub.misbehave({ path: '/cdn/', flipByteAt: WEIGHTS.size - 1 });
  await expect(call(page, 'read', weights, { token: TOKEN })).rejects.toThrow(/differs from what was published/);
});
