import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { expect, test } from './browser/fixtures.ts';
import { App, type FileToOpen, TINY_CLIP, TINY_INPAINTING, TINY_RESTORATION } from './journeys/app.ts';
import { generatedPng, STYLE_PARAMETERS } from './journeys/generatedPng.ts';
import { changedPixels, refineRecord } from './journeys/savedPicture.ts';

const size = { width: 96, height: 64 };
const picture: FileToOpen = {
  name: 'half.png',
  mimeType: 'image/png',
  buffer: generatedPng({ ...size, paleFrom: 0.5, text: STYLE_PARAMETERS }),
};

const panel = (page: Page) => page.getByRole('region', { name: 'Refine' });

async function choose(page: Page, strategy: string): Promise<void> {
  await panel(page).getByLabel('Strategy').selectOption({ label: strategy });
}

/** Refines with what is chosen, and waits for so many results in the history. */
async function refine(page: Page, results: number): Promise<void> {
  await page.getByRole('button', { name: /^Refine/ }).click();
  const entries = page.getByRole('region', { name: 'History' }).getByRole('button', { name: /Result \d/ });
  await expect(entries).toHaveCount(results, { timeout: 150_000 });
}

test('two strategies and a mask painted by hand, from the choice to the saved record', async ({ page }) => {
  test.slow();
  const app = new App(page);
  await app.open();
  await app.addModel(TINY_CLIP, { precision: '16-bit' });
  await app.addModel(TINY_INPAINTING, { precision: '16-bit' });
  await app.addModel(TINY_RESTORATION, { precision: '16-bit' });
  await app.openImages(picture);
  await app.analysed();
  await panel(page).getByText('Settings', { exact: true }).click();
  await panel(page).getByLabel('Seed', { exact: true }).fill('7');

  await choose(page, 'Image-to-image');
  await expect(panel(page)).toContainText('Repaints the whole picture from the prompt');
  await panel(page).getByLabel('Steps', { exact: true }).fill('4');
  await refine(page, 1);
  const history = page.getByRole('region', { name: 'History' });
  await expect(history).toContainText('Image-to-image · DPM++ 2M Karras 4');

  // Only what the strategy heeds is offered.
  await page.keyboard.press('Control+z');
  await choose(page, 'Q-Refine');
  await expect(page.getByRole('group', { name: 'Stage 1: repaint' })).toBeHidden();
  await page.getByRole('group', { name: 'Repaint' }).getByLabel('Steps', { exact: true }).fill('4');
  await page.getByRole('group', { name: 'Enhance' }).getByLabel('Steps', { exact: true }).fill('4');
  await refine(page, 2);
  await expect(history).toContainText('Q-Refine · DPM++ 2M Karras 4 · PASD 4');

  // By hand: nothing to do without a mask, and a drag over the picture paints one.
  await page.keyboard.press('Control+z');
  await choose(page, 'Inpainting by hand');
  await expect(panel(page)).toContainText('Paint over what is to be replaced');
  await expect(page.getByRole('button', { name: /^Refine/ })).toBeDisabled();
  await panel(page).getByLabel('Steps', { exact: true }).fill('4');
  const canvas = await page.getByTestId('hand-mask').boundingBox();
  if (!canvas) throw new Error('no mask to paint on');
  const at = (u: number, v: number) => [canvas.x + u * canvas.width, canvas.y + v * canvas.height] as const;
  const drag = async (from: readonly [number, number], to: readonly [number, number]) => {
    await page.mouse.move(...from);
    await page.mouse.down();
    await page.mouse.move(...to, { steps: 4 });
    await page.mouse.up();
  };
  await panel(page).getByLabel('Brush').fill('0.3');
  await drag(at(0.2, 0.3), at(0.4, 0.3));
  const share = panel(page).getByRole('status').filter({ hasText: 'of the picture is masked' });
  await expect(share).toContainText(/^1\d % of the picture is masked/);
  await page.getByRole('radio', { name: 'Erase' }).click();
  await drag(at(0.4, 0.3), at(0.44, 0.3));
  await expect(share).toContainText(/^\d % of the picture is masked/);
  await refine(page, 3);

  const downloading = page.waitForEvent('download');
  await page.evaluate(() => Reflect.deleteProperty(globalThis, 'showSaveFilePicker'));
  await page.keyboard.press('Control+s');
  const saved = readFileSync(await (await downloading).path());
  const { refinements } = refineRecord(saved) as {
    refinements: { strategy: string; regions: { place: { x: number; y: number; width: number; height: number } }[] }[];
  };
  expect(refinements).toMatchObject([
    { strategy: 'inpaintingByHand', seed: 7, settings: { inpaintingByHand: { steps: 4, strength: 0.9 } } },
  ]);
  const places = refinements.flatMap(({ regions }) => regions.map(({ place }) => place));
  expect(places).toHaveLength(1);
  const counts = await changedPixels(page, { before: picture.buffer, after: saved, places });
  expect(counts.outside).toBeGreaterThan(4000);
  expect(counts.changedInside).toBeGreaterThan(100);
  expect(counts.changedOutside).toBe(0);
});
