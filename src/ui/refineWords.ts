import type { RefineStage } from '../pipeline/refinement.ts';
import { type StrategyId, strategyDescriptions } from '../pipeline/strategy.ts';
import type { PackKind } from '../store/packsSlice.ts';
import type { RefineChoices, SAMPLERS } from '../store/refineChoices.ts';
import type { TimeLeft } from '../store/refineEta.ts';
import type { StageView } from '../store/viewSlice.ts';
import type { KeyedView } from './words.ts';

/** Everything the interface says about refining that depends on a value. */

const STAGE_WORDS: Readonly<Record<RefineStage, string>> = {
  analyse: 'Finding what is bad',
  inpaint: 'Repainting bad regions',
  restore: 'Restoring detail',
  analyseAgain: 'Measuring the result',
  gate: 'Keeping what got better',
};

/** Where a strategy does something else in a stage than G-Refine does. */
const OTHER_STAGE_WORDS: Readonly<Partial<Record<StrategyId, Partial<Record<RefineStage, string>>>>> = {
  qRefine: { restore: 'Enhancing the picture' },
  inpaintingByHand: { analyse: 'Measuring the picture', inpaint: 'Repainting the mask' },
  imageToImage: { analyse: 'Measuring the picture', inpaint: 'Repainting the picture' },
  restoration: { analyse: 'Measuring the picture', restore: 'Restoring the picture' },
  reconstruction: { analyse: 'Measuring the picture', restore: 'Restoring the picture' },
};

/** A stage of a refinement in plain words. */
export function refineStageWords(stage: RefineStage, strategy: StrategyId): string {
  return OTHER_STAGE_WORDS[strategy]?.[stage] ?? STAGE_WORDS[stage];
}

/** A strategy's title. */
export function strategyTitle(strategy: StrategyId): string {
  return strategyDescriptions.find(({ id }) => id === strategy)?.title ?? strategy;
}

/** What a pack is for, as shown. */
export const PACK_KIND_WORDS: Readonly<
  Record<PackKind, { readonly name: string; readonly does: string; readonly missing: string }>
> = {
  maps: {
    name: 'Finds what is bad',
    does: 'CLIP',
    missing: 'None yet. Any CLIP, for example openai/clip-vit-base-patch16.',
  },
  inpainting: {
    name: 'Repaints bad regions',
    does: 'SD or SDXL inpainting',
    missing: 'None yet. For example diffusers/stable-diffusion-xl-1.0-inpainting-0.1.',
  },
  restoration: {
    name: 'Restores detail',
    does: 'PASD',
    missing: 'None yet. For example yangtao9009/PASD.',
  },
};

/** The views of a result, with their key. */
export const VIEWS: readonly KeyedView<StageView>[] = [
  { value: 'single', name: 'Result', key: '1', note: 'The result alone; hold Space for the original' },
  { value: 'slider', name: 'Slider', key: '2', note: 'Original and result, parted by a line you can drag' },
  { value: 'sideBySide', name: 'Side by side', key: '3', note: 'Original and result, moved and zoomed together' },
  { value: 'difference', name: 'Difference', key: '4', note: 'What changed, amplified; black is untouched' },
];

/** The samplers, as other tools call them. */
export const SAMPLER_NAMES: Readonly<Record<(typeof SAMPLERS)[number], string>> = {
  dpmpp_2m_karras: 'DPM++ 2M Karras',
  unipc: 'UniPC',
  euler: 'Euler',
  euler_ancestral: 'Euler ancestral',
  ddim: 'DDIM',
};

/** Time left as a person would say it: to the second only at the end, in steps of five before. */
export function timeLeftWords({ milliseconds, of }: TimeLeft): string {
  const seconds = milliseconds / 1000;
  let about: string;
  if (seconds < 10) about = `${Math.max(1, Math.round(seconds))} s`;
  else if (seconds < 90) about = `${Math.round(seconds / 5) * 5} s`;
  else if (seconds < 90 * 60) about = `${Math.round(seconds / 60)} min`;
  else about = `${(seconds / 3600).toFixed(1)} h`;
  return of === 'job' ? `about ${about} left` : `about ${about} left in this stage`;
}

/** A change of a score 0..1 in points of 100, and what it means; shown as `+12 better`. */
export function changeWords(
  before: number | null | undefined,
  after: number | null | undefined,
): { readonly points: string; readonly word: 'better' | 'worse' | 'same' } | null {
  if (before == null || after == null || Number.isNaN(before) || Number.isNaN(after)) return null;
  // Of the rounded numbers, which stand beside it.
  const points = Math.round(after * 100) - Math.round(before * 100);
  if (points === 0) return { points: '±0', word: 'same' };
  return points > 0 ? { points: `+${points}`, word: 'better' } : { points: `−${-points}`, word: 'worse' };
}

/** A stretch of an emphasised prompt. */
export interface PromptPiece {
  readonly text: string;
  /** 1: as it is. */
  readonly weight: number;
}

/** `a (red hat:1.30) on snow` in pieces: what a refinement stressed, and how much. */
export function emphasisedPieces(prompt: string): readonly PromptPiece[] {
  const pieces: PromptPiece[] = [];
  let end = 0;
  for (const match of prompt.matchAll(/(?<!\\)\(((?:[^()\\]|\\.)+):(\d+(?:\.\d+)?)\)/g)) {
    if (match.index > end) pieces.push({ text: prompt.slice(end, match.index), weight: 1 });
    pieces.push({ text: match[1] ?? '', weight: Number(match[2]) });
    end = match.index + match[0].length;
  }
  if (end < prompt.length) pieces.push({ text: prompt.slice(end), weight: 1 });
  return pieces;
}

/** What the settings are, in a few words, for a list of results. */
export function settingsSummary({
  strategy,
  settings,
  seeds,
}: {
  strategy: StrategyId;
  settings: RefineChoices['settings'];
  seeds: number;
}): string {
  const { stage1, stage2 } = settings;
  const parts: string[] = strategy === 'gRefine' ? [] : [strategyTitle(strategy)];
  const sampler = (steps: number) => `${SAMPLER_NAMES[stage1.sampler]} ${steps}`;
  switch (strategy) {
    case 'inpaintingByHand':
    case 'imageToImage':
      parts.push(sampler(settings[strategy].steps));
      break;
    case 'restoration':
    case 'reconstruction':
      parts.push(`PASD ${settings.restoration.steps}`);
      break;
    default:
      if (stage1.enabled || strategy === 'qRefine') parts.push(sampler(stage1.steps));
      if ((stage2.enabled || strategy === 'qRefine') && strategy !== 'repaintOnly') parts.push(`PASD ${stage2.steps}`);
  }
  if (seeds > 1) parts.push(`${seeds} seeds`);
  return parts.join(' · ');
}

/** What a refinement will do, as a sentence or two. */
export function planWords(
  { inpaints, restores }: { readonly inpaints: boolean; readonly restores: boolean },
  { strategy, settings: { stage2 }, variants }: RefineChoices,
): string {
  const plan = planOf(strategy, { inpaints, restores, isLocal: !restores || stage2.reach === 'regions' });
  return variants > 1 ? `${plan} ${variants} variants, best kept.` : plan;
}

function planOf(
  strategy: StrategyId,
  {
    inpaints,
    restores,
    isLocal,
  }: { readonly inpaints: boolean; readonly restores: boolean; readonly isLocal: boolean },
): string {
  switch (strategy) {
    case 'qRefine':
      return `${inpaints ? `Repaints what is not of high quality${restores ? ', then enhances the whole picture' : ''}` : 'Enhances the whole picture'}. Nothing is undone where it measures worse.`;
    case 'inpaintingByHand':
      return 'Repaints the mask; every other pixel stays as it is.';
    case 'imageToImage':
      return 'Repaints the whole picture. Nothing is undone where it measures worse.';
    case 'restoration':
    case 'reconstruction':
      return 'Redraws the detail of the whole picture. Nothing is undone where it measures worse.';
    default: {
      const repairs = inpaints ? 'Repaints bad regions' : '';
      const restoration = isLocal ? 'restores their detail' : 'restores the detail of the whole picture';
      const all = restores ? (repairs ? `${repairs}, then ${restoration}` : capital(restoration)) : repairs;
      return isLocal
        ? `${all.replace('Restores their', 'Restores the bad regions’')}; every other pixel stays as it is.`
        : `${all}; what measures worse keeps its old pixels.`;
    }
  }
}

const capital = (words: string) => words.charAt(0).toUpperCase() + words.slice(1);
