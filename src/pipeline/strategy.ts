/**
 * Ways to refine an image: G-Refine, what it is compared with in the papers' tables, and G-Refine with a part of it left out.
 * Here is what one is and how it is called; `strategies.ts` has them at work.
 */
import type { RgbaImage } from '../image/rgbaImage.ts';
import type { HandMask } from '../refine/handMask.ts';
import type { RefineSettings } from '../refine/refineSettings.ts';
import type { AnalysisJob } from './analyse.ts';
import type { AnalysisSettings } from './analysis.ts';
import type { DiffusionModel } from './diffusionPorts.ts';
import type { RefineEvent, RefineResult } from './refinement.ts';

/** Names of the strategies: in jobs, results and records. */
export type StrategyId =
  | 'gRefine'
  | 'qRefine'
  | 'restoration'
  | 'reconstruction'
  | 'imageToImage'
  | 'inpaintingByHand'
  | 'perceptualOnly'
  | 'alignmentOnly'
  | 'repaintOnly';

/** What a strategy cannot do without, besides the model of the maps: every result is measured. */
export interface StrategyNeeds {
  /** `either`: it works with one of the two, and leaves out what the other would do. */
  readonly model: 'inpainting' | 'restoration' | 'either';
  /** A mask drawn by hand. */
  readonly mask: boolean;
  /** A prompt that says something. */
  readonly prompt: boolean;
}

/** A strategy as it is offered. */
export interface StrategyDescription {
  readonly id: StrategyId;
  /** A few words. */
  readonly title: string;
  /** A sentence for who has to choose. */
  readonly whenToChoose: string;
  /** `ablation`: G-Refine with a part left out, to see what that part is good for. */
  readonly family: 'refiner' | 'baseline' | 'ablation';
  readonly needs: StrategyNeeds;
  /**
   * Whether what measures worse is undone (the balance gate). Without it the result stands as it came out, `refined` even where
   * it scores lower than the input: the papers compare so.
   */
  readonly isGated: boolean;
}

/** A strategy. */
export interface Strategy extends StrategyDescription {
  /**
   * Refines one image with one seed. The input is never written to.
   *
   * @throws AbortError once `signal.aborted` is set; UserError: whatever the models throw once falling back did not help;
   *   RangeError for settings no schedule exists for
   */
  run(job: StrategyJob): Promise<Refined>;
}

/** What a refinement needs: what an analysis does, the models, and how to use them. */
export interface StrategyJob extends Omit<AnalysisJob, 'settings' | 'onEvent' | 'signal'> {
  readonly analysisSettings?: AnalysisSettings;
  /** Repaints; null: none is installed. */
  readonly inpainting: DiffusionModel | null;
  /** Restores; null: none is installed. */
  readonly restoration: DiffusionModel | null;
  readonly settings: RefineSettings;
  /** Drawn by the user; only `inpaintingByHand` looks at it. */
  readonly handMask?: HandMask | null;
  /** 0..2^53−1. */
  readonly seed: number;
  /** Which of several seeds this is, from 0; told with every step. */
  readonly seedIndex?: number;
  readonly onEvent?: (event: RefineEvent) => void;
  /** Looked at between all steps. */
  readonly signal?: { readonly aborted: boolean };
  /** Awaited between pieces of long work on the CPU, so that a cancel can arrive. */
  readonly pause?: () => Promise<void>;
}

/** A refinement and its pixels; null: they are the input's. */
export interface Refined extends RefineResult {
  readonly image: RgbaImage | null;
}

const either: StrategyNeeds = { model: 'either', mask: false, prompt: false };

/** The strategies in the order they are offered. */
export const strategyDescriptions = [
  {
    id: 'gRefine',
    title: 'G-Refine',
    whenToChoose:
      'The usual choice: repairs what looks wrong and what misses the prompt, and keeps only what measures better.',
    family: 'refiner',
    needs: either,
    isGated: true,
  },
  {
    id: 'qRefine',
    title: 'Q-Refine',
    whenToChoose: 'Looks at quality alone, part by part, and always enhances the whole picture, the good ones gently.',
    family: 'refiner',
    needs: either,
    isGated: false,
  },
  {
    id: 'inpaintingByHand',
    title: 'Inpainting by hand',
    whenToChoose: 'When you know yourself what to replace: paint over it, and only that is painted anew.',
    family: 'baseline',
    needs: { model: 'inpainting', mask: true, prompt: false },
    isGated: false,
  },
  {
    id: 'imageToImage',
    title: 'Image-to-image',
    whenToChoose: 'Repaints the whole picture from the prompt, as far from the old one as you say; nothing is spared.',
    family: 'baseline',
    needs: { model: 'inpainting', mask: false, prompt: false },
    isGated: false,
  },
  {
    id: 'restoration',
    title: 'Restoration',
    whenToChoose:
      'For pictures that are only blurred or noisy: PASD sharpens the whole of it and is not told what it shows.',
    family: 'baseline',
    needs: { model: 'restoration', mask: false, prompt: false },
    isGated: false,
  },
  {
    id: 'reconstruction',
    title: 'Reconstruction',
    whenToChoose: 'As restoration, but PASD is told the prompt, so that it invents detail that fits it.',
    family: 'baseline',
    needs: { model: 'restoration', mask: false, prompt: true },
    isGated: false,
  },
  {
    id: 'perceptualOnly',
    title: 'G-Refine, quality only',
    whenToChoose:
      'To see what the map of quality does alone: nothing is repaired or stressed because the prompt misses it.',
    family: 'ablation',
    needs: either,
    isGated: true,
  },
  {
    id: 'alignmentOnly',
    title: 'G-Refine, match only',
    whenToChoose: 'To see what the map of the match does alone: only places that miss the prompt are repaired.',
    family: 'ablation',
    needs: { ...either, prompt: true },
    isGated: true,
  },
  {
    id: 'repaintOnly',
    title: 'G-Refine, stage 1 only',
    whenToChoose:
      'To see what repainting does alone, or to leave every pixel outside the bad regions exactly as it is.',
    family: 'ablation',
    needs: { ...either, model: 'inpainting' },
    isGated: true,
  },
] as const satisfies readonly StrategyDescription[];
