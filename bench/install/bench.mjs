/**
 * `npm run bench:install [-- --precisions fp16,q4 --profile FOLDER]`: memory and time of installing SDXL-inpainting (6.9 GB of
 * made-up weights in their published shapes) from a hub on this machine, with the app's own worker. Needs 7 GB on the disk of
 * `--profile`. Writes bench/results/install.md.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { watchRenderers } from '../rendererMemory.mjs';
import { machine } from '../report.mjs';
import { ROOT, runPage } from '../runPage.mjs';

/** Most memory above idle, in bytes. */
const GOAL = 512e6;

const { values: options } = parseArgs({
  options: {
    precisions: { type: 'string', default: 'fp16,q4' },
    profile: { type: 'string', default: `${ROOT}.cache/bench-install` },
  },
});

/** A plugin for vite's server that starts the hub, and tells the page of it. */
const hub = {
  name: 'synthetic-hub',
  configureServer(server) {
    let started = null;
    const start = async () => {
      const { startSyntheticHub } = await server.ssrLoadModule('/bench/install/syntheticHub.ts');
      return startSyntheticHub();
    };
    server.middlewares.use('/synthetic-hub', async (_, response) => {
      started ??= start();
      const { hub, files, byteLength } = await started;
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ endpoint: hub.endpoint, files, byteLength }));
    });
    server.httpServer?.once('close', async () => (await started)?.hub.close());
  },
};

const requests = options.precisions.split(',').map((precision) => ({ precision }));
const results = await runPage('bench/install/index.html', requests, {
  plugins: [hub],
  profile: options.profile,
  watch: watchRenderers,
});
const report = describe();
mkdirSync(`${ROOT}bench/results`, { recursive: true });
writeFileSync(`${ROOT}bench/results/install.md`, report);
console.log(report);

function describe() {
  const lines = [
    '# Installing from a hub',
    '',
    'SDXL-inpainting in its published shapes, 16-bit, from a hub on the same machine through the whole path: fetched, hashed,',
    "compiled, checked, into the browser's private file system. Memory is the most above idle: of the renderer process as the kernel",
    'counts it (page and workers, garbage and shared memory included), and of all heaps and ArrayBuffers as the browser tells it',
    'after collecting garbage, as often as it answered.',
    '',
    '| | fetched | pack | seconds | process | heaps (answers) |',
    '|---|---|---|---|---|---|',
  ];
  const missed = [];
  for (const [i, { precision }] of requests.entries()) {
    const { milliseconds, publishedBytes, packBytes, idleBytes, peakBytes, samples, idleRss, peakRss } = results[i];
    const process = peakRss - idleRss;
    const megabytes = (bytes) => `${Math.round(bytes / 1e6)} MB`;
    const gigabytes = (bytes) => `${(bytes / 1e9).toFixed(2)} GB`;
    const heaps = `${megabytes(peakBytes - idleBytes)} (${samples})`;
    const cells = [precision, gigabytes(publishedBytes), gigabytes(packBytes), Math.round(milliseconds / 1000)];
    lines.push(`| ${[...cells, `**${megabytes(process)}**`, heaps].join(' | ')} |`);
    if (!(process <= GOAL)) missed.push(`${precision} takes more than ${GOAL / 1e6} MB`);
  }
  const [{ browser }] = results;
  const verdict = missed.length > 0 ? `${missed.join('; ')}.` : `All stay below the ${GOAL / 1e6} MB aimed at.`;
  lines.push('', verdict, '', machine({ runtime: 'No GPU', browser }), '');
  return lines.join('\n');
}
