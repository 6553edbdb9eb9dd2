import type { SamplerName } from '../diffusion/samplerName.ts';
import { defaultQRefineSettings, type QRefineSettings } from './qRefineSettings.ts';

/** Everything that decides a refinement besides image, prompt, seed and models. One object; it goes with the result. */
export interface RefineSettings {
  /** τ: pixels whose merged defect D exceeds it are repainted, 0..1. */
  readonly maskThreshold: number;
  /**
   * A region that only looks bad is repaired where D of its worst pixel is at least this, 0..1 [ours: hysteresis]: damage is sure of
   * itself somewhere, and good work that is held for it mostly nowhere. 0 (default): every region is.
   */
  readonly leastDamage: number;
  /** An image with Q_P · Q_A above it is left as it is, 0..1; 1: only an empty mask spares an image. */
  readonly goodEnough: number;
  readonly stage1: StageSettings & {
    readonly enabled: boolean;
    /** s_min and s_max: strength = clamp(s_min + (1 − Q)(s_max − s_min)), never 1. */
    readonly smallestStrength: number;
    readonly largestStrength: number;
    /** Least strength where something is missing or described wrongly: what is there does not tell what should be. */
    readonly mismatchStrength: number;
    /**
     * What a region is painted from. `prompt` (default): all of P′, as the paper has it. `region`: what of P′ belongs there, which small
     * models need.
     */
    readonly text: 'prompt' | 'region';
    /**
     * What is repainted. `all` (default): whatever is bad, as the paper has it. `content`: what misses the prompt or is misshapen. What is
     * only blurred, noisy, blocky or of unnatural colours still shows what belongs there, which a model that paints roughly takes away:
     * it is left to stage 2, where there is one.
     */
    readonly repaints: 'all' | 'content';
    /**
     * How surely something has to be missing or other than asked for before it is painted, 0..1. 0 (default): what T_n and T_p
     * hold against an image is enough. What is wrongly thought missing is painted a second time.
     */
    readonly leastMismatch: number;
    /**
     * Where something that misses the prompt is technically worse or less natural than this, that is its fault instead, 0..1: what is
     * damaged is not recognised. 0 (default): never.
     */
    readonly leastLegible: number;
    /** A region whose quality rose by less keeps its old pixels, 0..1: what was painted anew is not worth having for as good as nothing. */
    readonly leastGain: number;
    /**
     * How often a region is painted at most, each time with other noise, until the gate keeps it and it shows what was missed there.
     * 2 by default: what failed is tried once more.
     */
    readonly attempts: number;
    /** How much of its surroundings a region is repainted with, as a share of its longer side. */
    readonly context: number;
  };
  readonly stage2: StageSettings & {
    readonly enabled: boolean;
    /**
     * What stage 2 may change once something was found bad. `whole` (default): the whole image, as the paper has it, because
     * one strength, grain and light for repaired and old parts is what stage 2 is for; every pixel passes the autoencoder, and where
     * quality fell the balance gate keeps the old ones. `regions`: only those of the mask, each place as far as it is bad
     * (`asFarAsBad`; all of it where colours change), but for the ones that lack something which stage 1 could not paint; good pixels
     * stay as they are, byte for byte, to the end, and a large image costs no more than its bad parts. Where nothing is bad, neither
     * runs.
     */
    readonly reach: 'whole' | 'regions';
    /** What is restored is told, where that is regions: all of P′ (default) or only what is in them; as {@link RefineSettings.stage1}. */
    readonly text: 'prompt' | 'region';
    /**
     * Where colours and light may change. `nowhere` (default): they are the input's, as published. `unnatural`: in regions whose fault
     * they are; there the restored ones stay.
     */
    readonly recolours: 'nowhere' | 'unnatural';
    /** `gentle`: truncated start at `strength` [ours]; `native`: PASD's own full schedule. */
    readonly mode: 'gentle' | 'native';
    readonly strength: number;
    /** 1 as published. */
    readonly conditioningScale: number;
    /** Side of a latent tile and overlap, in latents; PASD's own: 320 and 8. */
    readonly latentTile: number;
    readonly latentTileOverlap: number;
  };
  /** What Q-Refine decides by; it repaints with the settings of stage 1 and enhances with those of stage 2. */
  readonly qRefine: QRefineSettings;
  /** Restoration and reconstruction: PASD's full schedule, with sampler, guidance, conditioning and tiles of stage 2. */
  readonly restoration: Pick<StageSettings, 'steps'>;
  /** Image-to-image: sampler and guidance are those of stage 1. */
  readonly imageToImage: SetByHand;
  /** Inpainting by hand: sampler, guidance and surroundings are those of stage 1. */
  readonly inpaintingByHand: SetByHand;
  /** Where quality fell by more than this, stage 2 leaves the old pixels, and an image its earlier version, 0..1. */
  readonly gateTolerance: number;
  /**
   * A version is given up whose Q_P · Q_A is not higher than the original's by this share of it, or of what it lacks of 1, whichever is
   * less, 0..1: pixels are not changed for next to nothing. 0 (default): it is to be no worse.
   */
  readonly leastImprovement: number;
  readonly negativePrompt: string;
}

export interface StageSettings {
  readonly sampler: SamplerName;
  /** Steps *executed*; at strength s, ceil(steps / s) are scheduled. */
  readonly steps: number;
  /** Classifier-free guidance; 1: none. */
  readonly guidanceScale: number;
}

/** What is not worked out from the maps but set by the user. */
export interface SetByHand extends Pick<StageSettings, 'steps'> {
  /** How much of the picture is given up before it is painted anew, above 0 and at most 1. */
  readonly strength: number;
}

/** Settings of a refinement unless the user changes them. Steps: 20 in all, half for each stage, or all for the one there is [paper]. */
export const defaultRefineSettings: RefineSettings = {
  maskThreshold: 0.5,
  leastDamage: 0,
  goodEnough: 0.9,
  stage1: {
    enabled: true,
    sampler: 'dpmpp_2m_karras',
    steps: 10,
    guidanceScale: 7.5,
    smallestStrength: 0.5,
    largestStrength: 0.95,
    mismatchStrength: 0.95,
    text: 'prompt',
    repaints: 'all',
    leastMismatch: 0,
    leastLegible: 0,
    leastGain: 0,
    attempts: 2,
    context: 0.5,
  },
  stage2: {
    enabled: true,
    reach: 'whole',
    text: 'prompt',
    recolours: 'nowhere',
    mode: 'gentle',
    sampler: 'unipc',
    steps: 10,
    guidanceScale: 9,
    strength: 0.2,
    conditioningScale: 1,
    latentTile: 96,
    latentTileOverlap: 8,
  },
  qRefine: defaultQRefineSettings,
  restoration: { steps: 20 },
  // As the refiner of SDXL is used.
  imageToImage: { steps: 20, strength: 0.3 },
  inpaintingByHand: { steps: 20, strength: 0.9 },
  gateTolerance: 0.02,
  leastImprovement: 0,
  negativePrompt: '',
};

/**
 * What a refinement is by default where the toy models repair that come with the app: they work on 256², mostly on a processor, where
 * a step of restoring takes four times as long as one of repainting. Their autoencoder loses fine detail, so what is good does not
 * pass it. A small UNet paints what is missing when nothing of what was there is left to it, and mends what is misshapen when much is;
 * of what is only blurred, noisy or blocky it takes away more than it gives, and PASD restores it. The UNet was trained on whole
 * scenes, so regions are shown with all of their surroundings and told what belongs in them.
 */
export const toyRefineSettings: RefineSettings = {
  ...defaultRefineSettings,
  leastDamage: 0.8,
  stage1: {
    ...defaultRefineSettings.stage1,
    smallestStrength: 0.35,
    largestStrength: 0.5,
    mismatchStrength: 0.98,
    text: 'region',
    repaints: 'content',
    leastMismatch: 0.8,
    leastLegible: 0.75,
    leastGain: 0.05,
    attempts: 5,
    context: 2,
  },
  stage2: {
    ...defaultRefineSettings.stage2,
    reach: 'regions',
    text: 'region',
    recolours: 'unnatural',
    steps: 4,
    guidanceScale: 1,
    strength: 0.4,
  },
  restoration: { steps: 10 },
  leastImprovement: 0.25,
};
