import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { byteRange, contentSecurityPolicy, filePath, freePort, serve } from './serve.mjs';

const outer = mkdtempSync(join(tmpdir(), 'g-refine-serve-'));
const root = mkdtempSync(join(outer, 'dist-'));
let server: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  writeFileSync(join(outer, 'secret.txt'), 'secret');
  writeFileSync(join(root, 'index.html'), '<p>hello');
  writeFileSync(join(root, 'data.wasm'), '0123456789');
  server = await serve({ root, port: 0 });
});
afterAll(() => server.close());

test('sends isolation headers, the policy and the type', async () => {
  const response = await fetch(server.address);
  expect(await response.text()).toBe('<p>hello');
  expect(response.headers.get('cross-origin-opener-policy')).toBe('same-origin');
  expect(response.headers.get('cross-origin-embedder-policy')).toBe('require-corp');
  expect(response.headers.get('content-security-policy')).toBe(contentSecurityPolicy());
  expect(response.headers.get('content-type')).toContain('text/html');
});

test('sends ranges', async () => {
  const response = await fetch(`${server.address}data.wasm`, { headers: { Range: 'bytes=2-4' } });
  expect(response.status).toBe(206);
  expect(response.headers.get('content-range')).toBe('bytes 2-4/10');
  expect(await response.text()).toBe('234');
  const beyond = await fetch(`${server.address}data.wasm`, { headers: { Range: 'bytes=10-' } });
  expect(beyond.status).toBe(416);
});

test('sends nothing from outside its folder', async () => {
  // fetch would clean the path before sending it.
  const status = await new Promise((done) => {
    request({ port: server.port, host: 'localhost', path: '/..%2fsecret.txt' }, (r) => done(r.statusCode)).end();
  });
  expect(status).toBe(404);
  expect(filePath('/srv/dist', '/../secret.txt')).toBe('/srv/dist/secret.txt');
  expect(filePath('/srv/dist', '/..%2fsecret.txt')).toBe('/srv/dist/secret.txt');
  expect(filePath('/srv/dist', '/%00')).toBeNull();
  expect(filePath('/srv/dist', '/%E0%A4%A')).toBeNull();
});

test('a busy port is followed by the next', async () => {
  const second = await serve({ root, port: server.port });
  expect(second.port).toBeGreaterThan(server.port);
  await second.close();
});

test('finds ports in a row that are free', async () => {
  expect(await freePort(1, server.port)).toBeGreaterThan(server.port);
  expect(await freePort(2, server.port - 1)).toBeGreaterThan(server.port);
});

test('only what carries a hash in its name is kept by the browser', async () => {
  const inner = join(root, 'assets');
  mkdirSync(inner);
  writeFileSync(join(inner, 'index-abc.js'), '');
  const kept = async (address: string) => (await fetch(address)).headers.get('cache-control');
  expect(await kept(`${server.address}assets/index-abc.js`)).toMatch(/immutable/);
  expect(await kept(`${server.address}data.wasm`)).toBe('no-cache');
  // Where the whole app lies in a folder of that name, too.
  const other = await serve({ root: inner, port: 0 });
  expect(await kept(`${other.address}index-abc.js`)).toBe('no-cache');
  await other.close();
});

test('reads ranges', () => {
  expect(byteRange('bytes=0-', 10)).toEqual({ start: 0, end: 9 });
  expect(byteRange('bytes=-3', 10)).toEqual({ start: 7, end: 9 });
  expect(byteRange('bytes=5-99', 10)).toEqual({ start: 5, end: 9 });
  expect(byteRange('bytes=5-3', 10)).toBe('unsatisfiable');
  expect(byteRange('bytes=0-1,3-4', 10)).toBeNull();
  expect(byteRange(undefined, 10)).toBeNull();
});

test('another hub is in the policy, in the list for the page, and makes pages that are kept fetch everything anew', async () => {
  const site = mkdtempSync(join(outer, 'hub-'));
  const list = JSON.stringify({ hub: ['https://huggingface.co'] });
  writeFileSync(join(site, 'hub.json'), list);
  writeFileSync(join(site, 'sw.js'), 'work()');
  const usual = await serve({ root: site, port: 0 });
  const other = await serve({ root: site, port: 0, hub: ['https://mirror.example/hub'] });
  const text = async (address: string) => (await fetch(address)).text();
  expect(await text(`${usual.address}hub.json`)).toBe(list);
  expect(await text(`${usual.address}sw.js`)).toBe('work()');
  const response = await fetch(`${other.address}hub.json`);
  expect(await response.json()).toEqual({ hub: ['https://mirror.example/hub'] });
  const policy = response.headers.get('content-security-policy');
  expect(policy).toMatch(/connect-src [^;]*https:\/\/mirror\.example https:\/\/raw\.githubusercontent\.com;/);
  expect(policy).not.toContain('huggingface');
  expect(await text(`${other.address}sw.js`)).toBe(`work()\n// ${policy}\n`);
  await Promise.all([usual.close(), other.close()]);
});
