import { HUB_PORT, PAGES_PORT } from './browser/chosenBrowser.ts';
import { expect, test } from './browser/fixtures.ts';
import { filesOfFolder } from './hub/hubFiles.ts';
import { HubServer } from './hub/hubServer.ts';
import { App, TINY_CLIP } from './journeys/app.ts';
import { generatedPng } from './journeys/generatedPng.ts';
import { TINY_REPOSITORY } from './packs/tinyBundle.ts';

test.use({ expectedErrors: [/net::ERR_/] });

let hub: HubServer;
test.beforeAll(async () => {
  hub = await HubServer.start({ port: HUB_PORT, repositories: { [TINY_REPOSITORY]: filesOfFolder(TINY_CLIP) } });
});
test.afterAll(() => hub.close());

test('models are installed from a hub: the download breaks, is resumed after a reload, and an image is analysed', async ({
  page,
}) => {
  const app = new App(page);
  // The connection breaks at the same place however often it is tried.
  hub.misbehave({ path: 'model.safetensors', dropAt: 1_000_000 });
  await page.goto(`http://localhost:${PAGES_PORT}/install.html?hub=${hub.endpoint}`);
  await page.getByRole('button', { name: 'Install Tiny maps' }).click();
  const problem = page.locator('[data-problem=DownloadError]');
  await expect(problem).toContainText('The download stopped');
  await expect(problem).toContainText('model.safetensors');

  hub.reset();
  await page.reload();
  await app.menu('Model').click();
  const dialog = page.getByRole('dialog', { name: 'Models' });
  await dialog.getByRole('button', { name: 'Resume Tiny maps' }).click();
  await expect(dialog.getByRole('heading', { name: 'Tiny maps' }).locator('..')).toContainText('Installed');
  await expect(page.getByTestId('install')).toHaveCount(0);

  await dialog.getByRole('tab', { name: /Installed/ }).click();
  await dialog.getByRole('button', { name: 'Details of Tiny CLIP q8' }).click();
  await expect(dialog).toContainText(`${TINY_REPOSITORY} ${hub.commitOf(TINY_REPOSITORY).slice(0, 7)}`);
  await dialog.getByRole('button', { name: 'Verify Tiny CLIP q8' }).click();
  await expect(dialog).toContainText('Everything is as it was written.');
  await dialog.getByRole('button', { name: 'Close' }).click();

  await app.openImages([{ name: 'a.png', mimeType: 'image/png', buffer: generatedPng() }]);
  await app.analysed();
  expect(await app.value(app.quality)).toBeGreaterThanOrEqual(0);
});
