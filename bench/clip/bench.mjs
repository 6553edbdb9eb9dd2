/**
 * `npm run bench:clip [-- --size 224 --precision fp32 --tiers wasm,webgpu --rounds 21,9]`: our compiled CLIP image encoder
 * against the same checkpoint exported by torch.onnx, in one onnxruntime-web build, on one adapter, in turns. Writes
 * bench/results/clip-SIZE-PRECISION.md.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from '@playwright/test';
import { createServer } from 'vite';
import { ISOLATION_HEADERS } from '../../scripts/serve.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = '.cache/bench-clip';
/** How much faster the compiled encoder is meant to be. */
const GOAL = 1.2;
/** How far the outputs of the two encoders may be apart before their times say nothing. */
const MAX_DIFFERENCE = { fp32: 1e-4, fp16: 1e-2 };

const { values: options } = parseArgs({
  options: {
    size: { type: 'string', default: '224' },
    precision: { type: 'string', default: 'fp32' },
    tiers: { type: 'string', default: 'wasm,webgpu' },
    rounds: { type: 'string', default: '21,9' },
  },
});
const { size, precision } = options;
if (!(precision in MAX_DIFFERENCE)) throw new RangeError(`--precision is fp32 or fp16, not ${precision}`);
const tiers = options.tiers.split(',');
const rounds = options.rounds.split(',').map(Number);

exportPeer();
const results = await measure();
const report = describe(results);
mkdirSync(`${ROOT}bench/results`, { recursive: true });
writeFileSync(`${ROOT}bench/results/clip-${size}-${precision}.md`, report);
console.log(report);
const apart = results.filter(({ difference }) => !(difference <= MAX_DIFFERENCE[precision]));
if (apart.length > 0) throw new Error(`The outputs differ on ${apart.map(({ column }) => column)}`);

/** Makes the checkpoint and the peer's ONNX file, once. */
function exportPeer() {
  if (existsSync(`${ROOT}${FOLDER}/torch-${size}-${precision}.onnx`)) return;
  console.log('Exporting the peer with torch.onnx (once, about a minute)');
  const python = process.env.PYTHON ?? 'python3';
  const modules = 'torch, transformers, onnx, onnxscript';
  if (spawnSync(python, ['-c', `import ${modules}`]).status !== 0) {
    throw new Error(
      `The bench needs ${modules} in ${python}: pip install -r reference/requirements.txt onnx onnxscript, ` +
        'or set PYTHON to one that has them',
    );
  }
  mkdirSync(`${ROOT}${FOLDER}`, { recursive: true });
  execFileSync(python, ['bench/clip/export_torch.py', FOLDER, '--size', size, '--precision', precision], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Runs the page once for each tier, in a fresh browser. */
async function measure() {
  if (!existsSync(`${ROOT}.cache/browser.json`)) execFileSync('node', ['e2e/browser/setup.mjs'], { cwd: ROOT });
  const { executablePath, args, env } = JSON.parse(readFileSync(`${ROOT}.cache/browser.json`, 'utf8'));
  const server = await createServer({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    cacheDir: '.cache/bench-vite',
    optimizeDeps: { noDiscovery: true },
    server: { headers: ISOLATION_HEADERS, port: 0, hmr: false, watch: null },
  });
  await server.listen();
  const [address] = server.resolvedUrls.local;
  const measured = [];
  try {
    for (const [i, column] of tiers.entries()) {
      const tier = column === 'webgpu' ? `webgpu-${precision}` : column;
      const browser = await chromium.launch({
        executablePath,
        args,
        ignoreDefaultArgs: ['--disable-gpu'],
        env: { ...process.env, ...env },
      });
      try {
        const page = await browser.newPage();
        page.setDefaultTimeout(0);
        page.on('pageerror', (error) => console.error(String(error)));
        await page.goto(`${address}bench/clip/index.html`);
        await page.waitForFunction(() => 'bench' in globalThis);
        const request = {
          tier,
          precision,
          imageSize: Number(size),
          rounds: rounds[i] ?? rounds[0],
          folder: `/${FOLDER}`,
        };
        console.log(`Measuring on ${column}, ${request.rounds} rounds`);
        const result = await page.evaluate((request) => globalThis.bench(request), request);
        measured.push({ column, browser: browser.version(), ...result });
      } finally {
        await browser.close();
      }
    }
  } finally {
    await server.close();
  }
  return measured;
}

function describe(results) {
  const [{ environment, browser }] = results;
  const lines = [
    `# CLIP image encoder, ViT-B/16 at ${size} px, ${precision}`,
    '',
    'Ours against the same checkpoint exported by torch.onnx (`bench/clip/export_torch.py`), both paths of the surgery, in',
    'turns in one run. Times are medians in milliseconds, the fastest run in brackets; ratios are medians over the rounds.',
    '',
    '| | encoder | run | load | first run | model |',
    '|---|---|---|---|---|---|',
  ];
  for (const { column, measured } of results) {
    for (const [name, { runs, loadTime, firstRun, modelBytes }] of Object.entries(measured)) {
      const run = `${Math.round(median(runs))} (${Math.round(Math.min(...runs))})`;
      const megabytes = `${(modelBytes / 1e6).toFixed(1)} MB`;
      lines.push(`| ${column} | ${name} | ${run} | ${Math.round(loadTime)} | ${Math.round(firstRun)} | ${megabytes} |`);
    }
  }
  lines.push('');
  for (const { column, measured, difference, environment } of results) {
    // Round by round, so that what else the machine does falls on both alike.
    const ratio = median(measured.torch.runs.map((time, round) => time / measured.ours.runs[round]));
    const fastest = Math.min(...measured.torch.runs) / Math.min(...measured.ours.runs);
    const verdict = ratio >= GOAL ? `the goal of ${GOAL} is met` : `below the goal of ${GOAL}`;
    lines.push(
      `- **${column}: ${ratio.toFixed(2)}× as fast** (fastest runs: ${fastest.toFixed(2)}×), ${verdict}. ` +
        `${measured.ours.runs.length} rounds, outputs within ${difference.toExponential(1)} of each other` +
        (column === 'wasm' ? `, ${environment.threads} threads.` : `, adapter: ${environment.adapter}.`),
    );
  }
  const [{ model }] = cpus();
  lines.push('', `${environment.runtime}, Chromium ${browser}, ${cpus().length} × ${model}.`, '');
  return lines.join('\n');
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
