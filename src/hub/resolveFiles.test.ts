import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { downloadMessage } from '../../e2e/hub/downloadMessage.ts';
import { fileOfBytes } from '../../e2e/hub/hubFiles.ts';
import { HubServer } from '../../e2e/hub/hubServer.ts';
import type { PublishedFile, ResolvedFile } from './publishedFile.ts';
import { RemoteFile } from './remoteFile.ts';
import { type ResolveAccess, resolveFiles } from './resolveFiles.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const WEIGHTS = bytesOf('weights of a model');
const SHA256 = createHash('sha256').update(WEIGHTS).digest('hex');
const REPOSITORY = 'someone/model';
const CONFIG = 'vae/a config.json';

let hub: HubServer;
beforeAll(async () => {
  const others = Object.fromEntries(
    Array.from({ length: 7 }, (_, i) => [`other/${i}.txt`, fileOfBytes(bytesOf(`${i}`), { isLarge: false })]),
  );
  hub = await HubServer.start({
    repositories: {
      [REPOSITORY]: {
        [CONFIG]: fileOfBytes(bytesOf('{}'), { isLarge: false }),
        ...others,
        'vae/model.safetensors': fileOfBytes(WEIGHTS),
      },
      'someone/gated': { 'model.safetensors': fileOfBytes(WEIGHTS) },
      'authors/code': { 'embeding/PQ-overall.pth': fileOfBytes(WEIGHTS) },
    },
    gated: { 'someone/gated': 'token' },
    pageLength: 3,
  });
});
afterAll(() => hub.close());
afterEach(() => hub.reset());

function published(file: string, changes: Partial<PublishedFile> = {}): PublishedFile {
  return {
    path: file,
    host: 'hub',
    repository: REPOSITORY,
    revision: 'main',
    file,
    bytes: null,
    sha256: null,
    ...changes,
  };
}

function resolve(files: readonly PublishedFile[], access: Partial<ResolveAccess> = {}): Promise<ResolvedFile[]> {
  return resolveFiles(files, {
    endpoint: hub.endpoint,
    token: null,
    githubFiles: hub.rawEndpoint,
    ...access,
    limits: { attempts: 3, firstPauseMs: 1, ...access.limits },
  });
}

describe('files of the hub', () => {
  it('learns commit, length and hash, over all pages of the list, with one list for all files', async () => {
    const [weights, config] = await resolve([published('vae/model.safetensors'), published(CONFIG)]);
    const commit = hub.commitOf(REPOSITORY);
    expect(weights).toMatchObject({ revision: commit, bytes: WEIGHTS.byteLength, sha256: SHA256 });
    expect(config).toMatchObject({ revision: commit, bytes: 2, sha256: null });
    expect(hub.requests.map(({ path }) => path)).toEqual([
      `/api/models/${REPOSITORY}/revision/main`,
      `/api/models/${REPOSITORY}/tree/${commit}?recursive=true`,
      `/api/models/${REPOSITORY}/tree/${commit}?recursive=true&cursor=3`,
      `/api/models/${REPOSITORY}/tree/${commit}?recursive=true&cursor=6`,
    ]);
  });

  it('gives addresses that the files are read from', async () => {
    for (const file of await resolve([published('vae/model.safetensors'), published(CONFIG)])) {
      const remote = new RemoteFile(file);
      const text = new TextDecoder().decode(await remote.read(0, file.bytes));
      expect(text).toBe(file.file === CONFIG ? '{}' : 'weights of a model');
      await remote.finish();
      remote.close();
    }
  });

  it('asks for no commit where it is known', async () => {
    await resolve([published(CONFIG, { revision: hub.commitOf(REPOSITORY) })]);
    expect(hub.requests.map(({ path }) => path).filter((path) => path.includes('/revision/'))).toEqual([]);
  });

  it('leaves optional files out, and names the others', async () => {
    const optional = published('text_encoder/model.safetensors', { optional: true });
    expect(await resolve([optional, published(CONFIG)])).toHaveLength(1);
    const message = await downloadMessage(resolve([optional, published('unet/a.bin'), published('unet/b.bin')]));
    expect(message).toBe(
      'Cannot download "unet/a.bin": there are no "unet/a.bin" of someone/model, "unet/b.bin" of someone/model at revision main; their authors moved or removed them, or the mirror lacks them',
    );
  });

  it('refuses other files than were meant', async () => {
    const length = resolve([published('vae/model.safetensors', { bytes: 17 })]);
    expect(await downloadMessage(length)).toMatch(/the server now has 18 bytes, expected 17/);
    const hash = resolve([published('vae/model.safetensors', { sha256: 'a'.repeat(64) })]);
    expect(await downloadMessage(hash)).toMatch(new RegExp(`SHA-256 at someone/model is ${SHA256}, expected a{64}`));
    await resolve([published('vae/model.safetensors', { bytes: 18, sha256: SHA256 })]);
  });

  it('names repositories and revisions that are not there', async () => {
    expect(await downloadMessage(resolve([published(CONFIG, { repository: 'no/body' })]))).toMatch(
      /there is no repository no\/body \(status 404\)/,
    );
    expect(await downloadMessage(resolve([published(CONFIG, { revision: 'dev' })]))).toMatch(
      /someone\/model has no revision dev \(status 404\)/,
    );
  });

  it('reads gated repositories with their token', async () => {
    const file = published('model.safetensors', { repository: 'someone/gated' });
    expect(await downloadMessage(resolve([file]))).toMatch(
      /someone\/gated is gated \(status 401\); accept the model's licence on its page and give an access token/,
    );
    expect(await downloadMessage(resolve([file], { token: 'wrong' }))).toMatch(
      /is gated and refuses the access token given \(status 403\)/,
    );
    const [resolved] = await resolve([file], { token: 'token' });
    const remote = new RemoteFile(resolved as ResolvedFile, { token: 'token' });
    await remote.finish();
    remote.close();
  });
});

describe('a server that fails', () => {
  it('is asked again', async () => {
    hub.misbehave({ path: '/api/', status: 503, times: 1 });
    hub.misbehave({ path: '/tree/', status: 429, headers: { 'Retry-After': '0' }, after: 1, times: 1 });
    expect(await resolve([published(CONFIG)])).toHaveLength(1);
  });

  it.each([
    [
      { status: 500 },
      /the list of files of someone\/model cannot be read: the server answered with status 500, in 3 att/,
    ],
    [
      { dropAt: 20 },
      /the list of files of someone\/model cannot be read: the connection to localhost:\d+ failed, in 3/,
    ],
    [
      { stallAt: 20 },
      /the list of files of someone\/model cannot be read: no byte came for 0.2 seconds, in 3 attempts/,
    ],
    [
      { truncateAt: 20 },
      /what the server sent is not the list of files of someone\/model; check the address of the hub/,
    ],
  ])('in the end ends in one sentence: %o', async (rule, message) => {
    hub.misbehave({ path: '/tree/', ...rule });
    expect(
      await downloadMessage(resolve([published(CONFIG)], { limits: { stallMs: 'stallAt' in rule ? 200 : 30_000 } })),
    ).toMatch(message);
  });

  it.each([
    ['a length below 0', '[{"type":"file","path":"x","size":-1}]'],
    ['an error', '{"error":"no"}'],
    ['a path that is none', '[{"type":"file","path":7,"size":1}]'],
    ['nothing', 'null'],
    ['more than is parsed', JSON.stringify(Array.from({ length: 500_002 }, () => []))],
  ])('may send anything: %s', async (_, text) => {
    const fetch = async () => new Response(text);
    const revision = hub.commitOf(REPOSITORY);
    expect(await downloadMessage(resolve([published(CONFIG, { revision })], { fetch }))).toMatch(
      /is not the list of files/,
    );
  });

  it('sends the token to no other place, wherever the next page is said to be', async () => {
    const seen: string[] = [];
    const fetch = async (url: Parameters<typeof globalThis.fetch>[0]) => {
      seen.push(String(url));
      const headers = seen.length === 1 ? { Link: '<https://elsewhere.example/api?cursor=2>; rel="next"' } : {};
      return new Response(`[{"type":"file","path":"x${seen.length}","size":1}]`, { headers });
    };
    const revision = hub.commitOf(REPOSITORY);
    await resolve([published('x2', { revision })], { fetch, token: 'token' });
    expect(seen.map((url) => new URL(url).origin)).toEqual([hub.endpoint, hub.endpoint]);
    expect(seen[1]).toContain('?cursor=2');
  });

  it('ends with the reason of the signal', async () => {
    hub.misbehave({ path: '/api/', status: 503 });
    const job = new AbortController();
    const resolving = resolve([published(CONFIG)], { signal: job.signal, limits: { firstPauseMs: 60_000 } });
    while (hub.requests.length === 0) await new Promise((done) => setTimeout(done, 5));
    job.abort(new Error('cancelled'));
    await expect(resolving).rejects.toThrow('cancelled');
  });
});

describe('files of GitHub', () => {
  const context = (changes: Partial<PublishedFile> = {}) =>
    published('embeding/PQ-overall.pth', { host: 'github', repository: 'authors/code', ...changes });

  it('learns the length from headers that pages may read, and sends no token', async () => {
    const [resolved] = await resolve([context()], { token: 'token' });
    expect(resolved).toMatchObject({ bytes: WEIGHTS.byteLength, sha256: null });
    const remote = new RemoteFile(resolved as ResolvedFile, { token: 'token' });
    expect(await remote.read(0, WEIGHTS.byteLength)).toEqual(WEIGHTS);
    remote.close();
    expect(hub.requests.map(({ authorization }) => authorization)).toEqual([null, null]);
  });

  it('names what is missing, and refuses another length', async () => {
    expect(await downloadMessage(resolve([context({ file: 'embeding/no.pth' })]))).toMatch(
      /there is no "embeding\/no.pth" of authors\/code at revision main/,
    );
    expect(await resolve([context({ file: 'embeding/no.pth', optional: true })])).toEqual([]);
    expect(await downloadMessage(resolve([context({ bytes: 3 })]))).toMatch(/the server now has 18 bytes, expected 3/);
  });
});
