import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import { expect, test } from './browser/fixtures.ts';
import { generatedPng } from './journeys/generatedPng.ts';
import type {} from './pages/packs.ts';

const HUB = { endpoint: 'https://hub.example', token: null };

const filesOf = (fixture: string) =>
  readdirSync(fileURLToPath(new URL(`../reference/fixtures/${fixture}`, import.meta.url)), {
    recursive: true,
    encoding: 'utf8',
  }).filter((path) => /\.\w+$/.test(path));

/** Installs a folder of the fixtures. @returns the pack's id */
function install(page: Page, fixture: string, jobId = fixture): Promise<string> {
  return page.evaluate(
    async ({ fixture, paths, jobId }) => {
      const source = await packs.source(fixture, paths);
      const request = { jobId, name: fixture, precision: 'q8', licence: null, source } as const;
      return (await packs.workers.compile.install(request, () => {})).id;
    },
    { fixture, paths: filesOf(fixture), jobId },
  );
}

const verify = (page: Page, packId: string) =>
  page.evaluate((packId) => packs.workers.compile.verifyPack({ jobId: 'verify', packId }, () => {}), packId);

test('a damaged pack is found, healed while it is in use, and carried to another place', async ({ openTestPage }) => {
  const page = await openTestPage('packs.html');
  const packId = await install(page, 'clip-tiny');
  const installed = await page.evaluate((id) => packs.digests(id), packId);
  expect(await verify(page, packId)).toBeNull();

  // The model is opened before its file is written to, and read after.
  await page.evaluate(async (id) => {
    await packs.workers.refine.start('wasm');
    await packs.workers.refine.usePack(id);
  }, packId);
  await page.evaluate((id) => packs.damage(id, 'weights-000.bin', 123_456), packId);
  expect(await verify(page, packId)).toMatchObject({ items: ['weights-000.bin (1 of 1 pieces)'], canFetch: false });
  await page.evaluate(
    async ({ packId, paths, hub }) => {
      const source = await packs.source('clip-tiny', paths);
      await packs.workers.compile.repairPack({ jobId: 'repair', packId, source, hub }, () => {});
    },
    { packId, paths: filesOf('clip-tiny'), hub: HUB },
  );
  expect(await verify(page, packId)).toBeNull();
  expect(await page.evaluate((id) => packs.digests(id), packId)).toEqual(installed);
  const score = await page.evaluate(
    async (png) => {
      const file = new File([new Uint8Array(png)], 'hat.png', { type: 'image/png' });
      const settings = { imageSize: 224, perceptualMode: 'auto' } as never;
      const job = { jobId: 'analyse', file, prompt: 'a red hat', settings };
      return (await packs.workers.refine.analyse(job, () => {})).perceptual.score;
    },
    [...generatedPng()],
  );
  expect(score).toBeGreaterThan(0);

  // To a folder, and back.
  const imported = await page.evaluate(async (packId) => {
    const folder = await packs.chosenFolder();
    await packs.workers.compile.exportPack({ jobId: 'export', packId, folder }, () => {});
    const files = await packs.chosenFiles();
    return (await packs.workers.compile.importPack({ jobId: 'import', files }, () => {})).id;
  }, packId);
  expect(imported).not.toBe(packId);
  expect(await page.evaluate((id) => packs.digests(id), imported)).toEqual(installed);
});

test('what a tab does is seen in another, and where it is closed in the middle, the other goes on', async ({
  openTestPage,
  context,
}) => {
  const page = await openTestPage('packs.html');
  const fixture = 'sd-inpainting-tiny';
  const whole = await install(page, fixture);
  const expected = await page.evaluate((id) => packs.digests(id), whole);
  await page.evaluate((id) => packs.workers.compile.deletePack(id), whole);

  const seen = page.evaluate(
    () =>
      new Promise<string>((resolve) => {
        void packs.workers.compile.watchActivity(({ running, elsewhere }) => {
          if (running && elsewhere) resolve(running.jobId);
        });
      }),
  );

  // Closed as soon as the second part is begun: the first is kept.
  const other = await context.newPage();
  await other.goto(page.url());
  await other.evaluate(
    ({ fixture, paths }) =>
      new Promise<void>((resolve) => {
        const run = async () => {
          const source = await packs.source(fixture, paths);
          const request = { jobId: 'closed', name: fixture, precision: 'q8', licence: null, source } as const;
          await packs.workers.compile.install(request, ({ item }) => item.endsWith('vae') && resolve());
        };
        void run();
      }),
    { fixture, paths: filesOf(fixture) },
  );
  expect(await seen).toBe('closed');
  // Begun while the other tab may still hold the lock; then it waits.
  const resumed = install(page, fixture, 'resumed');
  await other.close();
  expect(await page.evaluate((id) => packs.digests(id), await resumed)).toEqual(expected);
  expect(await page.evaluate(() => packs.workers.compile.listDrafts())).toEqual([]);
});
