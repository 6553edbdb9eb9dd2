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
  readonly packInUse: PackInUse;
  readonly settings: Pick<RefineSettings, 'stage1' | 'stage2'>;
}

type BlockedBy = (RefineReadiness & { isReady: false })['remedy'];

// One object each, so that a view can tell by identity that nothing changed.
const ADD: BlockedBy = { does: 'getModels', label: 'Get models' };
const SEE_WHY: BlockedBy = { does: 'showMachine', label: 'See why' };
const RESET: BlockedBy = { does: 'resetRefineSettings', label: 'Reset the settings' };

/** Whether a refinement of this image can run with what there is. */
export function refineReadiness(input: ReadinessInput): RefineReadiness {
  const { image, engine, packsKnown, isInstalling, packInUse, settings } = input;
  if (image.hasFailed) return blocked('This image could not be opened.');
  if (!image.isOpen) return blocked('The picture is still being opened.');
  if (engine === 'failed') return blocked('The engine is not running.', SEE_WHY);
  if (engine !== 'ready') return blocked('The engine is getting ready.');
  if (!packsKnown) return blocked('The models are being read.');
  const add = isInstalling ? null : ADD;
  const wait = isInstalling ? ' One is being added right now.' : '';
  const hasRepair = packInUse.inpainting !== null || packInUse.restoration !== null;
  if (packInUse.maps === null) {
    return blocked(
      `A CLIP model is needed to find what is bad${hasRepair ? '' : ', and one that repairs it'}.${wait}`,
      add,
    );
  }
  if (!hasRepair) {
    return blocked(
      `A model that repairs is needed: Stable Diffusion inpainting repaints bad regions, PASD restores detail.${wait}`,
      add,
    );
  }
  const inpaints = settings.stage1.enabled && packInUse.inpainting !== null;
  const restores = settings.stage2.enabled && packInUse.restoration !== null;
  if (!inpaints && !restores) {
    return blocked('The stage that has a model is switched off in the settings.', RESET);
  }
  return { isReady: true, inpaints, restores, skipped: skippedWords(input) };
}

function blocked(reason: string, remedy: BlockedBy = null): RefineReadiness {
  return { isReady: false, reason, remedy };
}

function skippedWords({ packInUse, settings }: ReadinessInput): string | null {
  if (settings.stage1.enabled && packInUse.inpainting === null) {
    return 'No inpainting model: bad regions are not repainted, only detail is restored.';
  }
  if (settings.stage2.enabled && packInUse.restoration === null) {
    return 'No PASD model: bad regions are repainted, detail is not restored afterwards.';
  }
  return null;
}
