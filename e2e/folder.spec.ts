import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { parseCsv } from '../src/table/csv.ts';
import { expect, test } from './browser/fixtures.ts';
import { App, TINY_CLIP, TINY_INPAINTING } from './journeys/app.ts';
import { generatedPng, STYLE_PARAMETERS } from './journeys/generatedPng.ts';

/** A folder of images: one pale, which is repaired; one that is no image; one that a list beside it describes. */
function writeFolder(at: string): string {
  const folder = `${at}/my pictures`;
  mkdirSync(`${folder}/deep`, { recursive: true });
  const small = { width: 96, height: 64 };
  writeFileSync(`${folder}/a pale one.png`, generatedPng({ ...small, paleFrom: 0, text: STYLE_PARAMETERS }));
  writeFileSync(`${folder}/broken.png`, 'this is no image');
  writeFileSync(`${folder}/deep/ünï, 漢.png`, generatedPng({ ...small, text: null }));
  writeFileSync(`${folder}/plain.png`, generatedPng({ ...small, text: null }));
  writeFileSync(`${folder}/prompts.csv`, 'file,prompt\n"deep/ünï, 漢.png","=a red ball, ""big"""\n');
  return folder;
}

const row = (page: Page, name: string) =>
  page.getByRole('row').filter({ has: page.getByRole('button', { name: `Open ${name}` }) });

/** What Export saves as CSV, a line an object. */
async function exportedTable(page: Page): Promise<Record<string, string>[]> {
  await page.getByRole('button', { name: 'Export' }).click();
  const downloading = page.waitForEvent('download');
  await page.getByRole('button', { name: /^CSV/ }).click();
  const download = await downloading;
  expect(download.suggestedFilename()).toBe('my pictures.g-refine.csv');
  const [header = [], ...rows] = parseCsv(readFileSync(await download.path(), 'utf8'));
  return rows.map((cells) => Object.fromEntries(header.map((name, i) => [name, cells[i] ?? ''])));
}

test('a folder in, a table out: one broken image, a reload in the middle, two ways compared', async ({
  page,
}, testInfo) => {
  test.slow();
  const folder = writeFolder(testInfo.outputPath());
  // The same picture each time, and a short job.
  await page.addInitScript(() => {
    const key = 'g-refine.preferences';
    const refine = { seed: 7, settings: { stage1: { steps: 4 } } };
    if (!localStorage.getItem(key)) localStorage.setItem(key, JSON.stringify({ refine }));
  });
  const app = new App(page);
  await app.open();
  await app.addModel(TINY_CLIP, { precision: '16-bit' });
  await app.addModel(TINY_INPAINTING, { precision: '16-bit' });

  // What is in the folder, and how it is started.
  await page.getByTestId('pick-folder').setInputFiles(folder);
  const setup = page.getByRole('form', { name: 'Folder my pictures' });
  await expect(setup).toContainText('4 images');
  await expect(setup).toContainText('“prompts.csv” has prompts for 1 image.');
  await setup.getByLabel('Prompt for images without one').fill('oil painting');
  await setup.getByRole('button', { name: 'Start' }).click();
  const status = page.getByRole('main').getByRole('status').first();
  await expect(status).toHaveText('Complete', { timeout: 180_000 });
  await expect(row(page, 'broken.png')).toContainText('Failed');
  await expect(row(page, 'plain.png')).toContainText('Analysed');

  // The second way, and the page is loaded again while it is at work.
  await page.getByRole('button', { name: 'Go over it again' }).click();
  await page.getByRole('checkbox', { name: /^G-Refine, stage 1 only/ }).check();
  await page.getByRole('form', { name: 'Go over it again' }).getByRole('button', { name: 'Start' }).click();
  await expect(row(page, 'a pale one.png, G-Refine, stage 1 only')).toContainText('Working');
  await page.reload();
  await expect(page.getByText('Drop “my pictures” here again to go on.')).toBeVisible();
  await expect(row(page, 'a pale one.png, G-Refine, stage 1 only')).toContainText('Waiting');
  await expect(row(page, 'plain.png, Analyse')).toContainText('Analysed');
  await page.getByTestId('pick-folder').setInputFiles(folder);
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect(status).toHaveText('Complete', { timeout: 180_000 });

  // Every image in every way has a line, and what is in it is safe to open.
  const table = await exportedTable(page);
  const notAnImage = expect.stringContaining('ImageError: Cannot open "broken.png"');
  const way = [
    ['a pale one.png', 'done', ''],
    ['broken.png', 'failed', notAnImage],
    ['deep/ünï, 漢.png', 'done', ''],
    ['plain.png', 'done', ''],
  ];
  expect(table.map(({ file, state, problem }) => [file, state, problem])).toEqual([...way, ...way]);
  const [first, , listed, typed, refined] = table;
  expect(first).toMatchObject({ prompt: 'oil painting', prompt_from: 'file', model: 'clip-tiny', width: '96' });
  expect(listed).toMatchObject({ prompt: `'=a red ball, "big"`, prompt_from: 'list' });
  expect(typed).toMatchObject({ prompt: 'oil painting', prompt_from: 'typed' });
  expect(refined).toMatchObject({ outcome: 'refined', strategy: 'repaintOnly' });
  expect(Number(refined?.quality_after)).toBeGreaterThan(Number(refined?.quality));
  expect(Number(refined?.quality)).toBeCloseTo(Number(first?.quality), 4);

  // Sorted by a measure, the refined picture opens beside its original.
  await page.getByRole('columnheader', { name: 'Quality' }).getByRole('button').click();
  await expect(page.getByRole('columnheader', { name: 'Quality' })).toHaveAttribute('aria-sort', 'ascending');
  await page.getByRole('button', { name: 'Open a pale one.png, G-Refine, stage 1 only' }).click();
  await expect(page.getByRole('toolbar', { name: 'Result' })).toBeVisible();

  // The refined pictures in a folder: no test can click in the browser's dialog, so the page's own file system has it.
  await page.evaluate(() => {
    const chosen = async () => (await navigator.storage.getDirectory()).getDirectoryHandle('chosen', { create: true });
    Object.assign(globalThis, { showDirectoryPicker: chosen });
  });
  await page.getByRole('button', { name: /^Folder/ }).click();
  await page.getByRole('button', { name: 'Export' }).click();
  await page.getByRole('button', { name: /^Save \d+ into a folder/ }).click();
  await expect(page.getByRole('dialog', { name: 'Export' })).toBeHidden();
  expect(await page.evaluate(filesOfChosen)).toContainEqual(['a pale one-refined.png', [0x89, 0x50, 0x4e, 0x47]]);

  // As a zip, where the browser lets no page write into a folder.
  await page.evaluate(() => Reflect.deleteProperty(globalThis, 'showDirectoryPicker'));
  await page.getByRole('button', { name: 'Export' }).click();
  const downloading = page.waitForEvent('download');
  await page.getByRole('button', { name: /^Save \d+ as a zip/ }).click();
  const zip = readFileSync(await (await downloading).path());
  expect(zip.subarray(0, 4)).toEqual(Buffer.from('PK\x03\x04'));
  expect(zip.includes('a pale one-refined.png')).toBe(true);
});

/** Names and first bytes of what is in the folder that stands for a chosen one. */
async function filesOfChosen(): Promise<[string, number[]][]> {
  const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('chosen');
  const found: [string, number[]][] = [];
  for await (const [name, handle] of folder.entries()) {
    if (!(handle instanceof FileSystemFileHandle)) continue;
    found.push([name, [...new Uint8Array(await (await handle.getFile()).slice(0, 4).arrayBuffer())]]);
  }
  return found;
}
