import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { PAGES_PORT } from './browser/chosenBrowser.ts';
import { expect, test } from './browser/fixtures.ts';
import { generatedPng } from './journeys/generatedPng.ts';

/**
 * The screen in states that real workers reach rarely or slowly, with workers that compute nothing (`pages/fakeWorkers.ts`).
 * What real workers do is tested in `journeys`.
 */

const PROMPT = 'a red hat on a brown dog, oil painting';
/** No task of the page may take longer, ms of CPU time. */
const LONGEST_TASK = 50;

const picture = (name = 'dog.png', size = {}) => ({ name, mimeType: 'image/png', buffer: generatedPng(size) });

async function open(page: Page, scenario: Record<string, string> = {}): Promise<void> {
  const query = new URLSearchParams({ prompt: PROMPT, ...scenario });
  await page.goto(`http://localhost:${PAGES_PORT}/interface.html?${query}`);
}

async function addImages(page: Page, ...files: ReturnType<typeof picture>[]): Promise<void> {
  await page.getByTestId('pick-images').setInputFiles(files.length > 0 ? files : [picture()]);
}

async function analysed(page: Page): Promise<void> {
  await expect(page.getByTestId('gauge-quality')).toContainText('71');
  await expect(page.getByTestId('gauge-match')).toContainText('54');
}

const meter = (page: Page, name: string) => page.getByRole('meter', { name });
const overlay = (page: Page) => page.getByTestId('overlay');
const legend = (page: Page) => page.getByTestId('legend');

/** Sum of the overlay's alpha: 0 where nothing is painted. */
const paintedAlpha = (page: Page) =>
  overlay(page).evaluate((canvas: HTMLCanvasElement) => {
    const { data } = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] };
    let sum = 0;
    for (let i = 3; i < data.length; i += 4) sum += data[i] ?? 0;
    return sum;
  });

test.describe('before there is an image', () => {
  test('it says what to do, what the machine can do and how to add a model', async ({ page }) => {
    await open(page, { packs: '0', adapter: 'none', tier: 'wasm' });
    await expect(page.getByText('Drop a generated image')).toBeVisible();
    await expect(page.getByText('This browser offers no WebGPU adapter.')).toBeVisible();
    await expect(page.getByText('No model yet')).toBeVisible();
    await expect(page.getByRole('button', { name: 'Choose folder' })).toBeVisible();
  });

  test('a model is added with the precision of choice, its progress in bytes, and it can be cancelled', async ({
    page,
  }) => {
    await open(page, { packs: '0', hang: 'compile', step: '10' });
    const files = ['config.json', 'model.safetensors'].map((name) => ({ name, mimeType: '', buffer: Buffer.alloc(9) }));
    await page.getByTestId('pick-files').setInputFiles(files);
    const dialog = page.getByRole('dialog', { name: 'Add a model' });
    await expect(dialog.getByRole('radio', { name: /16-bit/ })).toBeChecked();
    await dialog.getByRole('radio', { name: /8-bit/ }).check();
    await dialog.getByRole('button', { name: 'Add model' }).click();
    await expect(page.getByTestId('task')).toContainText('299 MB of 599 MB');
    await page.keyboard.press('Escape');
    await expect(page.getByTestId('task')).toHaveCount(0);
    await expect(page.getByText('No model yet')).toBeVisible();
    await expect(page.locator('[data-problem]')).toHaveCount(0);
  });

  test('something that is neither image nor model is refused in words', async ({ page }) => {
    await open(page);
    await addImages(page, { ...picture('notes.txt'), mimeType: 'text/plain' });
    await expect(page.getByRole('alert')).toContainText('“notes.txt” is neither an image nor a model folder');
  });
});

test.describe('images come in', () => {
  for (const way of ['drop', 'paste'] as const) {
    test(`by ${way}`, async ({ page }) => {
      await open(page);
      await page.evaluate(
        ({ way, bytes }) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], 'dog.png', { type: 'image/png' }));
          const event =
            way === 'drop'
              ? new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })
              : new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true });
          document.body.dispatchEvent(event);
        },
        { way, bytes: [...generatedPng()] },
      );
      await analysed(page);
    });
  }

  test('several go to the strip, are reached by arrow keys and removed by Delete', async ({ page }) => {
    await open(page);
    await addImages(page, picture('one.png'), picture('two.png'), picture('three.png'));
    const strip = page.getByRole('navigation', { name: 'Images' });
    await expect(strip.getByRole('button', { name: /three\.png, quality 71, match 54/ })).toBeVisible();
    const current = strip.locator('[aria-current=true]');
    await page.keyboard.press('ArrowDown');
    await expect(current).toHaveAccessibleName(/^two\.png/);
    await page.keyboard.press('ArrowRight');
    await expect(current).toHaveAccessibleName(/^three\.png/);
    await current.focus();
    await page.keyboard.press('Delete');
    await expect(current).toHaveAccessibleName(/^two\.png/);
    await expect(strip.locator('[data-image]')).toHaveCount(2);
  });
});

test.describe('the maps', () => {
  test('appear as soon as they are ready, PQ first; cancelling keeps what is there', async ({ page }) => {
    await open(page, { hang: 'encodePhrases' });
    await addImages(page);
    await expect(meter(page, 'Quality')).toHaveAttribute('aria-valuenow', '71');
    await expect(meter(page, 'Match')).toHaveAttribute('aria-valuetext', 'being measured');
    await expect(page.getByTestId('task')).toContainText('Looking for each phrase of the prompt');
    await expect(page.getByTestId('task')).toContainText('6 of 12');
    await page.keyboard.press('Escape');
    await expect(page.getByTestId('task')).toHaveCount(0);
    await expect(page.getByText('Stopped; what was measured so far is shown.')).toBeVisible();
    expect(await paintedAlpha(page)).toBeGreaterThan(0);
  });

  test('are chosen by keys, with a legend in numbers', async ({ page }) => {
    await open(page);
    await addImages(page);
    await analysed(page);
    await expect(legend(page)).toContainText('PQ · absolute');
    await page.keyboard.press('a');
    await expect(legend(page)).toContainText('AQ · absolute');
    await page.keyboard.press('s');
    await expect(legend(page)).toContainText('relative to this picture');
    await expect(legend(page)).toContainText('23 bad');
    await page.keyboard.press('b');
    await expect(legend(page)).toContainText('PQ or AQ');
    await page.keyboard.press('m');
    await expect(legend(page)).toContainText('To repair: PQ or AQ below 50');
    await page.keyboard.press('n');
    await expect(overlay(page)).toHaveCount(0);
    await page.keyboard.press('p');
    await expect(overlay(page)).toHaveCSS('opacity', '0.75');
    await page.keyboard.press('[');
    await expect(overlay(page)).toHaveCSS('opacity', '0.65');
    await page.keyboard.down(' ');
    await expect(overlay(page)).toHaveCount(0);
    await page.keyboard.up(' ');
    await expect(overlay(page)).toHaveCount(1);
  });

  test('hovering reads them; the keyboard can, too', async ({ page }) => {
    await open(page);
    await addImages(page);
    await analysed(page);
    const box = await page.getByTestId('stage').boundingBox();
    if (!box) throw new Error('no stage');
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await expect(page.getByTestId('readout')).toHaveText(/^160, 120 · PQ \d+ · AQ \d+$/);
    await page.mouse.move(box.x + 2, box.y + 2);
    await expect(page.getByTestId('readout')).toHaveCount(0);
    await page.getByTestId('stage').focus();
    await page.keyboard.press('i');
    await expect(page.getByRole('status').filter({ hasText: '160, 120' })).toBeVisible();
    await page.keyboard.press('Shift+ArrowRight');
    await expect(page.getByTestId('readout')).toContainText('192, 120');
  });

  test('a factor shows its own map, a phrase its place while pointed at or pinned', async ({ page }) => {
    await open(page);
    await addImages(page);
    await analysed(page);
    await page.getByRole('button', { name: 'Technical: 86 of 100' }).click();
    await expect(legend(page)).toContainText('Technical');
    await page.getByRole('button', { name: 'Technical: 86 of 100' }).click();
    await expect(legend(page)).toContainText('PQ');

    const phrase = page.getByTestId('marked-prompt').getByRole('button', { name: /^red hat: found/ });
    await phrase.hover();
    await expect(legend(page)).toContainText('“red hat”');
    await page.mouse.move(5, 5);
    await expect(legend(page)).toContainText('PQ');
    await phrase.click();
    await page.mouse.move(5, 5);
    await phrase.blur();
    await expect(legend(page)).toContainText('“red hat”');
    await page.keyboard.press('Escape');
    await expect(legend(page)).toContainText('PQ');
  });

  test('zoom with wheel and keys, pan with the mouse and keys, fit', async ({ page }) => {
    await open(page);
    await addImages(page);
    await analysed(page);
    const image = page.getByRole('img', { name: 'The picture dog.png' });
    const fitted = await image.boundingBox();
    if (!fitted) throw new Error('no picture');
    await page.mouse.move(fitted.x + 40, fitted.y + 40);
    await page.mouse.wheel(0, -600);
    const zoomed = await image.boundingBox();
    expect(zoomed?.width).toBeGreaterThan(fitted.width * 2);
    // What was under the pointer still is.
    const under = (box: typeof fitted) => (fitted.x + 40 - box.x) / box.width;
    expect(under(zoomed ?? fitted)).toBeCloseTo(under(fitted), 3);
    await page.mouse.down();
    await page.mouse.move(fitted.x + 140, fitted.y + 40, { steps: 4 });
    await page.mouse.up();
    expect((await image.boundingBox())?.x).toBeCloseTo((zoomed?.x ?? 0) + 100, 0);
    await page.keyboard.press('Shift+ArrowRight');
    expect((await image.boundingBox())?.x).toBeCloseTo((zoomed?.x ?? 0) + 36, 0);
    await page.keyboard.press('z');
    expect(await image.boundingBox()).toEqual(fitted);
    await page.keyboard.press('+');
    expect((await image.boundingBox())?.width).toBeCloseTo(fitted.width * 1.25, 0);
  });
});

test.describe('the prompt', () => {
  test('comes from the file, is edited, and Enter analyses it again', async ({ page }) => {
    await open(page, { negative: 'blurry' });
    await addImages(page);
    await analysed(page);
    const panel = page.getByRole('region', { name: 'Prompt', exact: true });
    await expect(panel).toContainText('from A1111 metadata');
    await expect(panel).toContainText('Negative blurry');
    await expect(page.getByTestId('marked-prompt')).toContainText('red hat');
    await page.keyboard.press('e');
    await page.keyboard.type(' and a green boat');
    await expect(panel.getByRole('button', { name: /Analyse/ })).toBeVisible();
    await page.keyboard.press('Enter');
    await expect(page.getByTestId('marked-prompt').getByRole('button', { name: /^green boat/ })).toBeVisible();
    await expect(panel).toContainText('edited, was from A1111 metadata');
  });

  test('none is needed: quality is measured and the rest explained', async ({ page }) => {
    await open(page, { prompt: '' });
    await addImages(page);
    await expect(meter(page, 'Quality')).toHaveAttribute('aria-valuenow', '71');
    await expect(page.getByText('Type the prompt below the picture')).toBeVisible();
    await page.keyboard.press('a');
    await expect(page.getByText('No AQ-Map without a prompt')).toBeVisible();
  });
});

test.describe('when something fails', () => {
  const remedies = {
    DeviceLostError: 'Run again',
    OutOfMemoryError: 'Try on the processor',
    UnexpectedError: 'Restart and try again',
  };
  for (const [name, label] of Object.entries(remedies)) {
    test(`${name}: image and prompt stay, “${label}” helps`, async ({ page }) => {
      await open(page, { analyse: name });
      await addImages(page);
      const problem = page.locator(`[data-problem=${name}]`);
      await expect(problem).toContainText('Your image and prompt are kept.');
      await expect(page.getByRole('textbox', { name: /^Prompt/ })).toHaveValue(PROMPT);
      await expect(page.getByRole('img', { name: 'The picture dog.png' })).toBeVisible();
      await problem.getByRole('button', { name: label }).click();
      await analysed(page);
      await expect(problem).toHaveCount(0);
    });
  }

  test('an image that cannot be opened says why; the next one is analysed', async ({ page }) => {
    await open(page, { open: 'ImageError' });
    await addImages(page, picture('huge.png'), picture('dog.png'));
    const problem = page.locator('[data-problem=ImageError]');
    await expect(problem).toContainText('90000 × 90000');
    await expect(problem.getByRole('button', { name: 'Open another image' })).toBeVisible();
    await page.keyboard.press('ArrowDown');
    await analysed(page);
  });

  test('no model: the image waits for one and is analysed once it is there', async ({ page }) => {
    await open(page, { packs: '0' });
    await addImages(page);
    await expect(page.locator('[data-problem=PackMissingError]')).toContainText('No model is installed yet');
    const files = ['config.json', 'model.safetensors'].map((name) => ({ name, mimeType: '', buffer: Buffer.alloc(9) }));
    await page.getByTestId('pick-files').setInputFiles(files);
    await page.getByRole('button', { name: 'Add model' }).click();
    await analysed(page);
    await expect(page.locator('[data-problem]')).toHaveCount(0);
  });

  test('an engine that does not start leads to the processor', async ({ page }) => {
    await open(page, { start: 'WebGpuUnavailableError' });
    await page.getByRole('alert').getByRole('button', { name: 'Use the processor' }).click();
    await expect(page.getByText('Ready')).toBeVisible();
    await addImages(page);
    await analysed(page);
  });

  test('a model that cannot be read leaves nothing behind', async ({ page }) => {
    await open(page, { packs: '1', install: 'CheckpointError' });
    const files = ['config.json', 'model.safetensors'].map((name) => ({ name, mimeType: '', buffer: Buffer.alloc(9) }));
    await page.getByTestId('pick-files').setInputFiles(files);
    await page.getByRole('button', { name: 'Add model' }).click();
    await expect(page.locator('[data-problem=CheckpointError]')).toContainText('text_projection.weight');
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await expect(page.locator('[data-problem]')).toHaveCount(0);
  });

  test('damaged metadata is a hint, no failure', async ({ page }) => {
    await open(page, { hint: 'The metadata of this file is damaged.' });
    await addImages(page);
    await analysed(page);
    await expect(page.getByTestId('image-hints')).toHaveText('The metadata of this file is damaged.');
  });
});

test.describe('machine, models, export, help', () => {
  test('tiers can be changed and tell why one cannot', async ({ page }) => {
    await open(page, { tier: 'webgpu-fp32' });
    await page.getByRole('button', { name: /^Machine: RTX 4070, 32-bit/ }).click();
    const panel = page.getByRole('dialog', { name: 'Machine' });
    await expect(panel.getByRole('button', { name: /GPU, 16-bit/ })).toBeDisabled();
    await expect(panel).toContainText('This GPU has no 16-bit shaders');
    await panel.getByText(/Self-test/).click();
    await expect(panel.getByRole('row', { name: /attention fp16/ })).toContainText('passed');
    await panel.getByRole('button', { name: /Processor/ }).click();
    await expect(page.getByRole('button', { name: 'Machine: Processor' })).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(panel).toHaveCount(0);
  });

  test('models can be chosen and deleted, after a question', async ({ page }) => {
    await open(page, { packs: '2' });
    await page.getByRole('button', { name: 'Model: clip-vit-large-patch14, 8-bit' }).click();
    await page.getByRole('button', { name: 'Delete openai/clip-vit-large-patch14' }).click();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await expect(page.getByRole('button', { name: 'Model: clip-vit-base-patch16, 16-bit' })).toBeVisible();
  });

  test('maps are saved as PNG at the size of the picture, numbers as JSON', async ({ page }) => {
    await open(page);
    await addImages(page);
    await analysed(page);
    const [map] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Control+s')]);
    expect(map.suggestedFilename()).toBe('dog.pq.png');
    const png = readFileSync(await map.path());
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([320, 240]);

    await page.getByRole('button', { name: 'Export: Export' }).click();
    const [numbers] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: /All numbers/ }).click(),
    ]);
    expect(numbers.suggestedFilename()).toBe('dog.g-refine.json');
    const record = JSON.parse(readFileSync(await numbers.path(), 'utf8'));
    expect(record).toMatchObject({ file: 'dog.png', prompt: PROMPT, perceptual: { score: 0.71 } });
  });

  test('help opens with ?, closes with Esc and gives the focus back', async ({ page }) => {
    await open(page);
    await addImages(page);
    await analysed(page);
    await page.getByRole('button', { name: 'Help and keys' }).focus();
    await page.keyboard.press('?');
    const help = page.getByRole('dialog', { name: 'Keys' });
    await expect(help).toContainText('Perceptual quality');
    await page.keyboard.press('a');
    await page.keyboard.press('Escape');
    await expect(help).toHaveCount(0);
    await expect(legend(page)).toContainText('PQ');
    await expect(page.getByRole('button', { name: 'Help and keys' })).toBeFocused();
  });
});

test('everything that can be pressed or typed into has a name', async ({ page }) => {
  await open(page);
  await addImages(page);
  await analysed(page);
  const controls = page.locator('button:visible, textarea:visible, [role=slider]:visible, summary:visible');
  for (const control of await controls.all()) await expect(control).toHaveAccessibleName(/\S/);
  expect(await controls.count()).toBeGreaterThan(20);
});

test('Tab reaches strip, picture, overlays, prompt and inspector in this order', async ({ page }) => {
  await open(page);
  await addImages(page);
  await analysed(page);
  const reached: string[] = [];
  for (let i = 0; i < 45; i++) {
    await page.keyboard.press('Tab');
    const place = await page.evaluate(() => {
      const part = document.activeElement?.closest('header, nav, [data-testid=stage], section, aside, main > div');
      return (
        part?.getAttribute('data-testid') ?? part?.getAttribute('aria-label') ?? part?.tagName.toLowerCase() ?? 'none'
      );
    });
    if (reached.at(-1) !== place) reached.push(place);
  }
  const order = ['header', 'Images', 'stage', 'div', 'Prompt', 'Inspector', 'Quality factors', 'Phrases of the prompt'];
  expect(reached.filter((place) => order.includes(place)).slice(0, order.length)).toEqual(order);
});

for (const width of [360, 390, 760, 1024]) {
  test(`nothing sticks out at ${width} px`, async ({ page }) => {
    await page.setViewportSize({ width, height: 800 });
    await open(page, { hang: 'encodePhrases' });
    await addImages(page, picture('one.png'), picture('two.png'));
    await expect(page.getByTestId('task')).toContainText('6 of 12');
    const { wide, buttons } = await page.evaluate(() => ({
      wide: document.documentElement.scrollWidth,
      buttons: [...document.querySelectorAll('header button, footer button, main > aside > button')]
        .filter((button) => button.checkVisibility())
        .map((button) => button.getBoundingClientRect())
        .filter(({ left, right }) => left < 0 || right > innerWidth).length,
    }));
    expect(wide).toBeLessThanOrEqual(width);
    expect(buttons).toBe(0);
  });
}

test('on a phone the inspector is a sheet under a picture that stays in sight', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await open(page);
  await addImages(page);
  const handle = page.getByRole('button', { name: /Quality 71 Match 54/ });
  await expect(handle).toHaveAttribute('aria-expanded', 'false');
  await expect(meter(page, 'Quality')).toBeHidden();
  await handle.click();
  await expect(meter(page, 'Quality')).toBeVisible();
  await expect(page.getByRole('img', { name: 'The picture dog.png' })).toBeInViewport();
});

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** CPU time of its thread, microseconds. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/** CPU time of the longest tasks of the pages' main threads, ms. Unlike wall time, a busy machine does not change it. */
function longestTasks(trace: Buffer): number[] {
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] };
  const mainThreads = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid}/${tid}`),
  );
  return traceEvents
    .filter(({ name, pid, tid }) => /RunTask$/.test(name) && mainThreads.has(`${pid}/${tid}`))
    .map(({ tdur = 0 }) => tdur / 1000)
    .sort((a, b) => b - a);
}

test('at 2048 px the page is never busy for longer than a moment', async ({ page, browser }) => {
  await open(page);
  await addImages(page, picture('large.png', { width: 2048, height: 2048 }), picture('small.png'));
  await analysed(page);
  await expect(page.getByRole('button', { name: /^small\.png, quality 71/ })).toBeVisible();
  const thumb = await page.getByRole('slider', { name: 'Opacity' }).boundingBox();
  if (!thumb) throw new Error('no slider');
  const { x, y } = { x: thumb.x + 7, y: thumb.y + 7 };
  await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline'] });
  await page.mouse.move(x, y);
  await page.mouse.down();
  for (let i = 0; i < 60; i++) await page.mouse.move(x - i * 1.5, y);
  await page.mouse.up();
  for (const key of ['a', 'b', 'm', 'p', 's', '+', '+', '-', 'z']) await page.keyboard.press(key);
  await page.mouse.click(5, 400);
  for (const key of ['ArrowDown', 'ArrowUp']) {
    await page.keyboard.press(key);
    await expect(overlay(page)).toBeVisible();
  }
  const tasks = longestTasks(await browser.stopTracing());
  console.log(`Longest tasks of the page: ${tasks.slice(0, 5).map((ms) => ms.toFixed(1))} ms of ${tasks.length}`);
  expect(tasks.length).toBeGreaterThan(100);
  expect(tasks[0]).toBeGreaterThan(0);
  expect(tasks[0]).toBeLessThanOrEqual(LONGEST_TASK);
});
