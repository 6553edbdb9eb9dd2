import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Page } from '@playwright/test';
import { PAGES_PORT } from './browser/chosenBrowser.ts';
import { expect, test as hubTest } from './hub/hubFixture.ts';
import type { HubServer } from './hub/hubServer.ts';
import { KillableBrowser } from './packs/killableBrowser.ts';
import type {} from './packs/page.ts';
import { syntheticClip } from './packs/syntheticClip.ts';

const REPOSITORY = 'someone/clip';
const WEIGHTS = 'model.safetensors';
const CLIP = syntheticClip();
const SIZE = CLIP[WEIGHTS]?.size ?? 0;
const KILLS = 10;
const SEED = 20_240;
/** About two seconds for the whole file. */
const SPEED = 6_000_000;

const test = hubTest.extend<{ profile: string }>({
  profile: async ({ browserName: _ }, use) => {
    const profile = mkdtempSync(join(tmpdir(), 'g-refine-killed-'));
    await use(profile);
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  },
});
test.use({ published: { repositories: { [REPOSITORY]: CLIP } } });

/** Offsets in the weights' file, in order. */
function moments(): number[] {
  let state = SEED;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: KILLS }, () => Math.floor(random() * SIZE)).sort((a, b) => a - b);
}

/** Installs, or resumes where there is a draft. */
async function goOn(page: Page, hub: HubServer) {
  const access = { endpoint: hub.endpoint, token: null };
  const { drafts } = await page.evaluate(() => hubPacks.state());
  return drafts.length > 0
    ? page.evaluate((access) => hubPacks.resume(access), access)
    : page.evaluate(([files, access]) => hubPacks.install(files, access), [
        hub.publishedFiles(REPOSITORY),
        access,
      ] as const);
}

test('killed at ten moments and resumed after each, a pack is the same byte for byte', async ({
  hub,
  openTestPage,
  profile,
}) => {
  const undisturbed = await openTestPage('hubPacks.html');
  expect(await goOn(undisturbed, hub)).toBeNull();
  const expected = await undisturbed.evaluate(() => hubPacks.contents());
  expect(expected.damage).toBeNull();

  const resumedAt: number[] = [];
  for (const moment of moments()) {
    hub.reset();
    hub.misbehave({ path: WEIGHTS, bytesPerSecond: SPEED });
    const browser = await KillableBrowser.start(profile);
    try {
      await browser.page.goto(`http://localhost:${PAGES_PORT}/hubPacks.html`);
      let ended: unknown = 'still running';
      // Rejects when the browser is killed.
      const running = goOn(browser.page, hub).then(
        (failure) => {
          ended = failure;
        },
        () => {},
      );
      while ((hub.sentTo.get(WEIGHTS) ?? 0) < moment && ended === 'still running') await pause(5);
      expect(ended).toBe('still running');
      await browser.kill();
      await running;
    } finally {
      await browser.kill();
    }
    resumedAt.push(startOf(hub));
  }
  console.log(`Killed at ${moments().join(', ')} of ${SIZE} bytes; read on from ${resumedAt.join(', ')}`);

  hub.reset();
  const browser = await KillableBrowser.start(profile);
  try {
    await browser.page.goto(`http://localhost:${PAGES_PORT}/hubPacks.html`);
    expect(await goOn(browser.page, hub)).toBeNull();
    expect(await browser.page.evaluate(() => hubPacks.contents())).toEqual(expected);
    const { packs, drafts, damaged, folders } = await browser.page.evaluate(() => hubPacks.state());
    expect({ drafts, damaged, folders }).toEqual({ drafts: [], damaged: [], folders: packs.map(({ id }) => id) });
  } finally {
    await browser.kill();
  }
  // Each goes on near where the one before was killed: the thread that hashes is a few megabytes behind.
  expect(startOf(hub)).toBeGreaterThan(SIZE / 4);
});

/** Where the longest answer of the last run began: those at the start are for the file's header. */
function startOf(hub: HubServer): number {
  const ranges = hub.requests.filter(({ path, range }) => path.includes(`/cdn/`) && path.includes(WEIGHTS) && range);
  return Math.max(...ranges.map(({ range }) => Number(/\d+/.exec(range ?? '')?.[0] ?? 0)), 0);
}
