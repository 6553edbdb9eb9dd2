import type { Locator, Page } from '@playwright/test';
import { PAGES_PORT } from './browser/chosenBrowser.ts';
import { expect, test } from './browser/fixtures.ts';

/** The models' dialog in all its states, with a worker that writes nothing (`pages/fakePacks.ts`). */

const EMPTY = { packs: '0', inpainting: '0', restoration: '0' };

async function open(page: Page, scenario: Record<string, string> = {}): Promise<void> {
  await page.goto(`http://localhost:${PAGES_PORT}/interface.html?${new URLSearchParams(scenario)}`);
}

/** Opens the dialog from the top bar. */
async function openModels(page: Page): Promise<Locator> {
  await page
    .getByRole('banner')
    .getByRole('button', { name: /^Model: / })
    .click();
  return page.getByRole('dialog', { name: 'Models' });
}

const card = (dialog: Locator, name: string) =>
  dialog.getByRole('listitem').filter({ has: dialog.page().getByRole('heading', { name, exact: true }) });
const install = (page: Page) => page.getByTestId('install');

test('the first visit: one click installs the maps, and they are in use', async ({ page }) => {
  await open(page, EMPTY);
  await expect(page.getByRole('region', { name: 'Models' })).toContainText('599 MB');
  await page.getByRole('button', { name: 'Install Maps' }).click();
  await expect(page.getByRole('button', { name: /^Model: CLIP ViT-B\/16/ })).toBeVisible();
  await expect(page.getByText('Maps is installed')).toBeVisible();
  const dialog = await openModels(page);
  await dialog.getByRole('tab', { name: 'Get models' }).click();
  await expect(card(dialog, 'Maps')).toContainText('Installed');
  await expect(card(dialog, 'Maps')).toContainText('in use');
});

test('what is offered tells size, memory and licences; unknown sizes are asked when it is opened', async ({ page }) => {
  await open(page, EMPTY);
  const dialog = await openModels(page);
  const sdxl = card(dialog, 'SDXL');
  await expect(sdxl).toContainText('Downloadnot known yet');
  await expect(sdxl).toContainText('this app may use 5.5 GB here: it works slower');
  await expect(card(dialog, 'SDXL, 4-bit')).toContainText('Suits this machine');
  await sdxl.getByRole('button', { name: 'Its 2 models' }).click();
  await expect(sdxl).toContainText('Downloadabout 11.2 GB');
  await expect(sdxl.getByRole('link', { name: 'OpenRAIL++-M' })).toHaveAttribute('href', /stable-diffusion-xl/);
});

test('an installation of two models is one progress: paused, resumed, seen from outside', async ({ page }) => {
  await open(page, { ...EMPTY, hang: 'compile', step: '10' });
  const dialog = await openModels(page);
  await card(dialog, 'SD 1.5').getByRole('button', { name: 'Install' }).click();
  await expect(install(page)).toContainText('2.1 GB of 8.6 GB');
  await expect(install(page)).toContainText('Model 1 of 2: Stable Diffusion 1.5 Inpainting');
  await expect(card(dialog, 'Maps').getByRole('button', { name: 'Install' })).toBeDisabled();
  await install(page).getByRole('button', { name: 'Pause' }).click();
  await expect(install(page)).toHaveAttribute('data-state', 'paused');
  await dialog.getByRole('button', { name: 'Close' }).click();
  await page.getByTestId('paused').getByRole('button', { name: 'Resume' }).click();
  await expect(page.getByTestId('task')).toContainText('2.1 GB of 8.6 GB');
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('paused')).toBeVisible();
});

test('a download that breaks says so and goes on to the end', async ({ page }) => {
  await open(page, { ...EMPTY, install: 'DownloadError' });
  const dialog = await openModels(page);
  await card(dialog, 'SD 1.5').getByRole('button', { name: 'Install' }).click();
  await expect(install(page)).toHaveAttribute('data-state', 'failed');
  await expect(dialog.getByRole('alert')).toContainText('Resume goes on where it stopped');
  await dialog.getByRole('button', { name: 'Resume' }).click();
  await expect(card(dialog, 'SD 1.5')).toContainText('in use');
  await expect(install(page)).toHaveCount(0);
});

test('a gated model leads to the token, which stays in memory unless asked otherwise', async ({ page }) => {
  await open(page, { ...EMPTY, install: 'Gated' });
  const dialog = await openModels(page);
  await card(dialog, 'SD 1.5').getByRole('button', { name: 'Install' }).click();
  await dialog.getByRole('button', { name: 'Enter an access token' }).click();
  await dialog.getByLabel('Access token').fill('hf_secret');
  await expect(dialog).toContainText('forgotten when this page is closed');
  const stored = () => page.evaluate(() => JSON.stringify({ ...localStorage }));
  expect(await stored()).not.toContain('hf_secret');
  await dialog.getByLabel('Remember it on this machine').check();
  expect(await stored()).toContain('hf_secret');
  await dialog.getByRole('button', { name: 'Resume' }).click();
  await expect(install(page)).toHaveCount(0);
});

test('an address the page may not fetch from tells how to allow it', async ({ page }) => {
  await open(page);
  const dialog = await openModels(page);
  await dialog.getByRole('tab', { name: 'Source' }).click();
  const endpoint = dialog.getByLabel('Models are downloaded from');
  await endpoint.fill('hf.example');
  await expect(dialog.getByRole('alert')).toContainText('GREFINE_HUB=https://hf.example npm start');
  await endpoint.fill('https://mirror.example/');
  await endpoint.press('Enter');
  await expect(endpoint).toHaveValue('https://mirror.example');
  await expect(dialog.getByRole('alert')).toHaveCount(0);
});

test('too little room is told before anything is fetched', async ({ page }) => {
  await open(page, { ...EMPTY, packs: '1', free: '4200000000' });
  const dialog = await openModels(page);
  await dialog.getByRole('tab', { name: 'Get models' }).click();
  await expect(card(dialog, 'SDXL')).toContainText('the browser gives 4.2 GB');
  await card(dialog, 'SDXL').getByRole('button', { name: 'Install' }).click();
  await expect(install(page)).toContainText('at least 6.2 GB');
  await expect(page.getByTestId('storage')).toContainText('10.4 GB still needed');
  await install(page).getByRole('button', { name: 'See installed models' }).click();
  await expect(dialog.getByRole('tab', { name: 'Installed (1)' })).toHaveAttribute('aria-selected', 'true');
});

test('after a reload, what was begun goes on or is deleted', async ({ page }) => {
  await open(page, { drafts: '2' });
  const dialog = await openModels(page);
  const unfinished = dialog.getByRole('region', { name: 'Unfinished installations' });
  await expect(unfinished).toContainText('3.1 GB of 6.9 GB');
  await expect(unfinished).toContainText('Add the same folder or file again');
  await unfinished.getByRole('button', { name: 'Delete what was begun of realisticVision-inpainting' }).click();
  await unfinished.getByRole('button', { name: 'Delete 1.5 GB' }).click();
  await expect(unfinished).not.toContainText('realisticVision');
  await unfinished.getByRole('button', { name: 'Resume SDXL Inpainting 0.1' }).click();
  await expect(unfinished).toHaveCount(0);
  await expect(dialog.getByRole('region', { name: 'Repaints bad regions' })).toContainText('SDXL Inpainting 0.1');
});

test('another tab at work is seen; what it installed is there without a reload', async ({ page }) => {
  await open(page, { elsewhere: '3000' });
  const dialog = await openModels(page);
  await expect(page.getByTestId('elsewhere')).toContainText('2.9 GB of 6.9 GB');
  await dialog.getByRole('tab', { name: 'Get models' }).click();
  await expect(card(dialog, 'Maps').getByRole('button', { name: 'Install' })).toBeDisabled();
  await expect(page.getByTestId('elsewhere')).toHaveCount(0);
  await dialog.getByRole('tab', { name: /Installed/ }).click();
  await expect(dialog).toContainText('Installed by another tab');
});

test('a model is checked, repaired and known by its origin', async ({ page }) => {
  await open(page, { damaged: 'hub' });
  const dialog = await openModels(page);
  await dialog.getByRole('button', { name: 'Details of openai/clip-vit-base-patch16' }).click();
  await expect(dialog).toContainText('openai/clip-vit-base-patch16 57c2164');
  await dialog.getByRole('button', { name: 'Verify openai/clip-vit-base-patch16' }).click();
  await expect(dialog.getByRole('alert')).toContainText('Damaged: weights-3.bin, vae/config.json');
  await dialog.getByRole('button', { name: 'Repair, fetch 1.1 GB' }).click();
  await expect(dialog).toContainText('Repaired: everything is as it was written.');
});

test('damage that cannot be fetched is repaired from the files it was made from', async ({ page }) => {
  await open(page, { damaged: 'files' });
  const dialog = await openModels(page);
  await dialog.getByRole('button', { name: 'Details of openai/clip-vit-base-patch16' }).click();
  await dialog.getByRole('button', { name: 'Verify openai/clip-vit-base-patch16' }).click();
  const chooser = page.waitForEvent('filechooser');
  await dialog.getByRole('button', { name: 'Choose its folder' }).click();
  await chooser;
  const files = ['config.json', 'model.safetensors'].map((name) => ({ name, mimeType: '', buffer: Buffer.alloc(9) }));
  await page.getByTestId('pick-files').setInputFiles(files);
  await page
    .getByRole('dialog', { name: 'Repair openai' })
    .getByRole('button', { name: 'Repair', exact: true })
    .click();
  await expect(dialog).toContainText('Repaired: everything is as it was written.');
});

test('models are exported to a folder and imported from one', async ({ page }) => {
  // No dialog of the browser can be answered here: the page gets a folder of its own.
  await page.addInitScript(() => {
    Object.assign(window, { showDirectoryPicker: () => navigator.storage.getDirectory() });
  });
  await open(page);
  const dialog = await openModels(page);
  await dialog.getByRole('button', { name: 'Details of openai/clip-vit-base-patch16' }).click();
  await dialog.getByRole('button', { name: 'Export openai/clip-vit-base-patch16' }).click();
  await expect(dialog).toContainText('Choose that folder on the other machine');
  const files = ['pack.json', 'weights-0.bin'].map((name) => ({ name, mimeType: '', buffer: Buffer.alloc(9) }));
  await page.getByTestId('pick-files').setInputFiles(files);
  await expect(page.getByRole('button', { name: /^Model: Carried over/ })).toHaveCount(1);
});

test('where no folder can be written, it is said', async ({ page }) => {
  await page.addInitScript(() => {
    delete (window as { showDirectoryPicker?: unknown }).showDirectoryPicker;
  });
  await open(page);
  const dialog = await openModels(page);
  await dialog.getByRole('button', { name: 'Details of openai/clip-vit-base-patch16' }).click();
  await expect(dialog.getByRole('button', { name: 'Export openai/clip-vit-base-patch16' })).toBeDisabled();
  await expect(dialog).toContainText('This browser cannot write into folders');
});

test('the dialog is worked by keyboard, gives the focus back, and fits a phone', async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await open(page, { ...EMPTY, install: 'DownloadError' });
  const dialog = await openModels(page);
  await card(dialog, 'SD 1.5').getByRole('button', { name: 'Install' }).press('Enter');
  await expect(install(page)).toHaveAttribute('data-state', 'failed');
  for (const tab of ['Get models', 'Installed', 'Source']) {
    await dialog.getByRole('tab', { name: tab }).focus();
    await expect(dialog.getByRole('tab', { name: tab })).toHaveAttribute('aria-selected', 'true');
    expect(await dialog.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0);
  }
  for (const control of await dialog.locator('button:visible, input:visible, a:visible').all()) {
    await expect(control).toHaveAccessibleName(/\S/);
  }
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  await expect(page.getByRole('button', { name: /^Model: / })).toBeFocused();
});
