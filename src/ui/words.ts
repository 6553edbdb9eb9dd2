import type { ByteProgress } from '../bridge/protocol.ts';
import type { Precision } from '../graph/weights.ts';
import type { GenerationSource } from '../image/metadata/generationMetadata.ts';
import type { AnalysisSettings, AnalysisStage } from '../pipeline/analysis.ts';
import type { PerceptualFactor, PerceptualMode, PhraseResult, PhraseStatus } from '../quality/qualityResults.ts';
import type { AdapterStatus, Tier } from '../runtime/status.ts';
import type { Engine } from '../store/machineSlice.ts';
import type { Overlay } from '../store/viewSlice.ts';

/** Everything the interface says that depends on a value: one table per type. */

/** Stages of an analysis in plain words. */
export const STAGE_WORDS: Readonly<Record<AnalysisStage, string>> = {
  decode: 'Reading the picture',
  loadModel: 'Loading the model',
  preprocess: 'Scaling the picture for the model',
  encodeImage: 'Looking at the picture',
  encodeWords: 'Comparing with words for quality',
  encodePhrases: 'Looking for each phrase of the prompt',
};

/** Stages of installing a model in plain words. */
export const INSTALL_WORDS: Readonly<Record<ByteProgress['stage'], string>> = {
  wait: 'Waiting for another job',
  download: 'Downloading',
  compile: 'Compiling',
  check: 'Checking',
  copy: 'Copying',
  load: 'Loading',
};

/** The ways of computing, as shown. */
export const TIER_NAMES: Readonly<Record<Tier, string>> = {
  'webgpu-fp16': 'GPU, 16-bit',
  'webgpu-fp32': 'GPU, 32-bit',
  wasm: 'Processor',
};

/** What each tier is good for. */
export const TIER_NOTES: Readonly<Record<Tier, string>> = {
  'webgpu-fp16': 'The fastest way, at half the memory.',
  'webgpu-fp32': 'For GPUs without 16-bit shaders.',
  wasm: 'Works everywhere, without a GPU.',
};

/** The quality factors, as shown. */
export const FACTOR_NAMES: Readonly<Record<PerceptualFactor, string>> = {
  overall: 'Overall',
  technical: 'Technical',
  rationality: 'Rationality',
  naturalness: 'Naturalness',
};

/** What each quality factor asks. */
export const FACTOR_NOTES: Readonly<Record<PerceptualFactor, string>> = {
  overall: 'The impression as a whole: would one call this a good picture?',
  technical: 'Sharpness, noise, blur, compression: how well the picture is made.',
  rationality: 'Whether things make sense: hands with five fingers, shadows that fit, text that reads.',
  naturalness: 'Whether it looks like something seen, not something computed.',
};

/** How the quality words were given to the model. */
export const MODE_NOTES: Readonly<Record<PerceptualMode, string>> = {
  learned: 'Measured with learned contexts.',
  calibrated: 'Measured with words learned from your ratings.',
  zeroShot: 'Measured with written words (no learned contexts fit this model): an estimate.',
  released: 'Measured as the released code does, for comparison.',
};

/** The ways to give the quality words to the model, in the order offered. */
export const MODE_CHOICES: readonly {
  readonly value: Exclude<AnalysisSettings['perceptualMode'], 'calibrated'>;
  readonly name: string;
}[] = [
  { value: 'auto', name: 'Automatic' },
  { value: 'learned', name: 'Learned from ratings' },
  { value: 'zeroShot', name: 'Written' },
  { value: 'released', name: 'As the released code' },
];

/** What became of a phrase, as shown. */
export const PHRASE_STATUS_NAMES: Readonly<Record<PhraseStatus, string>> = {
  ok: 'found',
  missing: 'missing',
  wrongAttribute: 'wrong attribute',
  unwanted: 'unwanted',
  style: 'style',
};

/** What became of a phrase, and of a wrong attribute, where it is known, what the thing looks like instead. */
export function phraseFound({ status, looksLike }: Pick<PhraseResult, 'status' | 'looksLike'>): string {
  const name = PHRASE_STATUS_NAMES[status];
  return looksLike ? `${name}: looks like “${looksLike}”` : name;
}

/** What each status of a phrase means. */
export const PHRASE_STATUS_NOTES: Readonly<Record<PhraseStatus, string>> = {
  ok: 'The picture shows it as described.',
  missing: 'The thing itself was not found in the picture.',
  wrongAttribute: 'The thing is there, but not as described.',
  unwanted: 'The prompt asks for it to be absent, but it is there.',
  style: 'Speaks of the whole picture; it has no place of its own.',
};

/** One of several views, as shown, with its key. */
export interface KeyedView<Value> {
  readonly value: Value;
  readonly name: string;
  readonly key: string;
  readonly note: string;
}

/** Overlays, as shown, with their key. */
export const OVERLAYS: readonly KeyedView<Overlay>[] = [
  { value: 'none', name: 'None', key: 'N', note: 'The picture alone' },
  { value: 'perceptual', name: 'PQ', key: 'P', note: 'Perceptual quality: where it looks wrong' },
  { value: 'alignment', name: 'AQ', key: 'A', note: 'Alignment quality: where it misses the prompt' },
  { value: 'both', name: 'Both', key: 'B', note: 'The worse of PQ and AQ' },
  { value: 'mask', name: 'Mask', key: 'M', note: 'The area bad enough to repair' },
];

/** Precisions in the order offered. */
export const PRECISIONS: readonly {
  readonly value: Precision;
  readonly name: string;
  readonly note: string;
}[] = [
  { value: 'fp32', name: '32-bit', note: 'Exactly as published' },
  { value: 'fp16', name: '16-bit', note: 'Half the size, no visible difference' },
  { value: 'q8', name: '8-bit', note: 'A quarter of the size, nearly the same numbers' },
  { value: 'q4', name: '4-bit', note: 'Smallest; numbers are approximate' },
];

/** Where a prompt was found, after "from". */
export function sourceWords(source: GenerationSource): string {
  return source === 'unknown' ? 'the file’s metadata' : `${source} metadata`;
}

/** The names of the precisions. */
export const PRECISION_NAMES: Readonly<Record<Precision, string>> = {
  fp32: '32-bit',
  fp16: '16-bit',
  q8: '8-bit',
  q4: '4-bit',
};

/** The machine in a few words, and whether it deserves a look: slower than it could be, or not running. */
export function machineWords(engine: Engine): { readonly words: string; readonly attention: boolean } {
  switch (engine.state) {
    case 'starting':
      return { words: 'Checking…', attention: false };
    case 'switching':
      return { words: 'Switching…', attention: false };
    case 'failed':
      return { words: 'Not running', attention: true };
    case 'ready': {
      const { tier, adapter } = engine.status;
      const name = tier === 'wasm' ? '' : (adapter && adapterName(adapter)) || '';
      return {
        words: name ? `${name}, ${tier === 'webgpu-fp16' ? '16-bit' : '32-bit'}` : TIER_NAMES[tier],
        attention: false,
      };
    }
  }
}

/** The GPU's name as far as the browser tells it; empty where it tells nothing. */
export function adapterName({ vendor, architecture, description }: AdapterStatus): string {
  return description || [vendor, architecture].filter(Boolean).join(' ');
}

/** Weights beyond it are too large for the memory of most machines at full precision, bytes. */
const LARGE_WEIGHTS = 2e9;

/** The precision offered first on a tier, for weights of so many bytes. */
export function defaultPrecision(tier: Tier | null, weightBytes = 0): Precision {
  // These tiers compute in 32 bits, but a large model stored in them fits hardly any machine.
  if (weightBytes > LARGE_WEIGHTS && tier !== 'webgpu-fp16') return 'q8';
  return tier === 'webgpu-fp16' || tier === null ? 'fp16' : 'fp32';
}

/** A score 0..1 as the 0..100 shown; a dash where there is none. */
export function percent(score: number | null | undefined): string {
  return score == null || Number.isNaN(score) ? '–' : String(Math.round(score * 100));
}

/** Bytes in the unit a person would say, decimal as file managers show them. */
export function bytes(count: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.5 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** A duration as a person would say it: `8 s`, `2 min`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(1, Math.round(milliseconds / 1000));
  return seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

/**
 * Time left at the speed measured so far.
 * @returns milliseconds; null until a hundredth is done and a second has passed, when any number would be a guess
 */
export function timeLeft(progress: {
  readonly done: number;
  readonly total: number;
  readonly elapsed: number;
}): number | null {
  const { done, total, elapsed } = progress;
  if (elapsed < 1000 || total <= 0 || done < total / 100) return null;
  return (elapsed * (total - done)) / done;
}
