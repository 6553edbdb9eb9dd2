// `npm run evaluate:ratings -- <folder> --model <folder of a CLIP>`: how well the maps' scores agree with people's ratings.
import { cpus } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createServer } from 'vite';

const USAGE = `npm run evaluate:ratings -- <folder> --model <folder>
  <folder>       images and their ratings: AGIQA-3K, AIGIQA-20K, AVT AI images, or any table with the columns file and rating
  --model        a CLIP in hub layout, e.g. openai/clip-vit-base-patch16, with PQ-*.pth beside it or not
  --size 224     side in pixels that images are encoded at; default: as the app chooses
  --seed 1       of the folds
  --threads 4    of the processor`;

const root = fileURLToPath(new URL('..', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string' },
    size: { type: 'string' },
    seed: { type: 'string', default: '1' },
    threads: { type: 'string', default: String(Math.min(8, cpus().length)) },
  },
});
const [folder] = positionals;
if (!folder || !values.model) {
  console.error(USAGE);
  process.exit(1);
}
const transformers = fileURLToPath(
  new URL('../node_modules/@xenova/transformers/dist/transformers.web.js', import.meta.url),
);
// Not `runnerImport`, which ends before the tokenizer is imported.
const server = await createServer({
  configFile: false,
  root,
  logLevel: 'error',
  appType: 'custom',
  server: { middlewareMode: true, ws: false, watch: null },
  optimizeDeps: { noDiscovery: true },
  // In Node, transformers.js would ask for a native runtime, which is not installed.
  resolve: { alias: { '@xenova/transformers': transformers } },
  ssr: { noExternal: ['@xenova/transformers'] },
});
try {
  const module = await server.ssrLoadModule(`${root}bench/ratings/evaluateRatings.ts`);
  await module.evaluateRatings({
    folder: resolve(folder),
    model: resolve(values.model),
    parser: `${root}public/parser/english-ewt.bin`,
    cache: `${root}.cache/rating-features`,
    imageSize: values.size === undefined ? null : Number(values.size),
    seed: Number(values.seed),
    threads: Number(values.threads),
    print: (line) => console.log(line),
    onProgress: process.stderr.isTTY ? (words) => process.stderr.write(`\r\x1b[K${words}`) : undefined,
  });
} catch (error) {
  console.error(
    error.name in { TableError: 1, ImageError: 1, CheckpointError: 1, UnsupportedModelError: 1 }
      ? error.message
      : error,
  );
  process.exitCode = 1;
} finally {
  await server.close();
}
