/**
 * `npm run bench:compile [-- --cases sdxl-F16-fp16,sd15-F32-fp16 --from file --rounds 2 --profile FOLDER]`: compiling a checkpoint
 * into the browser's private file system against a plain copy of the same bytes into it, in turns, each round in a browser of
 * its own; then once more, asking the browser for its memory. `--cases text-F16-fp16` is a small one. `--from stream` reads
 * over HTTP, `hashed` takes the SHA-256 of what comes as well. Needs twice the checkpoint's size on the disk of `--profile`.
 * Writes bench/results/compile-FROM.md.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { watchRenderers } from '../rendererMemory.mjs';
import { machine, median } from '../report.mjs';
import { ROOT, runPage } from '../runPage.mjs';
import { syntheticServer } from './syntheticServer.mjs';

/** Least speed relative to a copy, and most memory above idle in bytes. */
const GOAL = { ratio: 0.6, memory: 512e6 };
/** What is compared: with the disk, then without. */
const TASKS = ['copy', 'compile', 'convert'];

const { values: options } = parseArgs({
  options: {
    cases: { type: 'string', default: 'sdxl-F16-fp16,sd15-F32-fp16,sd15-F32-fp32,sd15-F16-q8,sd15-F16-q4' },
    from: { type: 'string', default: 'file' },
    rounds: { type: 'string', default: '2' },
    profile: { type: 'string', default: `${ROOT}.cache/bench-compile` },
  },
});
const { from, profile } = options;
const cases = options.cases.split(',').map((text) => {
  const [model, dtype, precision] = text.split('-');
  return { model, dtype, precision };
});
const requests = cases.flatMap((each) => [
  ...Array.from({ length: Number(options.rounds) }, (_, round) =>
    // Who goes first changes, in case the second gains or loses by it.
    (round % 2 === 0 ? TASKS : TASKS.toReversed()).map((task) => ({ ...each, task, from, watchMemory: false })),
  ).flat(),
  { ...each, task: 'compile', from, watchMemory: true },
]);
const results = await runPage('bench/compile/index.html', requests, {
  plugins: [syntheticServer()],
  profile,
  watch: watchRenderers,
});
const report = describe();
mkdirSync(`${ROOT}bench/results`, { recursive: true });
writeFileSync(`${ROOT}bench/results/compile-${from}.md`, report);
console.log(report);

function describe() {
  const lines = [
    `# Compiling a checkpoint, from a ${from === 'file' ? 'file' : 'stream'}${from === 'hashed' ? ', hashed' : ''}`,
    '',
    "Into a pack in the browser's private file system, journal and all, against a plain copy of the same bytes into it, in turns.",
    'MB/s of the checkpoint, medians; "no disk" is compiling without writing. Ratios are medians over the rounds. Memory is the',
    'most above idle: of all heaps and ArrayBuffers as the browser tells it (after collecting garbage), and of the renderer process',
    'as the kernel counts it (garbage and shared memory included; the largest of all rounds).',
    '',
    "| | GB | copy | compiled | no disk | ratio | heaps | process | copy's process |",
    '|---|---|---|---|---|---|---|---|---|',
  ];
  const missed = [];
  for (const each of cases) {
    const of = (task, watchMemory = false) =>
      results.filter((_, i) => {
        const request = requests[i];
        const isCase = Object.keys(each).every((key) => request[key] === each[key]);
        return isCase && request.task === task && request.watchMemory === watchMemory;
      });
    const [copied, compiled, converted, [watched]] = [of('copy'), of('compile'), of('convert'), of('compile', true)];
    const speed = (runs) =>
      Math.round(median(runs.map(({ readBytes, milliseconds }) => readBytes / milliseconds / 1e3)));
    const ratio = median(compiled.map(({ milliseconds }, round) => copied[round].milliseconds / milliseconds));
    const heaps = watched.peakBytes - watched.idleBytes;
    const process = (runs) => Math.max(...runs.map(({ peakRss, idleRss }) => peakRss - idleRss));
    const name = `${each.model}, ${each.dtype} to ${each.precision}`;
    const cells = [
      name,
      (watched.readBytes / 1e9).toFixed(2),
      speed(copied),
      speed(compiled),
      speed(converted),
      `**${ratio.toFixed(2)}**`,
      ...[heaps, process([...compiled, watched]), process(copied)].map((bytes) => `${Math.round(bytes / 1e6)} MB`),
    ];
    lines.push(`| ${cells.join(' | ')} |`);
    if (!(ratio >= GOAL.ratio)) missed.push(`${name} is below ${GOAL.ratio} of a copy`);
    if (!(heaps <= GOAL.memory)) missed.push(`${name} takes more than ${GOAL.memory / 1e6} MB`);
  }
  const [{ browser }] = results;
  const verdict = missed.length > 0 ? `${missed.join('; ')}.` : 'Both goals are met.';
  lines.push('', `${verdict} ${options.rounds} rounds.`, '', machine({ runtime: 'No GPU', browser }), '');
  return lines.join('\n');
}
