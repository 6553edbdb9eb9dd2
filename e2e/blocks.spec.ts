import { existsSync, readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { Judge } from '../bench/evaluate/judge.ts';
import type { RgbaImage } from '../src/image/rgbaImage.ts';
import { expect, test } from './browser/fixtures.ts';
import { App } from './journeys/app.ts';

/** Models that this build is served with; with those of `BLOCKS_MODELS` the way is walked, but nothing is expected of them. */
const isServed = (part: string) => existsSync(`dist/blocks/${part}/config.json`);
const JUDGE = 'training/blocks/judge.onnx';
const isTrained = existsSync('public/blocks/inpainting/unet/config.json') && existsSync(JUDGE);

/** A picture that lacks what its prompt asks for, and what else is in it. */
const SAMPLE = {
  title: 'No purple sphere',
  file: 'public/samples/absent.webp',
  asked: ['sphere', 'purple'],
  others: [['cylinder', 'blue']],
  // Seeds differ in what they paint; this makes the journey the same every time.
  seed: '1',
} as const;

const LONG = 900_000;

test.use({ withBlocks: true });

test('a first visit: one click on a sample, and the maps say what is wrong with it', async ({ page }) => {
  test.skip(!isServed('clip'), 'this build comes without the models of Blocks');
  test.skip(!existsSync('public/blocks/clip/config.json'), 'what untrained models see is not judged');
  const app = new App(page);
  await page.goto('/');
  const samples = page.getByRole('region', { name: 'Samples' });
  await samples.getByRole('button', { name: SAMPLE.title }).click();
  await app.analysed();
  await expect(app.menu('Model')).toContainText('Blocks');
  const prompt = page.getByRole('region', { name: 'Prompt', exact: true });
  await expect(prompt).toContainText(/purple sphere\s*missing/);
  await expect(prompt).toContainText(/matte cylinder\s*found/);
  const match = page.getByRole('meter', { name: 'Match' });
  expect(await app.value(match)).toBeLessThan(50);

  await page.reload();
  await samples.getByRole('button', { name: 'Not a white cube' }).click();
  await app.analysed();
  const phrases = page.getByRole('region', { name: 'Phrases of the prompt' });
  await expect(phrases).toContainText('wrong attribute: looks like “blue cube”');

  await page.reload();
  await samples.getByRole('button', { name: 'Too much colour' }).click();
  await app.analysed();
  expect(await app.value(match)).toBeGreaterThan(80);
  expect(await app.value(page.getByRole('meter', { name: 'Quality' }))).toBeLessThan(40);
  await expect(page.getByRole('button', { name: /^Naturalness: [1-5]?\d of 100/ })).toBeVisible();
  await expect(page.getByRole('button', { name: /^Technical: [89]\d of 100/ })).toBeVisible();
});

test('a first visit: one click on a sample, one on Refine, and what was missing is there', async ({ page }) => {
  test.skip(!isServed('clip'), 'this build comes without the models of Blocks');
  test.skip(!isServed('inpainting/unet'), 'this build comes without models of Blocks that repair');
  // Half a minute of one core, on machines that may be busy with other work.
  test.setTimeout(LONG);
  const app = new App(page);
  const clock = stopwatch();
  await page.goto('/');
  await page.getByRole('region', { name: 'Samples' }).getByRole('button', { name: SAMPLE.title }).click();
  await expect(page.getByRole('note').filter({ visible: true })).toContainText('toy world');
  await app.analysed();
  await expect(app.menu('Model')).toContainText('Blocks');
  clock.tell('from the first byte to the maps');
  const refine = page.getByRole('region', { name: 'Refine' }).getByRole('button', { name: /^Refine/ });
  // As soon as it can be pressed, nothing is left out for want of a model.
  await expect(refine).toBeEnabled({ timeout: LONG });
  if (isServed('restoration/unet')) {
    expect(await page.getByRole('region', { name: 'Refine' }).textContent()).not.toContain('No PASD model');
  }
  clock.tell('until all models are installed');
  await page.getByRole('region', { name: 'Refine' }).getByText('Settings', { exact: true }).click();
  await page.getByRole('region', { name: 'Refine' }).getByLabel('Seed', { exact: true }).fill(SAMPLE.seed);
  await refine.click();
  const result = page.getByRole('toolbar', { name: 'Result' });
  const rejection = page.getByText('No improvement found');
  await expect(result.or(rejection).first()).toBeVisible({ timeout: LONG });
  clock.tell('refining');
  test.skip(!isTrained, 'the way was walked; what untrained models paint is not judged');
  await expect(rejection).toBeHidden();
  await page.evaluate(() => Reflect.deleteProperty(globalThis, 'showSaveFilePicker'));
  const downloading = page.waitForEvent('download');
  await page.keyboard.press('Control+s');
  const saved = readFileSync(await (await downloading).path());
  const judge = await Judge.open(JUDGE);
  const before = await judge.look(await pixelsOf(page, readFileSync(SAMPLE.file), 'image/webp'));
  const after = await judge.look(await pixelsOf(page, saved, 'image/png'));
  expect(before(...SAMPLE.asked)).toBe(false);
  for (const [shape, colour] of SAMPLE.others) {
    expect(after(shape, colour), `the ${colour} ${shape} is still there`).toBe(before(shape, colour));
  }
  expect(after(...SAMPLE.asked), 'what was missing is there').toBe(true);
});

/** Pixels of a picture, decoded by the browser. */
async function pixelsOf(page: Page, bytes: Buffer, type: string): Promise<RgbaImage> {
  const { width, height, data } = await page.evaluate(
    async ([base64, kind]) => {
      const binary = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const bitmap = await createImageBitmap(new Blob([binary], { type: kind }));
      const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
      if (!context) throw new Error('No canvas');
      context.drawImage(bitmap, 0, 0);
      const { data: pixels } = context.getImageData(0, 0, bitmap.width, bitmap.height);
      return { width: bitmap.width, height: bitmap.height, data: Array.from(pixels) };
    },
    [bytes.toString('base64'), type] as const,
  );
  return { width, height, data: Uint8ClampedArray.from(data) };
}

function stopwatch() {
  let last = performance.now();
  return {
    tell(what: string) {
      const now = performance.now();
      console.log(`Blocks, ${what}: ${((now - last) / 1000).toFixed(1)} s`);
      last = now;
    },
  };
}
