/**
 * `npm run bench:clip [-- --size 224 --precision fp32 --tiers wasm,webgpu --rounds 21,9]`: our compiled CLIP image encoder
 * against the same checkpoint exported by torch.onnx, in one onnxruntime-web build, on one adapter, in turns. Writes
 * bench/results/clip-SIZE-PRECISION.md.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { comparison, machine, times } from '../report.mjs';
import { ROOT, runPage, runPython } from '../runPage.mjs';

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
const columns = options.tiers.split(',');
const rounds = options.rounds.split(',').map(Number);

mkdirSync(`${ROOT}${FOLDER}`, { recursive: true });
if (!existsSync(`${ROOT}${FOLDER}/torch-${size}-${precision}.onnx`)) {
  console.log('Exporting the peer with torch.onnx (once, about a minute)');
  runPython('bench/clip/export_torch.py', {
    args: [FOLDER, '--size', size, '--precision', precision],
    modules: ['torch', 'transformers', 'onnx', 'onnxscript'],
  });
}
const results = await runPage(
  'bench/clip/index.html',
  columns.map((column, i) => ({
    tier: column === 'webgpu' ? `webgpu-${precision}` : column,
    precision,
    imageSize: Number(size),
    rounds: rounds[i] ?? rounds[0],
    folder: `/${FOLDER}`,
  })),
);
const report = describe(results);
mkdirSync(`${ROOT}bench/results`, { recursive: true });
writeFileSync(`${ROOT}bench/results/clip-${size}-${precision}.md`, report);
console.log(report);
const apart = columns.filter((_, i) => !(results[i].difference <= MAX_DIFFERENCE[precision]));
if (apart.length > 0) throw new Error(`The outputs differ on ${apart}`);

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
  for (const [i, { measured }] of results.entries()) {
    for (const [name, { runs, loadTime, firstRun, modelBytes }] of Object.entries(measured)) {
      const megabytes = `${(modelBytes / 1e6).toFixed(1)} MB`;
      lines.push(
        `| ${columns[i]} | ${name} | ${times(runs)} | ${Math.round(loadTime)} | ${Math.round(firstRun)} | ${megabytes} |`,
      );
    }
  }
  lines.push('');
  for (const [i, { measured, difference, environment }] of results.entries()) {
    lines.push(
      `- **${columns[i]}: ${comparison(measured, GOAL)}, outputs within ${difference.toExponential(1)} of each other` +
        (columns[i] === 'wasm' ? `, ${environment.threads} threads.` : `, adapter: ${environment.adapter}.`),
    );
  }
  lines.push('', machine({ runtime: environment.runtime, browser }), '');
  return lines.join('\n');
}
