import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { expect, needsF16, test } from './browser/fixtures.ts';
import { App, type FileToOpen, TINY_CLIP, TINY_INPAINTING, TINY_RESTORATION } from './journeys/app.ts';
import { generatedPng, STYLE_PARAMETERS } from './journeys/generatedPng.ts';
import { changedPixels, pngChunks, refineRecord } from './journeys/savedPicture.ts';

/** Nearly white, wholly or from the middle on. */
const pale = file('pale.png', 0);
const halfPale = file('half.png', 0.5);

/** Small, for GPUs that the processor imitates. */
const small = file('small.png', 0, { width: 96, height: 64 });

function file(name: string, paleFrom: number, size: { width?: number; height?: number } = {}): FileToOpen {
  return { name, mimeType: 'image/png', buffer: generatedPng({ ...size, paleFrom, text: STYLE_PARAMETERS }) };
}

/** Sets a number under Settings. */
async function choose(page: Page, label: string, value: number, group?: string): Promise<void> {
  const scope = group ? page.getByRole('group', { name: group }) : page.getByRole('region', { name: 'Refine' });
  await scope.getByLabel(label, { exact: true }).fill(String(value));
}

/** The app with all three models and settings that make a short job of it. */
async function readyToRefine(page: Page, picture: FileToOpen): Promise<App> {
  const app = new App(page);
  await app.open();
  await app.addModel(TINY_CLIP, { precision: '16-bit' });
  await app.addModel(TINY_INPAINTING, { precision: '16-bit' });
  await app.addModel(TINY_RESTORATION, { precision: '16-bit' });
  await app.openImages(picture);
  await app.analysed();
  await page.getByRole('region', { name: 'Refine' }).getByText('Settings', { exact: true }).click();
  await choose(page, 'Seed', 7);
  await choose(page, 'Steps', 4, 'Stage 1: repaint');
  await choose(page, 'Steps', 4, 'Stage 2: restore');
  return app;
}

/** Starts the job shown as ready. */
async function start(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Refine/ }).click();
}

/** Waits for the job's end, on a machine that may be slow. */
async function refined(page: Page): Promise<void> {
  await expect(page.getByRole('toolbar', { name: 'Result' })).toBeVisible({ timeout: 150_000 });
}

test('from an image to a better one: progress, preview, comparison, undo, saving, reading back', async ({ page }) => {
  test.slow();
  const app = await readyToRefine(page, pale);
  await start(page);
  const progress = page.getByTestId('refine-progress');
  await expect(progress).toContainText('Repainting bad regions');
  await expect(page.getByRole('contentinfo')).toContainText(/step \d+ of \d+/, { timeout: 60_000 });
  await refined(page);

  // Views and the way back.
  for (const [key, name] of [
    ['1', 'Result'],
    ['2', 'Slider'],
    ['3', 'Side by side'],
    ['4', 'Difference'],
  ] as const) {
    await page.keyboard.press(key);
    await expect(page.getByRole('radio', { name: new RegExp(`^${name}`) })).toBeChecked();
  }
  await expect(page.getByRole('region', { name: 'Result' }).getByRole('table')).toContainText('Quality');
  await page.keyboard.press('Control+z');
  await expect(page.getByRole('button', { name: 'Undo' })).toBeDisabled();
  await page.keyboard.press('Control+Shift+z');
  await expect(page.getByRole('button', { name: 'Undo' })).toBeEnabled();

  // Saved: the generator's metadata as it was, and how the picture came about.
  const downloading = page.waitForEvent('download');
  await page.evaluate(() => Reflect.deleteProperty(globalThis, 'showSaveFilePicker'));
  await page.keyboard.press('Control+s');
  const download = await downloading;
  expect(download.suggestedFilename()).toBe('pale-refined.png');
  const saved = readFileSync(await download.path());
  const texts = pngChunks(saved).filter(({ type }) => type === 'tEXt');
  expect(texts.map(({ data }) => data.toString('latin1'))).toEqual([`parameters\0${STYLE_PARAMETERS}`]);
  const record = refineRecord(saved);
  expect(record).toMatchObject({
    refinements: [
      {
        outcome: 'refined',
        seed: 7,
        models: { maps: 'clip-tiny', inpainting: 'sd-inpainting-tiny', restoration: 'pasd-tiny' },
      },
    ],
  });

  // Read back: the same size and prompt, other pixels.
  await app.openImages({ ...pale, name: 'again.png', buffer: saved });
  await expect(page.getByText('from A1111 metadata')).toBeVisible();
  await app.analysed();
});

test('stage 1 alone leaves every pixel outside its regions as it was', async ({ page }) => {
  test.slow();
  await readyToRefine(page, halfPale);
  await page.getByRole('checkbox', { name: 'Stage 2: restore' }).uncheck();
  await choose(page, 'Bad from', 85);
  await start(page);
  await refined(page);
  const downloading = page.waitForEvent('download');
  await page.evaluate(() => Reflect.deleteProperty(globalThis, 'showSaveFilePicker'));
  await page.keyboard.press('Control+s');
  const saved = readFileSync(await (await downloading).path());
  const { refinements } = refineRecord(saved) as {
    refinements: { regions: { place: { x: number; y: number; width: number; height: number }; kept: boolean }[] }[];
  };
  const regions = refinements.flatMap((refinement) => refinement.regions);
  expect(regions.some(({ kept }) => kept)).toBe(true);
  const counts = await changedPixels(page, {
    before: halfPale.buffer,
    after: saved,
    places: regions.map(({ place }) => place),
  });
  expect(counts.outside).toBeGreaterThan(1000);
  expect(counts.changedInside).toBeGreaterThan(500);
  expect(counts.changedOutside).toBe(0);
});

test('cancelled in the middle, nothing is changed and a second job runs right after', async ({ page }) => {
  test.slow();
  await readyToRefine(page, pale);
  await start(page);
  await expect(page.getByRole('contentinfo')).toContainText(/step \d+ of \d+/, { timeout: 60_000 });
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('refine-progress')).toBeHidden({ timeout: 30_000 });
  await expect(page.getByRole('toolbar', { name: 'Result' })).toBeHidden();
  await start(page);
  await refined(page);
});

for (const tier of ['GPU, 32-bit', 'GPU, 16-bit'] as const) {
  test(`the whole of it on the GPU: ${tier}`, async ({ page, hasF16 }) => {
    if (tier === 'GPU, 16-bit') needsF16(hasF16);
    test.setTimeout(300_000);
    const app = await readyToRefine(page, small);
    await page.getByText('How it is measured').click();
    await page.getByLabel('Resolution').selectOption('224');
    await app.analysed();
    await app.computeOn(tier);
    await start(page);
    await refined(page);
    await expect(page.getByRole('region', { name: 'Result' }).getByRole('table')).toContainText('Quality');
  });
}
