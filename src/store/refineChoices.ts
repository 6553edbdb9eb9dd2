import type { StrategyId } from '../pipeline/strategy.ts';
import type { RefineSettings } from '../refine/refineSettings.ts';

/** What the user decides about a refinement. */
export interface RefineChoices {
  readonly strategy: StrategyId;
  readonly settings: RefineSettings;
  /** How many seeds are tried, 1..{@link MOST_VARIANTS}. */
  readonly variants: number;
  /** The first of them; null: new ones every time. */
  readonly seed: number | null;
}

/** Most seeds tried at once. */
export const MOST_VARIANTS = 8;
/** Largest seed offered: what other tools show, too. */
export const LARGEST_SEED = 2 ** 32 - 1;

type Sampler = RefineSettings['stage1']['sampler'];

/** The samplers, in the order offered. */
export const SAMPLERS: readonly Sampler[] = ['dpmpp_2m_karras', 'unipc', 'euler', 'euler_ancestral', 'ddim'];

/** Where a number may be set, and in which steps. */
export interface Range {
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

const STAGE_RANGES = {
  steps: { min: 4, max: 50, step: 1 },
  guidanceScale: { min: 1, max: 20, step: 0.5 },
} as const;

/** The ranges of all numbers the interface offers, by their path in the settings. */
export const RANGES = {
  maskThreshold: { min: 0.1, max: 0.9, step: 0.05 },
  leastDamage: { min: 0, max: 1, step: 0.05 },
  goodEnough: { min: 0.5, max: 1, step: 0.05 },
  gateTolerance: { min: 0, max: 0.2, step: 0.01 },
  leastImprovement: { min: 0, max: 0.5, step: 0.01 },
  'stage1.steps': STAGE_RANGES.steps,
  'stage1.guidanceScale': STAGE_RANGES.guidanceScale,
  'stage1.smallestStrength': { min: 0.1, max: 0.98, step: 0.01 },
  'stage1.largestStrength': { min: 0.1, max: 0.98, step: 0.01 },
  'stage1.mismatchStrength': { min: 0.1, max: 0.98, step: 0.01 },
  'stage1.leastGain': { min: 0, max: 0.3, step: 0.01 },
  'stage1.attempts': { min: 1, max: 5, step: 1 },
  'stage1.leastMismatch': { min: 0, max: 1, step: 0.05 },
  'stage1.leastLegible': { min: 0, max: 1, step: 0.05 },
  'stage1.context': { min: 0, max: 2, step: 0.1 },
  'stage2.steps': STAGE_RANGES.steps,
  'stage2.guidanceScale': STAGE_RANGES.guidanceScale,
  'stage2.strength': { min: 0.05, max: 0.6, step: 0.01 },
  'stage2.conditioningScale': { min: 0, max: 1.5, step: 0.05 },
  'qRefine.gridSide': { min: 2, max: 32, step: 1 },
  'qRefine.lowBelow': { min: 0, max: 1, step: 0.01 },
  'qRefine.highFrom': { min: 0, max: 1, step: 0.01 },
  'qRefine.largestNoise': { min: 0, max: 1, step: 0.05 },
  'qRefine.maskSmoothing': { min: 0, max: 1, step: 0.05 },
  'qRefine.promptedBelow': { min: 0, max: 1, step: 0.05 },
  'qRefine.smallestEnhancement': { min: 0.05, max: 0.6, step: 0.01 },
  'qRefine.largestEnhancement': { min: 0.05, max: 0.6, step: 0.01 },
  'restoration.steps': STAGE_RANGES.steps,
  'imageToImage.steps': STAGE_RANGES.steps,
  'imageToImage.strength': { min: 0.05, max: 1, step: 0.01 },
  'inpaintingByHand.steps': STAGE_RANGES.steps,
  'inpaintingByHand.strength': { min: 0.1, max: 0.98, step: 0.01 },
  'stage2.latentTile': { min: 48, max: 320, step: 8 },
} as const satisfies Readonly<Record<string, Range>>;

/** Path of a number that the interface offers. */
export type RangePath = keyof typeof RANGES;

const WORDS: Readonly<Record<string, readonly string[]>> = {
  'stage1.sampler': SAMPLERS,
  'stage1.text': ['prompt', 'region'],
  'stage2.text': ['prompt', 'region'],
  'stage1.repaints': ['all', 'content'],
  'stage2.sampler': SAMPLERS,
  'stage2.reach': ['whole', 'regions'],
  'stage2.recolours': ['nowhere', 'unnatural'],
  'stage2.mode': ['gentle', 'native'],
};
/** Longest text kept. */
const LONGEST_TEXT = 4000;

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Only what differs from the defaults: what the user never touched follows the defaults of a later version.
 * @returns plain JSON; empty where nothing differs
 */
export function changedChoices(choices: RefineChoices, defaults: RefineChoices): Json {
  return changed(choices as unknown as Json, defaults as unknown as Json);
}

function changed(value: Json, defaults: Json): Json {
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, now]): [string, unknown][] => {
      const usual = defaults[key];
      if (isObject(now) && isObject(usual)) {
        const inner = changed(now, usual);
        return Object.keys(inner).length > 0 ? [[key, inner]] : [];
      }
      return now === usual ? [] : [[key, now]];
    }),
  );
}

/**
 * The defaults with what was remembered; anything unknown, damaged or out of range is left out. Never throws.
 *
 * @param options.strategies names of those offered
 */
export function rememberedChoices(
  stored: unknown,
  { defaults, strategies }: { readonly defaults: RefineChoices; readonly strategies: readonly StrategyId[] },
): RefineChoices {
  if (!isObject(stored)) return defaults;
  const { strategy, variants, seed, settings } = stored;
  const merged = merge(settings, defaults.settings as unknown as Json, '') as unknown as RefineSettings;
  return {
    strategy: strategies.find((id) => id === strategy) ?? defaults.strategy,
    settings: withRangesInOrder(merged),
    variants: isWhole(variants, 1, MOST_VARIANTS) ? variants : defaults.variants,
    seed: isWhole(seed, 0, LARGEST_SEED) ? seed : defaults.seed,
  };
}

/** Ranges whose ends were remembered one without the other stay ranges. */
function withRangesInOrder(settings: RefineSettings): RefineSettings {
  const { stage1, qRefine } = settings;
  return {
    ...settings,
    stage1: { ...stage1, smallestStrength: Math.min(stage1.smallestStrength, stage1.largestStrength) },
    qRefine: {
      ...qRefine,
      lowBelow: Math.min(qRefine.lowBelow, qRefine.highFrom),
      smallestEnhancement: Math.min(qRefine.smallestEnhancement, qRefine.largestEnhancement),
    },
  };
}

function isWhole(value: unknown, min: number, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

function merge(stored: unknown, defaults: Json, path: string): Json {
  if (!isObject(stored)) return defaults;
  return Object.fromEntries(
    Object.entries(defaults).map(([key, usual]) => {
      const value = Object.hasOwn(stored, key) ? stored[key] : undefined;
      const at = path === '' ? key : `${path}.${key}`;
      if (isObject(usual)) return [key, merge(value, usual, at)];
      return [key, isAllowed(value, usual, at) ? value : usual];
    }),
  );
}

function isAllowed(value: unknown, usual: unknown, path: string): boolean {
  if (typeof value !== typeof usual) return false;
  if (typeof value === 'number') {
    const range = Object.hasOwn(RANGES, path) ? RANGES[path as RangePath] : null;
    return Number.isFinite(value) && (range === null || (value >= range.min && value <= range.max));
  }
  if (typeof value === 'string') {
    return Object.hasOwn(WORDS, path) ? (WORDS[path] ?? []).includes(value) : value.length <= LONGEST_TEXT;
  }
  return true;
}
