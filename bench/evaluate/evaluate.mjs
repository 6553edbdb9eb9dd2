/**
 * `npm run evaluate [-- --only maps|refine] [--count 300] [--refine 200] [--ablate 200] [--models FOLDER] [--cases FOLDER]`: how good
 * the app's own pipeline is on Blocks, where the truth is known. Renders what is missing of the cases (Python,
 * training/blocks/cases.py), measures each once, and goes on where it was stopped. With the models that come with the app, README.md
 * and bench/results/blocks.json are written; with others, the tables are printed.
 *
 * `npm run compare [-- --count 200]`: every strategy on the same scenes; the tables go into README.md, too.
 *
 * `npm run evaluate -- --fit [--count 300]` fits the constants that belong to the CLIP on validation cases instead and writes
 * `clip/calibration.json` beside its weights.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createServer } from 'vite';
import { runPython } from '../runPage.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const COMMITTED = `${ROOT}public/blocks`;
/** First seeds of what nothing was trained on, and of what constants are fitted on (training/blocks/dataset.py). */
const FIRST_SEED = { test: 20_000_000, validation: 10_000_000 };

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: 'maps,refine' },
    count: { type: 'string' },
    refine: { type: 'string', default: '200' },
    ablate: { type: 'string', default: '200' },
    models: { type: 'string', default: COMMITTED },
    cases: { type: 'string' },
    fit: { type: 'boolean', default: false },
  },
});
const parts = options.only.split(',');
const isComparison = parts.includes('compare');
const count = options.count === undefined ? (isComparison ? 200 : 300) : whole('count');
const cases = options.cases ?? `${ROOT}.cache/evaluate/${options.fit ? 'validation' : 'test'}`;
for (const part of parts)
  if (!/^(maps|refine|compare)$/.test(part)) throw new RangeError(`--only is maps, refine or compare, not ${part}`);

if (!existsSync(`${options.models}/clip/model.safetensors`)) {
  console.log(`Nothing was measured: there is no trained CLIP of Blocks in ${options.models}/clip.`);
  console.log('Train it (training/blocks/README.md), or name a folder of models: npm run evaluate -- --models FOLDER');
  process.exit(1);
}
const first = options.fit ? FIRST_SEED.validation : FIRST_SEED.test;
const missing = Array.from({ length: count }, (_, i) => first + i).filter(
  (seed) => !existsSync(`${cases}/${seed}.json`),
);
if (missing.length > 0) {
  console.log(`Rendering ${missing.length} of ${count} cases into ${cases}`);
  runPython('training/blocks/cases.py', {
    args: [cases, '--first', `${first}`, '--count', `${count}`],
    modules: ['numpy', 'numba', 'scipy', 'PIL', 'torch'],
  });
}
const server = await createServer({
  root: ROOT,
  configFile: false,
  logLevel: 'warn',
  appType: 'custom',
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  optimizeDeps: { noDiscovery: true },
  ssr: { noExternal: ['@xenova/transformers'] },
  plugins: [runtimeOfNode()],
  resolve: {
    alias: { '@xenova/transformers': `${ROOT}node_modules/@xenova/transformers/dist/transformers.web.js` },
  },
});
const { evaluate } = await server.ssrLoadModule(`${ROOT}bench/evaluate/evaluate.ts`);
const refined = isComparison ? count : Math.min(count, whole('refine'));
await evaluate({
  root: ROOT,
  models: options.models,
  cases,
  seeds: Array.from({ length: count }, (_, i) => first + i),
  refined,
  ablated: Math.min(refined, whole('ablate')),
  parts,
  fit: options.fit,
  isCommitted: options.models === COMMITTED,
});
process.exit(0);

function whole(name) {
  const value = Number(options[name]);
  if (!Number.isInteger(value) || value < 1) throw new RangeError(`--${name} is a count, not ${options[name]}`);
  return value;
}

/** The same pipeline, with onnxruntime's build for Node in place of the browser's. */
function runtimeOfNode() {
  return {
    name: 'runtime-of-node',
    enforce: 'pre',
    resolveId(source, importer) {
      if (/\/onnxRuntime\.ts$/.test(source)) return `${ROOT}bench/evaluate/nodeOnnxRuntime.ts`;
      // Of transformers.js only the tokenizer is used.
      if (source === 'onnxruntime-web/webgpu' && importer?.includes('/@xenova/transformers/')) {
        return this.resolve('onnxruntime-common', importer);
      }
      return null;
    },
  };
}
