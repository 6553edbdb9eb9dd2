import type { StrategyDescription } from '../pipeline/strategy.ts';
import type { RefineSettings } from '../refine/refineSettings.ts';
import type { PackInUse } from './packsSlice.ts';
import type { Remedy } from './problem.ts';

/** Whether a refinement can run, what it will do, and what it leaves out. */
export type RefineReadiness =
  | {
      readonly isReady: true;
      /** Whether bad regions are repainted (stage 1). */
      readonly inpaints: boolean;
      /** Whether detail is restored (stage 2). */
      readonly restores: boolean;
      /** What is left out for want of a model, and how to get it; null: nothing. */
      readonly skipped: string | null;
    }
  | {
      readonly isReady: false;
      readonly reason: string;
      /** What to do about it; null: wait. */
      readonly remedy: { readonly does: Remedy; readonly label: string } | null;
    };

/** What decides whether a refinement can run. */
export interface ReadinessInput {
  readonly image: { readonly isOpen: boolean; readonly hasFailed: boolean };
  readonly engine: 'starting' | 'switching' | 'ready' | 'failed';
  /** Whether the packs have been read. */
  readonly packsKnown: boolean;
  readonly isInstalling: boolean;
  /** Whether models that come with the app are still on their way. */
  readonly areToysComing: boolean;
  readonly packInUse: PackInUse;
  readonly settings: Pick<RefineSettings, 'stage1' | 'stage2'>;
  readonly strategy: Pick<StrategyDescription, 'id' | 'title' | 'family' | 'needs'>;
  /** Whether a mask is drawn. */
  readonly hasMask: boolean;
  /** Whether the prompt says something. */
  readonly hasPrompt: boolean;
}

type BlockedBy = (RefineReadiness & { isReady: false })['remedy'];

// One object each, so that a view can tell by identity that nothing changed.
const ADD: BlockedBy = { does: 'getModels', label: 'Get models' };
const SEE_WHY: BlockedBy = { does: 'showMachine', label: 'See why' };
const RESET: BlockedBy = { does: 'resetRefineSettings', label: 'Reset the settings' };

/** Whether a refinement of this image can run with what there is. */
export function refineReadiness(input: ReadinessInput): RefineReadiness {
  const { image, engine, packsKnown, isInstalling, packInUse } = input;
  if (image.hasFailed) return blocked('This image could not be opened.');
  if (!image.isOpen) return blocked('The picture is still being opened.');
  if (engine === 'failed') return blocked('The engine is not running.', SEE_WHY);
  if (engine !== 'ready') return blocked('The engine is getting ready.');
  if (!packsKnown) return blocked('The models are being read.');
  // Seconds later there is a better way to refine, or one at all.
  if (input.areToysComing && lacksModel(input)) return blocked('The models that come with the app are getting ready.');
  const add = isInstalling ? null : ADD;
  const wait = isInstalling ? ' One is being added right now.' : '';
  const { strategy } = input;
  const { needs } = strategy;
  const hasModel =
    needs.model === 'either'
      ? packInUse.inpainting !== null || packInUse.restoration !== null
      : packInUse[needs.model] !== null;
  if (packInUse.maps === null) {
    return blocked(
      `A CLIP model is needed to find what is bad${hasModel ? '' : `, and ${OTHER[needs.model]}`}.${wait}`,
      add,
    );
  }
  if (!hasModel) return blocked(`${LACKING[needs.model]}${wait}`, add);
  if (needs.prompt && !input.hasPrompt) {
    return blocked(`${strategy.title} needs a prompt: write one under the picture.`);
  }
  if (needs.mask && !input.hasMask) return blocked('Paint over what is to be replaced: only that is painted anew.');
  const { inpaints, restores } = stagesOf(input);
  if (!inpaints && !restores) {
    return blocked('The stage that has a model is switched off in the settings.', RESET);
  }
  return { isReady: true, inpaints, restores, skipped: skippedWords(input) };
}

const LACKING = {
  either: 'A model that repairs is needed: Stable Diffusion inpainting repaints bad regions, PASD restores detail.',
  inpainting: 'An inpainting model is needed: Stable Diffusion inpainting, 1.5 or XL.',
  restoration: 'PASD is needed: it restores detail.',
} as const;

const OTHER = {
  either: 'one that repairs it',
  inpainting: 'one that repaints it',
  restoration: 'PASD, which restores it',
} as const;

/** Which models a strategy uses, of those that there are. */
export function stagesOf({
  packInUse,
  settings,
  strategy: { family, needs, id },
}: Pick<ReadinessInput, 'packInUse' | 'settings' | 'strategy'>): {
  readonly inpaints: boolean;
  readonly restores: boolean;
} {
  const has = { inpainting: packInUse.inpainting !== null, restoration: packInUse.restoration !== null };
  // Stages are switched on and off in G-Refine alone.
  const isStaged = id === 'gRefine' || family === 'ablation';
  return {
    inpaints: needs.model !== 'restoration' && has.inpainting && (!isStaged || settings.stage1.enabled),
    restores: needs.model !== 'inpainting' && has.restoration && (!isStaged || settings.stage2.enabled),
  };
}

function blocked(reason: string, remedy: BlockedBy = null): RefineReadiness {
  return { isReady: false, reason, remedy };
}

/** Whether a model is lacking that the strategy would use. */
function lacksModel(input: ReadinessInput): boolean {
  const { packInUse, strategy } = input;
  const { model } = strategy.needs;
  if (packInUse.maps === null) return true;
  return model === 'either' ? skippedWords(input) !== null : packInUse[model] === null;
}

function skippedWords({ packInUse, settings, strategy }: ReadinessInput): string | null {
  if (strategy.needs.model !== 'either') return null;
  const isQRefine = strategy.id === 'qRefine';
  if ((isQRefine || settings.stage1.enabled) && packInUse.inpainting === null) {
    return 'No inpainting model: bad regions are not repainted, only detail is restored.';
  }
  if ((isQRefine || settings.stage2.enabled) && packInUse.restoration === null) {
    return 'No PASD model: bad regions are repainted, detail is not restored afterwards.';
  }
  return null;
}
