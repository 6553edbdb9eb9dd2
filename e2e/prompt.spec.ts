import type { Page } from '@playwright/test';
import { PAGES_PORT } from './browser/chosenBrowser.ts';
import { expect, test } from './browser/fixtures.ts';
import { generatedPng } from './journeys/generatedPng.ts';

/** How a prompt is shown as read, with workers that read it for real and measure nothing (`pages/fakeWorkers.ts`). */
async function show(page: Page, prompt: string): Promise<void> {
  await page.goto(`http://localhost:${PAGES_PORT}/interface.html?${new URLSearchParams({ prompt })}`);
  await page
    .getByTestId('pick-images')
    .setInputFiles([{ name: 'dog.png', mimeType: 'image/png', buffer: generatedPng() }]);
}

const marked = (page: Page) => page.getByTestId('marked-prompt');

test('phrases are marked in the prompt as typed, and tell where they belong', async ({ page }) => {
  const prompt = 'a photo of a (red:1.3) flower pot on a bench without a cat, (masterpiece:1.2), 8k';
  await show(page, prompt);
  await expect(marked(page).getByRole('button')).toHaveText([
    /^photo/,
    /^red/,
    /^bench/,
    /^cat/,
    /^masterpiece/,
    /^8k/,
  ]);
  await expect(marked(page)).toContainText('a (red');
  await expect(marked(page).getByRole('button', { name: /^cat: unwanted/ })).toBeVisible();
  await marked(page)
    .getByRole('button', { name: /^bench/ })
    .click();
  await expect(page.getByTestId('ancestor')).toHaveText('“bench” belongs to “red flower pot”');
  await marked(page)
    .getByRole('button', { name: /^red flower pot/ })
    .hover();
  await expect(page.getByTestId('ancestor')).toContainText('belongs to the whole picture, weight 1.1');
});

test('the dependency tree is drawn on demand, and said as text', async ({ page }) => {
  await show(page, 'a red hat on a brown dog that is sitting next to two cats');
  const tree = page.getByTestId('dependency-tree');
  await expect(marked(page)).toBeVisible();
  await expect(tree).toHaveCount(0);
  await page.getByRole('button', { name: 'Grammar' }).click();
  await expect(tree.getByRole('img')).toHaveAccessibleName(/Dependency tree of “a red hat on a brown dog/);
  await expect(tree.locator('svg')).toContainText('amod');
  await tree.getByText('As text').click();
  await expect(tree.getByRole('row', { name: /red ADJ amod describes hat/ })).toBeVisible();
  await page.getByRole('button', { name: 'Grammar' }).click();
  await expect(tree).toHaveCount(0);
});
