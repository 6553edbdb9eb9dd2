import { cpus } from 'node:os';

/** @param values at least one */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median in milliseconds, the fastest in brackets. */
export function times(runs) {
  return `${Math.round(median(runs))} (${Math.round(Math.min(...runs))})`;
}

/**
 * How much faster `ours` is than `torch`, as a sentence.
 * @param measured runs of both, taken in turns
 */
export function comparison({ ours, torch }, goal) {
  // Round by round, so that what else the machine does falls on both alike.
  const ratio = median(torch.runs.map((time, round) => time / ours.runs[round]));
  const fastest = Math.min(...torch.runs) / Math.min(...ours.runs);
  const verdict = ratio >= goal ? `the goal of ${goal} is met` : `below the goal of ${goal}`;
  return `${ratio.toFixed(2)}× as fast** (fastest runs: ${fastest.toFixed(2)}×), ${verdict}. ${ours.runs.length} rounds`;
}

/** What it was measured with. */
export function machine({ runtime, browser }) {
  const processors = cpus();
  return `${runtime}, Chromium ${browser}, ${processors.length} × ${processors[0].model}.`;
}
