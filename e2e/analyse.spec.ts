import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, needsF16, test } from './browser/fixtures.ts';
import { App, TINY_CLIP } from './journeys/app.ts';
import { generatedPng } from './journeys/generatedPng.ts';
import { pageTasks } from './journeys/pageTasks.ts';

const REAL_IMAGES = fileURLToPath(new URL('../../shared/data/ai_images/stable_diffusion', import.meta.url));

const picture = { name: 'hat.png', mimeType: 'image/png', buffer: generatedPng() };

test('from nothing to both maps: add a model, open an image, read where it is bad', async ({ page }) => {
  const app = new App(page);
  await app.open();
  await app.addModel(TINY_CLIP, { precision: '32-bit' });

  await app.openImages(picture);
  await expect(page.getByText('from A1111 metadata')).toBeVisible();
  await app.analysed();

  const quality = await app.value(app.quality);
  expect(quality).toBeGreaterThan(0);
  expect(quality).toBeLessThan(100);
  await expect(page.getByText('Measured with learned contexts.')).toBeVisible();
  await expect(app.phrases).toHaveText([/^red hat/, /^brown dog/, /^oil painting/]);
  await expect(app.phrases.nth(2)).toContainText('style');

  // The overlay is drawn: somewhere opaque, and not everywhere alike.
  const alphas = await app.overlay.evaluate((canvas: HTMLCanvasElement) => {
    const data = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    const alpha = Array.from(data).filter((_, i) => i % 4 === 3);
    return { least: Math.min(...alpha.slice(0, 60_000)), most: Math.max(...alpha.slice(0, 60_000)) };
  });
  expect(alphas.most).toBeGreaterThan(alphas.least);

  // A phrase's own map.
  await app.phrases.nth(0).click();
  await expect(app.phrases.nth(0)).toHaveAttribute('aria-pressed', 'true');

  // Another prompt measures the match again and the quality not.
  await page.getByRole('button', { name: 'Edit' }).click();
  await app.prompt.fill('a blue bird in snow');
  await app.prompt.press('Enter');
  await app.analysed();
  await expect(app.phrases).toHaveText([/^blue bird/, /^snow/]);
  expect(await app.value(app.quality)).toBe(quality);

  // Coarser, and with written words: other numbers, said so.
  await page.getByText('How it is measured').click();
  await page.getByLabel('Resolution').selectOption('224');
  await app.analysed();
  await page.getByLabel('Quality words').selectOption('Written');
  await expect(page.getByText('Measured with written words')).toBeVisible();
  await app.analysed();
  expect(await app.value(app.quality)).not.toBe(quality);

  // The model is still there on the next visit, without any folder.
  await page.reload();
  await expect(app.menu('Model')).toContainText('clip-tiny');
  await app.openImages(picture);
  await app.analysed();
  expect(await app.value(app.quality)).toBe(quality);
});

test('the page’s thread is never busy for over 50 ms', async ({ browser, page }, testInfo) => {
  const app = new App(page);
  await app.open();
  // From the disk: handing bytes to the page through the test's own channel would be work of the page's thread.
  const large = testInfo.outputPath('large.png');
  writeFileSync(large, generatedPng({ width: 2048, height: 2048 }));
  const tasks = await pageTasks({ browser, page }, async () => {
    await app.addModel(TINY_CLIP, { precision: '16-bit' });
    await app.openImages([large]);
    await app.analysed();
    await page.keyboard.press('b');
    await page.keyboard.press('m');
    await page.keyboard.press('a');
  });
  expect(tasks.filter((milliseconds) => milliseconds > 50)).toEqual([]);
});

test('every tier and precision sees the same', async ({ page, hasF16 }) => {
  const app = new App(page);
  await app.open();
  await app.addModel(TINY_CLIP, { precision: '16-bit' });
  await app.openImages(picture);
  await app.analysed();
  const scores = async () => ({ quality: await app.value(app.quality), match: await app.value(app.match) });
  const onProcessor = await scores();

  for (const tier of ['GPU, 32-bit', ...(hasF16 ? (['GPU, 16-bit'] as const) : [])] as const) {
    await app.computeOn(tier);
    // Another file, so that features are computed and not remembered.
    await app.openImages({ ...picture, name: `${tier}.png` });
    await app.analysed();
    const onGpu = await scores();
    expect(Math.abs(onGpu.quality - onProcessor.quality), `quality on ${tier}`).toBeLessThanOrEqual(1);
    expect(Math.abs(onGpu.match - onProcessor.match), `match on ${tier}`).toBeLessThanOrEqual(1);
  }
  needsF16(hasF16);
});

test('a lost GPU costs a moment and nothing else', async ({ page, browser, hasF16, expectedErrors }) => {
  expectedErrors.push(/device|GPU|lost/i);
  const app = new App(page);
  await app.open();
  await app.addModel(TINY_CLIP, { precision: '32-bit' });
  await app.computeOn('GPU, 32-bit');
  await app.openImages(picture);
  await app.analysed();
  const before = await app.value(app.quality);

  const session = await browser.newBrowserCDPSession();
  await session.send('Browser.crashGpuProcess').catch(() => {});
  await expect(
    page
      .getByText(/GPU.*(lost|reset|gone)/i)
      .filter({ visible: true })
      .first(),
  ).toBeVisible();

  await app.openImages({ ...picture, name: 'after.png' });
  await app.analysed();
  expect(await app.value(app.quality)).toBe(before);
  expect(hasF16).toBeDefined();
});

test('what goes wrong says so and loses nothing', async ({ page }) => {
  const app = new App(page);
  await app.open();

  // No model yet: the image opens, its prompt is read, and one step is offered.
  await app.openImages(picture);
  await expect(page.locator('[data-problem="PackMissingError"]')).toBeVisible();
  await expect(app.prompt).toHaveValue('a red hat on a brown dog, oil painting');

  // Not an image, although it says so.
  await app.openImages({ name: 'text.png', mimeType: 'image/png', buffer: Buffer.from('no picture at all') });
  await expect(page.locator('[data-problem="ImageError"]')).toContainText('text.png');

  // An image larger than any browser can hold is refused by its header.
  const huge = generatedPng({ text: null });
  huge.writeUInt32BE(60_000, 16);
  huge.writeUInt32BE(60_000, 20);
  await app.openImages({ name: 'huge.png', mimeType: 'image/png', buffer: huge });
  await expect(page.locator('[data-problem="ImageError"]')).toContainText('60000');

  // A folder that is no CLIP.
  await page.getByTestId('pick-files').setInputFiles([
    { name: 'config.json', mimeType: 'application/json', buffer: Buffer.from('{"model_type":"llama"}') },
    { name: 'model.safetensors', mimeType: '', buffer: Buffer.from('x') },
  ]);
  await expect(page.getByText(/llama/).first()).toBeVisible();
  await expect(page.getByRole('button', { name: 'Add model' })).toBeDisabled();
  await page.keyboard.press('Escape');

  // The first image and its prompt are as they were.
  await page
    .getByRole('navigation', { name: 'Images' })
    .getByRole('button', { name: /^hat\.png/ })
    .click();
  await expect(app.prompt).toHaveValue('a red hat on a brown dog, oil painting');
});

test('an analysis can be stopped and started again', async ({ page }) => {
  const app = new App(page);
  await app.open();
  await app.addModel(TINY_CLIP, { precision: '32-bit' });
  const many = Array.from({ length: 12 }, (_, i) => ({ ...picture, name: `${i}.png` }));
  await app.openImages(many);
  await page.getByRole('button', { name: /^Cancel/ }).click();
  await expect(page.getByTestId('task')).toBeHidden();
  await page
    .getByRole('navigation', { name: 'Images' })
    .getByRole('button', { name: /^11\.png/ })
    .first()
    .click();
  await page
    .getByRole('button', { name: /^Analyse/ })
    .first()
    .click();
  await app.analysed();
  expect(await app.value(app.quality)).toBeGreaterThan(0);
});

test('exports: the map as PNG at the size of the image, all numbers as JSON', async ({ page }) => {
  const app = new App(page);
  await app.open();
  await app.addModel(TINY_CLIP, { precision: '32-bit' });
  await app.openImages(picture);
  await app.analysed();
  const panel = page.getByRole('dialog', { name: 'Export' });
  await page.getByText('of this picture', { exact: true }).click();
  const measures = page.getByRole('table', { name: 'Measures of the picture' });
  for (const name of ['CLIP-IQA', 'CLIPScore', 'NIQE', 'BRISQUE']) {
    await expect(measures.getByRole('row', { name: new RegExp(`^${name} \\d`) })).toBeVisible();
  }

  const download = async (name: RegExp) => {
    await app.menu('Export').click();
    const waiting = page.waitForEvent('download');
    await panel.getByRole('button', { name }).first().click();
    return readFileSync(await (await waiting).path());
  };
  const record = JSON.parse((await download(/numbers|JSON/i)).toString()) as {
    prompt: string;
    measures: Record<string, { value: number }>;
  };
  expect(record.prompt).toBe('a red hat on a brown dog, oil painting');
  expect(record.measures.clipIqa?.value).toBeGreaterThan(0);
  expect(Object.keys(record.measures)).toEqual(expect.arrayContaining(['quality', 'match', 'niqe', 'brisque']));
  const png = await download(/PQ|Perceptual/i);
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([320, 240]);
});

test('real generated images', async ({ page }) => {
  test.skip(!existsSync(REAL_IMAGES), 'no ../shared/data/ai_images beside the project');
  const app = new App(page);
  await app.open();
  await app.addModel(TINY_CLIP, { precision: '32-bit' });
  const files = readdirSync(REAL_IMAGES)
    .slice(0, 3)
    .map((file) => `${REAL_IMAGES}/${file}`);
  await app.openImages(files);
  const entries = page.getByRole('navigation', { name: 'Images' }).locator('[data-image]');
  await expect(entries).toHaveCount(files.length);
  for (const entry of await entries.all()) {
    await expect(entry).toHaveAccessibleName(/quality/, { timeout: 120_000 });
    await entry.click();
    expect(await app.value(app.quality)).toBeGreaterThan(0);
  }
});
