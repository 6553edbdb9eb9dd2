/**
 * `npm run bench:unet [-- --models narrow,wide --precision fp32 --tiers wasm,webgpu --rounds 15,5]`: our compiled UNet
 * against the same checkpoint exported by torch.onnx, in one onnxruntime-web build, on one adapter, in turns; rounds by tier.
 * Writes bench/results/unet-PRECISION.md.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { comparison, machine, times } from '../report.mjs';
import { ROOT, runPage, runPython } from '../runPage.mjs';

/** Of the exporter as it is: what an earlier one exported is no peer. */
const EXPORTER = 'bench/unet/export_torch.py';
const FOLDER = `.cache/bench-unet/${createHash('sha256')
  .update(readFileSync(ROOT + EXPORTER))
  .digest('hex')
  .slice(0, 12)}`;
/** How much faster a step is meant to be. */
const GOAL = 1.3;
/** How far the outputs may be apart before their times say nothing. */
const MAX_DIFFERENCE = { fp32: 1e-4, fp16: 2e-2 };
/** Rounds in which onnxruntime's profiler looks on, on wasm; on WebGPU it would see when kernels are given, not how long they run. */
const PROFILED_ROUNDS = 5;
/** What is matrix products, convolutions and attention, whichever way it is written. */
const PRODUCTS = ['Conv', 'FusedConv', 'FusedGemm', 'FusedMatMul', 'Gemm', 'MatMul', 'MultiHeadAttention', 'Softmax'];
/** Channels of the first convolution: the model's, and filled up to whole fours. */
const CHANNELS = [9, 12];

const { values: options } = parseArgs({
  options: {
    models: { type: 'string', default: 'narrow,wide' },
    precision: { type: 'string', default: 'fp32' },
    tiers: { type: 'string', default: 'wasm,webgpu' },
    rounds: { type: 'string', default: '15,5' },
  },
});
const { precision } = options;
if (!(precision in MAX_DIFFERENCE)) throw new RangeError(`--precision is fp32 or fp16, not ${precision}`);
const models = options.models.split(',');
const tiers = options.tiers.split(',').map((column) => (column === 'webgpu' ? `webgpu-${precision}` : column));
const rounds = options.rounds.split(',').map(Number);
const load = loadavg()[0];

mkdirSync(`${ROOT}${FOLDER}`, { recursive: true });
for (const model of models) {
  if (existsSync(`${ROOT}${FOLDER}/${model}-${precision}.json`)) continue;
  console.log(`Exporting ${model} with torch.onnx (once, about a minute)`);
  runPython(EXPORTER, {
    args: [FOLDER, '--model', model, '--precision', precision],
    modules: ['torch', 'diffusers', 'onnx', 'onnxscript'],
  });
}
const requests = models.flatMap((model) =>
  tiers.map((tier, i) => ({ model, tier, precision, rounds: rounds[i] ?? rounds[0], folder: `/${FOLDER}` })),
);
// A page each: two models at their real width do not fit into one page's heap.
const results = [];
for (const request of requests) results.push(...(await runPage('bench/unet/index.html', [request])));
// Once more each by itself: the heaps never shrink, so two in one page would be counted together.
const alone = await runPage(
  'bench/unet/index.html',
  requests.flatMap((request) => ['ours', 'torch'].map((name) => ({ ...request, rounds: 0, alone: name }))),
);
const profiled = requests
  .filter(({ tier }) => tier === 'wasm')
  .map((request) => ({ ...request, rounds: PROFILED_ROUNDS, profile: true }));
const profiles = await runPage('bench/unet/index.html', profiled);
const convolutions = tiers.flatMap((tier) => CHANNELS.map((channels) => ({ tier, channels })));
const errors = await runPage('bench/unet/convolution.html', convolutions);
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
    'in milliseconds, the fastest run in brackets. Heaps: peaks with that model alone in the page. Bytes: to the GPU and back, a',
    'step. Ours is loaded from a file that stays out of memory, as the app does it, the export from memory. The JS heap of ours',
    'has the compiling in it, which the app does in another worker and once.',
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
  lines.push('', ...profileLines(), '', ...convolutionLines());
  const [{ environment, browser }] = results;
  const loaded = `Load of the machine before: ${load.toFixed(1)}.`;
  lines.push('', `${machine({ runtime: environment.runtime, browser })} ${loaded}`, '');
  return lines.join('\n');
}

/** Where the time goes on wasm: what no way of writing the graph takes away, and the rest. */
function profileLines() {
  if (profiled.length === 0) return [];
  const lines = [
    'Where the time goes on wasm, by onnxruntime’s profiler (milliseconds of the fastest step, in turns as well):',
    '',
    '| model | | products, convolutions, attention | all else | largest of the rest |',
    '|---|---|---|---|---|',
  ];
  const sum = (entries) => entries.reduce((total, [, time]) => total + time, 0);
  const bounds = profiled.map(({ model }, i) => {
    const parts = Object.entries(profiles[i].operators).map(([name, times]) => {
      const operators = Object.entries(times).toSorted(([, a], [, b]) => b - a);
      const rest = operators.filter(([operator]) => !PRODUCTS.includes(operator));
      const [all, other] = [sum(operators), sum(rest)];
      const largest = rest.slice(0, 4).map(([operator, time]) => `${operator} ${time.toFixed(0)}`);
      lines.push(
        `| ${model} | ${name} | ${(all - other).toFixed(0)} (${(((all - other) / all) * 100).toFixed(0)} %) | ` +
          `${other.toFixed(0)} | ${largest.join(', ')} |`,
      );
      return [name, { all, products: all - other }];
    });
    const { ours, torch } = Object.fromEntries(parts);
    return `${model} ${(torch.all / ours.products).toFixed(2)}×`;
  });
  lines.push('', `As fast as the export, if all of ours but its products took no time: ${bounds.join(', ')}.`);
  return lines;
}

/** What is wrong with the peer's first convolution as it is exported, and how both get round it. */
function convolutionLines() {
  const lines = [
    'One 3×3 convolution alone, error against the sum in float64. The WebGPU provider is wrong with 9 channels: it reads three at',
    'a time, at an index that holds for four. Ours fills the input of its first convolution up to 12 with weights of zero. The',
    'export, which has 9, is given the same; without that its results on WebGPU are wrong.',
    '',
    '| on | channels | error |',
    '|---|---|---|',
  ];
  for (const [i, { tier, channels }] of convolutions.entries()) {
    lines.push(`| ${tier} | ${channels} | ${errors[i].error.toExponential(1)} |`);
  }
  return lines;
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
