import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { expect, test } from './browser/fixtures.ts';
import { App, TINY_CLIP } from './journeys/app.ts';
import { generatedPng } from './journeys/generatedPng.ts';

const COUNT = 22;

test('teach it your taste: rate, learn, keep, measure with it, and find it again', async ({ page }, testInfo) => {
  // The paler, the worse.
  const folder = testInfo.outputPath('rated');
  await mkdir(folder, { recursive: true });
  const rows = ['file,rating'];
  for (let i = 0; i < COUNT; i++) {
    const paleFrom = ((i * 7) % COUNT) / (COUNT - 1);
    const name = `picture-${i}.png`;
    await writeFile(`${folder}/${name}`, generatedPng({ width: 64 + i, height: 48, text: null, paleFrom }));
    rows.push(`${name},${(1 + 4 * paleFrom).toFixed(2)}`);
  }
  rows.push('lost.png,3');
  await writeFile(`${folder}/extra.png`, generatedPng({ width: 40, height: 40, text: null }));
  const ratings = testInfo.outputPath('ratings.csv');
  await writeFile(ratings, rows.join('\n'));

  const app = new App(page);
  await app.open();
  await app.addModel(TINY_CLIP, { precision: '32-bit' });
  await app.openImages({ name: 'hat.png', mimeType: 'image/png', buffer: generatedPng({ text: null }) });
  await app.analysed();
  const quality = await app.value(app.quality);

  await page.getByText('How it is measured').click();
  await page.getByRole('button', { name: 'Teach it your taste…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Teach it your taste' });
  const learn = dialog.getByRole('button', { name: /^Learn from/ });
  await expect(learn).toBeDisabled();
  await page.getByTestId('pick-ratings').setInputFiles(ratings);
  await page.getByTestId('pick-rated-images').setInputFiles(folder);
  await expect(dialog).toContainText(`${COUNT} of them are among the images chosen`);
  await expect(dialog).toContainText('Rated, but not found: 1');
  await expect(dialog).toContainText('Chosen, but not rated: 1');
  await expect(dialog.getByLabel('Highest rating possible')).toHaveValue('5');

  // Stopped at once, everything is as it was; the second time goes to the end.
  await learn.click();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await learn.click();
  const result = dialog.getByRole('region', { name: 'Result' });
  await expect(result.getByRole('row', { name: /^Mean/ })).toBeVisible({ timeout: 120_000 });
  await expect(result.getByRole('row')).toHaveCount(1 + 4 + 1);
  await result.getByLabel('Name').fill('Not pale');
  await result.getByRole('button', { name: /^Keep( all the same, unused)?$/ }).click();

  const kept = dialog.getByRole('region', { name: 'Calibrations' }).getByRole('listitem');
  await expect(kept).toContainText(['Not pale']);
  const download = page.waitForEvent('download');
  await kept.getByRole('button', { name: 'Export' }).click();
  const exported = await (await download).path();
  expect(JSON.parse(readFileSync(exported, 'utf8'))).toMatchObject({ format: 'g-refine-calibration', images: COUNT });
  await kept.getByRole('button', { name: 'Use' }).click();
  await page.keyboard.press('Escape');
  await expect(page.getByText('Measured with words learned from your ratings.')).toBeVisible();
  await app.analysed();
  expect(await app.value(app.quality)).not.toBe(quality);

  // Still chosen on the next visit; deleted, the model's own words are back; imported, it is there again.
  await page.reload();
  await expect(app.menu('Model')).toContainText('clip-tiny');
  await app.openImages({ name: 'hat.png', mimeType: 'image/png', buffer: generatedPng({ text: null }) });
  await expect(page.getByText('Measured with words learned from your ratings.')).toBeVisible();
  await page.getByText('How it is measured').click();
  await page.getByRole('button', { name: 'Teach it your taste…' }).click();
  await kept.getByRole('button', { name: 'Delete' }).click();
  await kept.getByRole('button', { name: 'Delete for good' }).click();
  await expect(dialog).toContainText('No calibrations yet');
  const file = testInfo.outputPath('mine.json');
  await writeFile(file, readFileSync(exported));
  await page.getByTestId('pick-ratings').setInputFiles(file);
  await expect(kept).toContainText(['Not pale']);
  await page.keyboard.press('Escape');
  await expect(page.getByText('Measured with learned contexts.')).toBeVisible();
});
