/**
 * `npm run bench:folder [-- --images 1000 --tier webgpu-fp32 --out folder]`: memory of analysing a folder of many small images with the
 * built app, its page and workers as users have them, after a hundred images and after all. Builds the app; the CLIP is the tiny one
 * of reference/fixtures. Writes bench/results/folder.md.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from '@playwright/test';
import { runnerImport } from 'vite';
import { serve } from '../../scripts/serve.mjs';
import { rendererBytes } from '../rendererMemory.mjs';
import { machine } from '../report.mjs';
import { ROOT } from '../runPage.mjs';
import { smallPng } from './smallPng.mjs';

/** Most that anything may grow between the two measurements, bytes: less than 10 KB an image. */
const GOAL = 9e6;

const { values: options } = parseArgs({
  options: {
    images: { type: 'string', default: '1000' },
    tier: { type: 'string', default: 'webgpu-fp32' },
    out: { type: 'string', default: 'folder' },
    built: { type: 'boolean', default: false },
  },
});
const count = Number(options.images);
const stops = [...[100, 250, 500].filter((stop) => stop < count), count];

if (!existsSync(`${ROOT}.cache/browser.json`)) execFileSync('node', ['e2e/browser/setup.mjs'], { cwd: ROOT });
if (!options.built) execFileSync('npx', ['vite', 'build'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
const { executablePath, args, env } = JSON.parse(readFileSync(`${ROOT}.cache/browser.json`, 'utf8'));
const folder = mkdtempSync(join(tmpdir(), 'bench-folder-'));
const server = await serve({ root: `${ROOT}dist`, port: 0 });
const browser = await chromium.launchPersistentContext(join(folder, 'profile'), {
  executablePath,
  args: [...args, '--enable-precise-memory-info'],
  ignoreDefaultArgs: ['--disable-gpu'],
  env: { ...process.env, ...env },
  serviceWorkers: 'block',
  viewport: { width: 1440, height: 900 },
});
try {
  const images = join(folder, 'images');
  mkdirSync(images);
  for (let i = 0; i < count; i++) writeFileSync(join(images, `${String(i).padStart(4, '0')}.png`), smallPng(i));
  console.log(await measure(images));
} finally {
  await browser.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
}

/** What a worker begins with, built as it is, to tell the bytes of its GPU buffers when it is asked. */
async function gpuBytesScript() {
  const { module } = await runnerImport(`${ROOT}e2e/runtime/gpuBytes.ts`, { configFile: false });
  return `if (globalThis.GPUDevice) {
  const gpuBytes = (${module.countGpuBytes})();
  const channel = new BroadcastChannel('bench-gpu-bytes');
  channel.onmessage = ({ data }) => data === 'tell' && channel.postMessage(gpuBytes());
}
`;
}

/** Measures at each stop and writes what there is so far. @returns the report */
async function measure(images) {
  const page = browser.pages()[0] ?? (await browser.newPage());
  page.setDefaultTimeout(0);
  page.on('pageerror', (error) => console.error(String(error)));
  const script = await gpuBytesScript();
  await page.route(/\/refine\.worker-[^/]*\.js$/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: script + (await response.text()) });
  });
  const { address } = server;
  await page.goto(address);
  await page.evaluate((tier) => localStorage.setItem('g-refine.preferences', JSON.stringify({ tier })), options.tier);
  await page.goto(address);
  await page.getByTestId('pick-folder').setInputFiles(`${ROOT}reference/fixtures/clip-tiny`);
  const dialog = page.getByRole('dialog', { name: 'Add a model' });
  await dialog.getByRole('radio', { name: '32-bit' }).check();
  await dialog.getByRole('button', { name: 'Add model' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await page.getByTestId('pick-folder').setInputFiles(images);
  const measured = [{ done: 0, ...(await memory(page)) }];
  await page.getByRole('form').getByRole('button', { name: 'Start' }).click();
  const start = performance.now();
  let rested = 0;
  let report = '';
  for (const stop of stops) {
    await page.waitForFunction((least) => {
      const found = /([\d,]+) of [\d,]+ done/.exec(document.querySelector('main')?.textContent ?? '');
      return found && Number(found[1].replaceAll(',', '')) >= least;
    }, stop);
    const restStart = performance.now();
    const main = page.getByRole('main');
    if (stop < count) await main.getByRole('button', { name: 'Pause' }).click();
    await main.getByText(stop < count ? 'Paused' : 'Complete', { exact: true }).waitFor();
    const done = await main.evaluate((element) =>
      Number(/([\d,]+) of [\d,]+ done/.exec(element.textContent)[1].replaceAll(',', '')),
    );
    measured.push({ done, ...(await memory(page)) });
    rested += performance.now() - restStart;
    report = describe(measured, (performance.now() - start - rested) / 1000);
    mkdirSync(`${ROOT}bench/results`, { recursive: true });
    writeFileSync(`${ROOT}bench/results/${options.out}.md`, report);
    console.log(measured.at(-1));
    if (stop < count) await main.getByRole('button', { name: 'Resume' }).click();
  }
  return report;
}

/** What the browser and the kernel say, after a garbage collection. */
async function memory(page) {
  const heaps = await page.evaluate(async () => (await performance.measureUserAgentSpecificMemory?.())?.bytes ?? 0);
  const gpu = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const channel = new BroadcastChannel('bench-gpu-bytes');
        channel.onmessage = ({ data }) => {
          if (typeof data === 'number') resolve(data);
        };
        channel.postMessage('tell');
        setTimeout(() => resolve(0), 30_000);
      }),
  );
  const elements = await page.evaluate(() => document.querySelectorAll('*').length);
  return { heaps, gpu, process: rendererBytes(), elements };
}

function describe(measured, seconds) {
  const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
  const lines = [
    '# A folder of many images',
    '',
    `${measured.at(-1).done} generated images of 64 × 64 px, analysed by the built app with the tiny CLIP of the fixtures (${options.tier}),`,
    'the folder’s page with its table and plot in sight. *Heaps*: of page and workers with all ArrayBuffers and WebAssembly, as the',
    'browser tells it after collecting garbage. *GPU*: buffers alive. *Process*: of the renderer as the kernel counts it, garbage and',
    'shared memory included. *Elements*: of the page.',
    '',
    '| images done | heaps | GPU | process | elements |',
    '|---|---|---|---|---|',
    ...measured.map(
      ({ done, heaps, gpu, process, elements }) =>
        `| ${done} | ${megabytes(heaps)} | ${megabytes(gpu)} | ${megabytes(process)} | ${elements} |`,
    ),
    '',
  ];
  const [, first] = measured;
  const last = measured.at(-1);
  const images = Math.max(1, last.done - first.done);
  const growth = { heaps: last.heaps - first.heaps, GPU: last.gpu - first.gpu };
  const said = Object.entries(growth).map(
    ([what, bytes]) => `${what} by ${megabytes(bytes)} (${(bytes / 1e3 / images).toFixed(1)} KB an image)`,
  );
  const isMet = Object.values(growth).every((bytes) => bytes <= GOAL);
  lines.push(
    `From ${first.done} to ${last.done} images ${said.join(', ')}: ${isMet ? 'within' : 'beyond'} the ${megabytes(GOAL)} aimed at.`,
    `${(seconds / last.done).toFixed(2)} s an image on a machine that was busy with other work.`,
    '',
    machine({ runtime: 'onnxruntime-web', browser: browser.browser()?.version() ?? '' }),
    '',
  );
  return lines.join('\n');
}
