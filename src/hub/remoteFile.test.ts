import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { downloadMessage } from '../../e2e/hub/downloadMessage.ts';
import { fileOfBytes } from '../../e2e/hub/hubFiles.ts';
import { HubServer } from '../../e2e/hub/hubServer.ts';
import type { ResolvedFile, StreamState } from './publishedFile.ts';
import { RemoteFile, type RemoteFileOptions } from './remoteFile.ts';

/** Bytes that repeat nowhere near each other, so that a wrong offset shows. */
const BYTES = new Uint8Array(new Uint32Array(75_000).map((_, i) => Math.imul(i + 1, 2654435761)).buffer);
const SHA256 = createHash('sha256').update(BYTES).digest('hex');
const PATH = 'unet/diffusion_pytorch_model.safetensors';
const REPOSITORY = 'someone/model';
/** Small, so that a small file has all cases; impatient, so that tests are quick. */
const LIMITS = { windowBytes: 60_000, aheadBytes: 20_000, asideBytes: 1000, attempts: 3, firstPauseMs: 1 };

let hub: HubServer;
beforeAll(async () => {
  hub = await HubServer.start({
    repositories: {
      [REPOSITORY]: { [PATH]: fileOfBytes(BYTES), 'config.json': fileOfBytes(BYTES, { isLarge: false }) },
    },
    hasForeignCdn: true,
  });
});
afterAll(() => hub.close());
afterEach(() => hub.reset());

function resolved(changes: Partial<ResolvedFile> = {}): ResolvedFile {
  const revision = hub.commitOf(REPOSITORY);
  return {
    path: PATH,
    host: 'hub',
    repository: REPOSITORY,
    revision,
    file: PATH,
    bytes: BYTES.byteLength,
    sha256: SHA256,
    url: `${hub.endpoint}/${REPOSITORY}/resolve/${revision}/${PATH}`,
    ...changes,
  };
}

function open(options: RemoteFileOptions = {}, changes: Partial<ResolvedFile> = {}): RemoteFile {
  return new RemoteFile(resolved(changes), { ...options, limits: { ...LIMITS, ...options.limits } });
}

/** Reads `[start, end)` and compares it with the file. */
async function expectBytes(file: RemoteFile, start: number, end: number): Promise<void> {
  const bytes = await file.read(start, end);
  expect(Buffer.compare(bytes, BYTES.subarray(start, end)), `bytes ${start} to ${end}`).toBe(0);
}

async function readAll(file: RemoteFile, { from = 0, step = 7777 } = {}): Promise<void> {
  for (let start = from; start < file.size; start += step) {
    await expectBytes(file, start, Math.min(start + step, file.size));
  }
}

/** Ranges asked of the delivery network, in order. */
const ranges = () => hub.requests.filter(({ path }) => path.startsWith('/cdn/')).map(({ range }) => range);

describe('one stream', () => {
  it('serves reads in order with one request, and its hash is the published one', async () => {
    let count = 0;
    const file = open({ onBytes: (bytes) => (count += bytes) });
    await expectBytes(file, 0, 64);
    await expectBytes(file, 8, 4000);
    await readAll(file);
    await file.finish();
    await file.finish();
    expect(ranges()).toEqual(['bytes=0-']);
    expect(count).toBe(BYTES.byteLength);
    expect(file.state.position).toBe(BYTES.byteLength);
    await expectBytes(file, BYTES.byteLength - 100, BYTES.byteLength);
    file.close();
  });

  it('keeps a bounded part of what has passed, and asks for the rest beside the stream', async () => {
    // The server sends pieces that fetch cuts as it likes: read up to a known place first.
    const file = open();
    await expectBytes(file, 0, 200_000);
    await expectBytes(file, 199_000, 200_000);
    expect(ranges()).toEqual(['bytes=0-']);
    await expectBytes(file, 10, 500);
    await expectBytes(file, 100, 900);
    await expectBytes(file, 20_000, 30_000);
    await expectBytes(file, 290_000, 290_100);
    expect(ranges().slice(1, 3)).toEqual(['bytes=10-1009', 'bytes=20000-29999']);
    await file.finish();
    file.close();
  });

  it('reads a far place beside the stream, which still hashes every byte once', async () => {
    const file = open();
    await expectBytes(file, BYTES.byteLength - 22, BYTES.byteLength);
    expect(file.state.position).toBe(0);
    await expectBytes(file, 0, 100);
    await file.finish();
    file.close();
  });

  it.each([SHA256, null])('keeps nothing in memory once it is finished (published hash: %s)', async (sha256) => {
    const file = open({}, { sha256 });
    await readAll(file);
    await expectBytes(file, BYTES.byteLength - 5000, BYTES.byteLength);
    expect(ranges()).toEqual(['bytes=0-']);
    await file.finish();
    await expectBytes(file, BYTES.byteLength - 5000, BYTES.byteLength);
    expect(ranges()).toEqual(['bytes=0-', 'bytes=295000-']);
    file.close();
  });

  it('follows whoever goes on reading far ahead', async () => {
    const file = open();
    await readAll(file, { from: 100_000, step: 10_000 });
    // The stream caught up when as much had been read beside it as lay between.
    expect(ranges().length).toBeLessThan(12);
    expect(ranges()).toContain('bytes=0-');
    expect(file.state.position).toBe(BYTES.byteLength);
    await file.finish();
    file.close();
  });

  it('reads what lies on both sides of the position in two parts', async () => {
    const first = open();
    await expectBytes(first, 0, 150_000);
    const { state } = first;
    first.close();
    hub.reset();
    const second = open({ resume: state });
    await expectBytes(second, state.position - 5000, state.position + 5000);
    expect(ranges()).toEqual([`bytes=${state.position - 5000}-${state.position - 1}`, `bytes=${state.position}-`]);
    await second.finish();
    second.close();
  });

  it('fetches nothing for nothing, and refuses what is outside', async () => {
    const file = open();
    expect(await file.read(5, 5)).toEqual(new Uint8Array(0));
    expect(() => file.read(0, BYTES.byteLength + 1)).toThrow(RangeError);
    expect(hub.requests).toEqual([]);
    file.close();
  });

  it('does without a hash where none is published', async () => {
    const file = open({}, { sha256: null });
    await expectBytes(file, 0, 1000);
    expect(file.state.hash).toBeNull();
    const before = file.state.position;
    await file.finish();
    expect(file.state.position).toBe(before);
    file.close();
  });

  it('sends the token to the hub alone', async () => {
    const file = open({ token: 'hf_secret' });
    await readAll(file);
    const sent = hub.requests.map(({ host, authorization }) => [host.split(':')[0], authorization]);
    expect(sent).toEqual([
      ['localhost', 'Bearer hf_secret'],
      ['127.0.0.1', null],
    ]);
    file.close();
    hub.reset();
    const elsewhere = open({ token: 'hf_secret' }, { host: 'github' });
    await expectBytes(elsewhere, 0, 10);
    expect(hub.requests.map(({ authorization }) => authorization)).toEqual([null, null]);
    elsewhere.close();
  });
});

describe('what passes', () => {
  it.each([
    ['truncated answers', { truncateAt: 100_000, times: 1 }],
    ['dropped connections', { dropAt: 100_001, times: 1 }],
    ['a drop before the first byte', { dropAt: 0, times: 2 }],
    ['status 500', { status: 500, times: 2 }],
    ['status 429', { status: 429, headers: { 'Retry-After': '0' }, times: 2 }],
    ['a standing connection', { stallAt: 100_002, times: 1 }],
  ])('goes on after %s', async (_, rule) => {
    hub.misbehave({ path: '/cdn/', ...rule });
    const file = open({ limits: { stallMs: 'stallAt' in rule ? 500 : 30_000 } });
    await readAll(file);
    await file.finish();
    expect(ranges().length).toBeGreaterThan(1);
    file.close();
  });

  it('goes on after several drops with bytes between them', async () => {
    for (const dropAt of [30_000, 60_000, 90_000, 120_000, 150_000]) hub.misbehave({ path: '/cdn/', dropAt, times: 1 });
    const file = open();
    await readAll(file);
    await file.finish();
    expect(ranges()).toHaveLength(6);
    file.close();
  });

  it('waits as long as the server asks', async () => {
    hub.misbehave({ path: '/resolve/', status: 429, headers: { 'Retry-After': '1' }, times: 1 });
    const file = open();
    const start = performance.now();
    await expectBytes(file, 0, 10);
    expect(performance.now() - start).toBeGreaterThan(950);
    file.close();
  });

  it('takes the whole file from a server without ranges', async () => {
    hub.misbehave({ path: '/cdn/', ignoresRanges: true });
    hub.misbehave({ path: '/cdn/', dropAt: 50_000, times: 1 });
    const file = open();
    await readAll(file);
    await file.finish();
    file.close();
  });
});

describe('what does not pass', () => {
  it.each([
    ['truncated answers', { truncateAt: 100_000 }, /ended early, after 100000 of 300000 bytes and 3 attempts; check/],
    ['dropped connections', { dropAt: 100_000 }, /connection to localhost:\d+ failed, after 100000 of 300000 bytes/],
    ['standing connections', { stallAt: 100_000 }, /no byte came for 0.3 seconds, after 100000 of 300000 bytes/],
    ['status 500', { status: 500 }, /the server answered with status 500, after 0 of 300000 bytes and 3 attempts/],
    ['a shorter file', { claimedSize: 200_000 }, /the server now has 200000 bytes, expected 300000; the file was repl/],
    ['a longer file', { claimedSize: 400_000 }, /the server now has 400000 bytes, expected 300000; the file was repl/],
    ['status 404', { status: 404 }, /someone\/model has no file "unet\/.*" at revision [0-9a-f]{40} \(status 404\)/],
    ['status 418', { status: 418 }, /the server of someone\/model answered with status 418; try again later/],
    [
      'status 401',
      { status: 401 },
      /is gated, private or not there \(status 401\); accept the model's licence on its page and give an/,
    ],
    [
      'status 403',
      { status: 403 },
      /is gated, private or not there \(status 403\); accept the model's licence on its page and give an/,
    ],
  ])('says one sentence about %s, and resumes', async (_, rule, message) => {
    hub.misbehave({ path: '/cdn/', ...rule });
    const first = open({ limits: { stallMs: 'stallAt' in rule ? 300 : 30_000 } });
    expect(await downloadMessage(readAll(first, { step: 50_000 }))).toMatch(message);
    const { state } = first;
    first.close();
    hub.reset();
    const second = open({ resume: JSON.parse(JSON.stringify(state)) as StreamState });
    await readAll(second, { from: state.position });
    await second.finish();
    expect(ranges()).toEqual([`bytes=${state.position}-`]);
    second.close();
  });

  it('says what is wrong with a token', async () => {
    hub.misbehave({ path: '/resolve/', status: 403 });
    const file = open({ token: 'hf_secret' });
    const message = await downloadMessage(file.read(0, 10));
    expect(message).toMatch(
      /someone\/model is gated, private or not there and refuses the access token given \(status 403\)/,
    );
    expect(message).not.toContain('hf_secret');
    file.close();
  });

  it('finds a flipped byte at the end, and then begins the file anew', async () => {
    hub.misbehave({ path: '/cdn/', flipByteAt: 123_456, times: 1 });
    const file = open();
    await file.read(0, 300_000);
    const message = await downloadMessage(file.finish());
    expect(message).toMatch(/differs from what was published: its SHA-256 is [0-9a-f]{64}, expected [0-9a-f]{64}/);
    expect(file.state).toEqual({ position: 0, hash: null });
    expect(file.isRefuted).toBe(true);
    await readAll(file);
    await file.finish();
    file.close();
  });

  it('finds a flipped byte over sessions', async () => {
    hub.misbehave({ path: '/cdn/', flipByteAt: 5, times: 1 });
    const first = open();
    await first.read(0, 150_000);
    const { state } = first;
    first.close();
    const second = open({ resume: state });
    expect(await downloadMessage(second.finish())).toMatch(/differs from what was published/);
    second.close();
  });

  it('notices that the file changed between two requests', async () => {
    hub.misbehave({ path: '/cdn/', dropAt: 100_000, times: 1 });
    hub.misbehave({ path: '/cdn/', replacedBy: fileOfBytes(BYTES.map((byte) => byte ^ 1)) });
    const file = open();
    expect(await downloadMessage(readAll(file))).toMatch(
      /the file of someone\/model changed while it was being downloaded/,
    );
    file.close();
  });

  it('does not skip far on a server without ranges', async () => {
    hub.misbehave({ path: '/cdn/', ignoresRanges: true });
    hub.misbehave({ path: '/cdn/', dropAt: 150_000, times: 1 });
    const file = open();
    await expectBytes(file, 0, 1000);
    expect(await downloadMessage(file.read(250_000, 250_010))).toMatch(
      /cannot send it from the middle, at byte 250000/,
    );
    file.close();
  });

  it('says which server cannot be reached', async () => {
    const file = open({}, { url: 'http://localhost:9/someone/model/resolve/main/x' });
    expect(await downloadMessage(file.read(0, 10))).toMatch(
      /the connection to localhost:9 failed, after 0 of 300000 bytes/,
    );
    file.close();
  });
});

describe('resuming and ending', () => {
  it('goes on at every place with the right hash', async () => {
    let state: StreamState | null = null;
    for (const end of [1, 63, 64, 65, 1000, 99_999, 250_000]) {
      const file: RemoteFile = open({ resume: state });
      await expectBytes(file, end - 1, end);
      state = JSON.parse(JSON.stringify(file.state)) as StreamState;
      file.close();
    }
    const last = open({ resume: state });
    await last.finish();
    last.close();
  });

  it('begins anew where the saved hash is of no use', async () => {
    for (const hash of [null, 'AAAA', 'not base64!']) {
      const file = open({ resume: { position: 200_000, hash } });
      await expectBytes(file, 250_000, 250_100);
      await file.finish();
      file.close();
    }
  });

  it('ends with the reason of the signal, also while it waits', async () => {
    hub.misbehave({ path: '/cdn/', status: 503 });
    const job = new AbortController();
    const file = open({ signal: job.signal, limits: { firstPauseMs: 60_000 } });
    const reading = file.read(0, 10);
    while (hub.requests.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    job.abort(new Error('paused by the user'));
    await expect(reading).rejects.toThrow('paused by the user');
    await expect(file.read(0, 10)).rejects.toThrow('paused by the user');
  });

  it('rejects what waits when it is closed', async () => {
    hub.misbehave({ path: '/cdn/', stallAt: 100 });
    const file = open();
    const reading = file.read(0, 1000);
    const waiting = file.read(2000, 3000);
    while (hub.requests.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    file.close();
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  });
});
