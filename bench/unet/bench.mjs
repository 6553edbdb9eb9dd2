/**
 * `npm run bench:unet [-- --models narrow,wide --precision fp32 --tiers wasm,webgpu --rounds 9]`: our compiled UNet against
 * the same checkpoint exported by torch.onnx, in one onnxruntime-web build, on one adapter, in turns. Writes
 * bench/results/unet-PRECISION.md.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { comparison, machine, times } from '../report.mjs';
import { ROOT, runPage, runPython } from '../runPage.mjs';

const FOLDER = '.cache/bench-unet';
/** How much faster a step is meant to be. */
const GOAL = 1.3;
/** How far the outputs may be apart before their times say nothing. */
const MAX_DIFFERENCE = { fp32: 1e-4, fp16: 2e-2 };

const { values: options } = parseArgs({
  options: {
    models: { type: 'string', default: 'narrow,wide' },
    precision: { type: 'string', default: 'fp32' },
    tiers: { type: 'string', default: 'wasm,webgpu' },
    rounds: { type: 'string', default: '9' },
  },
});
const { precision } = options;
if (!(precision in MAX_DIFFERENCE)) throw new RangeError(`--precision is fp32 or fp16, not ${precision}`);
const models = options.models.split(',');

mkdirSync(`${ROOT}${FOLDER}`, { recursive: true });
for (const model of models) {
  if (existsSync(`${ROOT}${FOLDER}/${model}-${precision}.json`)) continue;
  console.log(`Exporting ${model} with torch.onnx (once, about a minute)`);
  runPython('bench/unet/export_torch.py', {
    args: [FOLDER, '--model', model, '--precision', precision],
    modules: ['torch', 'diffusers', 'onnx', 'onnxscript'],
  });
}
const requests = models.flatMap((model) =>
  options.tiers.split(',').map((column) => ({
    model,
    tier: column === 'webgpu' ? `webgpu-${precision}` : column,
    precision,
    rounds: Number(options.rounds),
    folder: `/${FOLDER}`,
  })),
);
const results = await runPage('bench/unet/index.html', requests);
// Once more each by itself: the heaps never shrink, so two in one page would be counted together.
const alone = await runPage(
  'bench/unet/index.html',
  requests.flatMap((request) => ['ours', 'torch'].map((name) => ({ ...request, rounds: 0, alone: name }))),
);
const report = describe();
mkdirSync(`${ROOT}bench/results`, { recursive: true });
writeFileSync(`${ROOT}bench/results/unet-${precision}.md`, report);
console.log(report);
const apart = requests.filter((_, i) => !(results[i].difference <= MAX_DIFFERENCE[precision]));
if (apart.length > 0) throw new Error(`The outputs differ: ${apart.map(({ model, tier }) => `${model} on ${tier}`)}`);

function describe() {
  const lines = [
    `# UNet, one step of denoising, ${precision}`,
    '',
    'Ours against the same checkpoint exported by torch.onnx (`bench/unet/export_torch.py`: `narrow` is all of SD 1.5 inpainting',
    'at a fifth of its width, `wide` its first two levels at the real width), batch 2, in turns in one run. Times are medians',
    'in milliseconds, the fastest run in brackets. Heaps: peaks with that model alone in the page. Bytes: to the GPU and back, a step.',
    '',
    '| model | on | | step | load | first step | kernels | bytes to / from the GPU | JS heap | wasm heap | weights |',
    '|---|---|---|---|---|---|---|---|---|---|---|',
  ];
  for (const [i, { model, tier }] of requests.entries()) {
    for (const [j, name] of ['ours', 'torch'].entries()) {
      const measured = results[i].measured[name];
      const { heaps } = alone[2 * i + j];
      lines.push(
        `| ${model} | ${tier} | ${name} | ${times(measured.runs)} | ${Math.round(measured.loadTime)} | ` +
          `${Math.round(measured.firstRun)} | ${measured.kernels || ''} | ` +
          `${measured.kernels ? `${measured.uploadedBytes} / ${measured.readBytes}` : ''} | ` +
          `${megabytes(heaps.js)} | ${megabytes(heaps.wasm)} | ${megabytes(measured.modelBytes)} |`,
      );
    }
  }
  lines.push('');
  for (const [i, { model, tier }] of requests.entries()) {
    const { measured, difference, environment } = results[i];
    lines.push(
      `- **${model} on ${tier}: ${comparison(measured, GOAL)}, outputs within ${difference.toExponential(1)} of each other` +
        (tier === 'wasm' ? `, ${environment.threads} threads.` : `, adapter: ${environment.adapter}.`),
    );
  }
  const [{ environment, browser }] = results;
  lines.push('', machine({ runtime: environment.runtime, browser }), '');
  return lines.join('\n');
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
