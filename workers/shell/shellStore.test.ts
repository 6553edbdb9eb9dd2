import { createHash } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { type ShellFile, ShellStore } from './shellStore.ts';

const SCOPE = 'https://host.example/app/';
const HEADERS = { 'content-security-policy': 'strict', 'cross-origin-opener-policy': 'same-origin' };

/** What the server has, by path; a value may be a text or a whole answer. */
let served: Record<string, string | (() => Response)>;
let asked: string[];
let cache: FakeCache;

class FakeCache {
  readonly entries = new Map<string, Response>();
  async match(key: string) {
    return this.entries.get(key)?.clone();
  }
  async put(key: string, response: Response) {
    this.entries.set(key, new Response(await response.arrayBuffer(), { headers: response.headers }));
  }
  async delete(key: string) {
    return this.entries.delete(key);
  }
  async keys() {
    return [...this.entries.keys()].map((url) => ({ url }));
  }
}

const hash = (text: string) => `sha256-${createHash('sha256').update(text).digest('base64')}`;
const listed = (...paths: string[]): ShellFile[] =>
  paths.map((path) => ({ path, integrity: path === 'hub.json' ? null : hash(served[path] as string) }));

/** Answers as a browser would: integrity is checked before anybody sees the answer. */
async function fakeFetch(request: Request): Promise<Response> {
  const path = request.url.slice(SCOPE.length) || 'index.html';
  asked.push(`${path} ${request.cache}`);
  const content = served[path];
  if (content === undefined) return new Response('none', { status: 404 });
  if (typeof content === 'function') return content();
  if (request.integrity && request.integrity !== hash(content)) throw new TypeError('Failed to fetch');
  return new Response(content, { headers: { 'content-type': 'text/x', 'x-other': 'not kept' } });
}

const store = () =>
  new ShellStore({
    scope: SCOPE,
    headers: HEADERS,
    caches: { open: async () => cache as unknown as Cache, delete: async () => true },
    fetch: fakeFetch,
  });
const answer = (from: ShellStore, path: string) => from.answer(new Request(`${SCOPE}${path}`), path);
const text = async (from: ShellStore, path: string) => (await answer(from, path)).text();

beforeEach(() => {
  cache = new FakeCache();
  asked = [];
  served = { 'index.html': 'page 1', 'assets/a.js': 'code 1', 'assets/b.wasm': 'wasm', 'hub.json': '{}' };
});

test('a build is served from the cache once it is whole, with the strict headers where the host sends none', async () => {
  const shell = store();
  await shell.fetchBuild(listed('index.html', 'assets/a.js', 'assets/b.wasm', 'hub.json'));
  expect(asked).toContain('assets/a.js default');
  expect(asked).toContain('hub.json no-cache');
  await shell.serveFetched();
  asked = [];
  const response = await answer(shell, 'assets/b.wasm');
  expect(await response.text()).toBe('wasm');
  expect(Object.fromEntries(response.headers)).toEqual({ 'content-type': 'text/x', ...HEADERS });
  expect(await text(shell, 'hub.json')).toBe('{}');
  // Another worker's life, the same cache.
  expect(await text(store(), 'index.html')).toBe('page 1');
  expect(asked).toEqual([]);
});

test('a new build is fetched beside the old one, only what is new, and replaces it as a whole', async () => {
  const old = store();
  await old.fetchBuild(listed('index.html', 'assets/a.js', 'assets/b.wasm'));
  await old.serveFetched();
  served = { 'index.html': 'page 2', 'assets/a2.js': 'code 2', 'assets/b.wasm': 'wasm' };
  asked = [];
  const fresh = store();
  await fresh.fetchBuild(listed('index.html', 'assets/a2.js', 'assets/b.wasm'));
  expect(asked.some((path) => path.startsWith('assets/b.wasm'))).toBe(false);
  expect([await text(old, 'index.html'), await text(old, 'assets/a.js')]).toEqual(['page 1', 'code 1']);
  await fresh.serveFetched();
  expect([await text(fresh, 'index.html'), await text(fresh, 'assets/a2.js')]).toEqual(['page 2', 'code 2']);
  expect([...cache.entries.keys()].filter((key) => key.endsWith('assets/a.js'))).toEqual([]);
});

test.each([
  ['was changed while it was fetched', 'code of another build', /Failed to fetch/],
  ['is missing', () => new Response('', { status: 404 }), /"assets\/a.js".*answers 404/],
])('a build of which a file %s is not served', async (_, content, reason) => {
  const files = listed('index.html', 'assets/b.wasm', 'assets/a.js');
  served['assets/a.js'] = content;
  const shell = store();
  await expect(shell.fetchBuild(files)).rejects.toThrow(reason);
  await shell.serveFetched();
  asked = [];
  await text(shell, 'index.html');
  expect(asked).toHaveLength(1);
  // The next try goes on where this one failed.
  served['assets/a.js'] = 'code 1';
  asked = [];
  await shell.fetchBuild(files);
  expect(asked.some((path) => path.startsWith('assets/b.wasm'))).toBe(false);
});

test('another policy of the host holds for all files, and none is fetched again for it', async () => {
  const files = listed('index.html', 'assets/a.js');
  const first = store();
  await first.fetchBuild(files);
  await first.serveFetched();
  served['index.html'] = () => new Response('page 1', { headers: { 'Content-Security-Policy': 'stricter' } });
  asked = [];
  const second = store();
  await second.fetchBuild(files);
  await second.serveFetched();
  expect(asked).toEqual(['index.html no-cache']);
  const { headers } = await answer(second, 'assets/a.js');
  expect(headers.get('content-security-policy')).toBe('stricter');
  expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
});

test('what the browser has thrown away comes from the network', async () => {
  const shell = store();
  await shell.fetchBuild(listed('index.html', 'assets/a.js'));
  await shell.serveFetched();
  cache.entries.clear();
  asked = [];
  expect(await text(shell, 'assets/a.js')).toBe('code 1');
  expect(asked).toHaveLength(1);
});
