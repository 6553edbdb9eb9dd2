import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import { filesOfFolder, type HubFile } from './hub/hubFiles.ts';
import { expect, test as hubTest } from './hub/hubFixture.ts';
import type { HubServer } from './hub/hubServer.ts';
import type { Misbehaviour, Rule } from './hub/misbehaviour.ts';
import type {} from './packs/page.ts';

const REPOSITORY = 'someone/inpainting';
const FOLDER = fileURLToPath(new URL('../reference/fixtures/sd-inpainting-tiny', import.meta.url));
const FILES = filesOfFolder(FOLDER);
/** The second of three files with weights: something is stored when it goes wrong. */
const VAE = 'vae/diffusion_pytorch_model.safetensors';
const AT = 150_000;

/** The file as others would publish it: of the same length, and not the same. */
const OTHERS: HubFile = {
  ...(FILES[VAE] as HubFile),
  read: (start, end) => (FILES[VAE] as HubFile).read(start, end).map((byte, i) => (start + i < AT ? byte : byte ^ 1)),
};

/** Ends the first answer in the middle; what comes then decides. */
const BROKEN = { dropAt: AT };
const then = (wrong: Misbehaviour) => [{ ...wrong, onlyResuming: true }, BROKEN];

/** What the hub does wrong with the file, and what the one message says. */
const CASES: Readonly<Record<string, { readonly wrong: readonly Omit<Rule, 'path'>[]; readonly says: RegExp }>> = {
  'ends early': {
    wrong: [{ truncateAt: AT }],
    says: /the connection ended early, after 150000 of \d+ bytes and 2 att/,
  },
  'stands still': { wrong: [{ stallAt: AT }], says: /, after 150000 of \d+ bytes and 2 attempts/ },
  'lies about the length': { wrong: then({ claimedSize: 5_000_000 }), says: /now has 5000000 bytes, expected \d+/ },
  'flips a byte': { wrong: [{ flipByteAt: AT }], says: /differs from what was published: its SHA-256 is [0-9a-f]{64}/ },
  'refuses strangers (401)': { wrong: then({ status: 401 }), says: /is gated, private or not there \(status 401\)/ },
  'refuses (403)': { wrong: then({ status: 403 }), says: /is gated, private or not there \(status 403\)/ },
  'has lost it (404)': { wrong: then({ status: 404 }), says: /has no file "vae\/.*" at revision .* \(status 404\)/ },
  'asks to wait (429)': {
    wrong: then({ status: 429, headers: { 'Retry-After': '1' } }),
    says: /answered with status 429, after 150000 of \d+ bytes and 2 attempts/,
  },
  'fails (500)': {
    wrong: then({ status: 500 }),
    says: /answered with status 500, after 150000 of \d+ bytes and 2 att/,
  },
  'drops the connection': { wrong: [BROKEN], says: /after 150000 of \d+ bytes and 2 attempts/ },
  'has another file': { wrong: then({ replacedBy: OTHERS }), says: /changed while it was being downloaded/ },
};

const test = hubTest.extend<{ installing: Installing }>({
  installing: async ({ hub, openTestPage }, use) => {
    await use(new Installing(await openTestPage('hubPacks.html'), hub));
  },
});
test.use({
  published: { repositories: { [REPOSITORY]: FILES } },
  expectedErrors: [/^Failed to load resource: (the server responded with a status|net::ERR_)/],
});

/** One page, one worker, one hub. */
class Installing {
  readonly page: Page;
  readonly #hub: HubServer;

  constructor(page: Page, hub: HubServer) {
    this.page = page;
    this.#hub = hub;
  }

  get #access() {
    return { endpoint: this.#hub.endpoint, token: null };
  }

  install() {
    const files = this.#hub.publishedFiles(REPOSITORY).filter(({ path }) => !path.endsWith('.md'));
    return this.page.evaluate(([files, access]) => hubPacks.install(files, access), [files, this.#access] as const);
  }

  resume() {
    return this.page.evaluate((access) => hubPacks.resume(access), this.#access);
  }

  contents = () => this.page.evaluate(() => hubPacks.contents());
  state = () => this.page.evaluate(() => hubPacks.state());
  clear = () => this.page.evaluate(() => hubPacks.clear());
}

test('whatever the hub does wrong ends in one message, and resuming makes the same pack', async ({
  hub,
  installing,
}) => {
  expect(await installing.install()).toBeNull();
  const expected = await installing.contents();
  expect(expected.damage).toBeNull();
  await installing.clear();

  for (const [name, { wrong, says }] of Object.entries(CASES)) {
    await test.step(`the hub ${name}`, async () => {
      hub.reset();
      const path = `/cdn/${REPOSITORY}/${hub.commitOf(REPOSITORY)}/${VAE}`;
      for (const each of wrong) hub.misbehave({ path, ...each });
      const failure = await installing.install();
      expect(failure?.name).toBe('DownloadError');
      expect(failure?.message).toMatch(new RegExp(`^Cannot download "${VAE}": `));
      expect(failure?.message).toMatch(says);
      const left = await installing.state();
      expect(left).toMatchObject({ packs: [], damaged: [], drafts: [{ name: 'model', from: 'hub' }] });
      expect(left.drafts[0]?.doneBytes).toBeGreaterThan(1_000_000);

      hub.reset();
      expect(await installing.resume()).toBeNull();
      expect(await installing.contents()).toEqual(expected);
      expect((await installing.state()).folders).toHaveLength(1);
      await installing.clear();
    });
  }

  for (const [name, wrong] of Object.entries({
    '404': { status: 404 },
    'another length': { claimedSize: 5_000_000 },
  })) {
    await test.step(`the hub answers with ${name} from the start: nothing is begun`, async () => {
      hub.reset();
      hub.misbehave({ path: `/cdn/${REPOSITORY}/${hub.commitOf(REPOSITORY)}/${VAE}`, ...wrong });
      expect(await installing.install()).toMatchObject({ name: 'DownloadError' });
      expect(await installing.state()).toEqual({ packs: [], drafts: [], damaged: [], folders: [] });
    });
  }
  hub.reset();
  expect(await installing.install()).toBeNull();
  expect(await installing.contents()).toEqual(expected);
});

test('a full disk ends in one message, and resuming makes the same pack once there is room', async ({
  hub,
  installing,
  page,
  context,
}) => {
  expect(await installing.install()).toBeNull();
  const expected = await installing.contents();
  await installing.clear();
  const { usedBytes } = await page.evaluate(() => hubPacks.storage());

  const browser = await context.newCDPSession(page);
  const grant = (quotaSize?: number) =>
    browser.send('Storage.overrideQuotaForOrigin', {
      origin: new URL(page.url()).origin,
      ...(quotaSize === undefined ? {} : { quotaSize }),
    });
  // Others take the room in the middle: what is asked beforehand says nothing of it.
  hub.reset();
  hub.misbehave({ path: '.safetensors', bytesPerSecond: 1_500_000 });
  const installed = installing.install();
  await expect
    .poll(() => hub.sentTo.get('unet/diffusion_pytorch_model.safetensors') ?? 0, { intervals: [20] })
    .toBeGreaterThan(700_000);
  await grant(usedBytes + 100_000);
  const failure = await installed;
  expect(failure).toMatchObject({ name: 'StorageError', message: expect.stringMatching(/storage is full/) });
  const left = await installing.state();
  expect(left).toMatchObject({ packs: [], damaged: [], drafts: [{ name: 'model' }] });

  await grant();
  hub.reset();
  expect(await installing.resume()).toBeNull();
  expect(await installing.contents()).toEqual(expected);
  expect((await installing.state()).folders).toHaveLength(1);
});
