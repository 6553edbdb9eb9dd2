import type { PackSummary, SaveRequest } from '../bridge/protocol.ts';
import type { Tier } from '../runtime/status.ts';
import type { Overlay, Scale, StageView } from './viewSlice.ts';

/** What is remembered from visit to visit. */
export interface Preferences {
  readonly overlay: Overlay;
  /** Opacity of the overlay, 0..1. */
  readonly opacity: number;
  readonly scale: Scale;
  /** The tier the user chose; null: let the self-test choose. */
  readonly tier: Tier | null;
  /** The pack in use of each kind. */
  readonly packIds: Readonly<Record<PackSummary['kind'], string | null>>;
  readonly view: StageView;
  /** What the user changed of the choices for refinements, as `refineChoices.ts` writes and reads it. */
  readonly refine: unknown;
  readonly saveFormat: SaveRequest['format'];
  /** 0..1. */
  readonly saveQuality: number;
  /** Bytes of GPU memory for models; null: automatic. */
  readonly memoryBudget: number | null;
  /** Where models are fetched from; null: where the app is told to. */
  readonly hubEndpoint: string | null;
  /** Access token of the hub, where the user asked to keep it; it lies in the browser as it is. */
  readonly hubToken: string | null;
  /** Whether the table of measures is open. */
  readonly measuresOpen: boolean;
  /** Bundles begun and not finished, oldest first. */
  readonly unfinishedBundles: readonly string[];
  /** Whether the user deleted the toy models: then they do not come again by themselves. */
  readonly hasDeclinedBlocks: boolean;
  /** The calibration measured with; null: the model's own words. */
  readonly calibration: { readonly id: string; readonly name: string } | null;
  /** The folder of images that was open; null: none. */
  readonly batchId: string | null;
}

const KEY = 'g-refine.preferences';

/** What a first visit starts with. */
export const DEFAULT_PREFERENCES: Preferences = {
  overlay: 'perceptual',
  opacity: 0.75,
  scale: 'absolute',
  tier: null,
  packIds: { maps: null, inpainting: null, restoration: null },
  view: 'slider',
  refine: {},
  saveFormat: 'png',
  saveQuality: 0.92,
  memoryBudget: null,
  hubEndpoint: null,
  hubToken: null,
  measuresOpen: false,
  unfinishedBundles: [],
  hasDeclinedBlocks: false,
  calibration: null,
  batchId: null,
};

const OVERLAYS: readonly unknown[] = ['none', 'perceptual', 'alignment', 'both', 'mask'];
const VIEWS: readonly unknown[] = ['single', 'slider', 'sideBySide', 'difference'];
const FORMATS: readonly unknown[] = ['png', 'jpeg', 'webp'];
const TIERS: readonly unknown[] = ['webgpu-fp16', 'webgpu-fp32', 'wasm'];

/** Reads the preferences; anything missing or damaged is as on a first visit. Never throws. */
export function readPreferences(storage: Pick<Storage, 'getItem'> | null): Preferences {
  let stored: Record<string, unknown> = {};
  try {
    const parsed: unknown = JSON.parse(storage?.getItem(KEY) ?? '{}');
    if (typeof parsed === 'object' && parsed !== null) stored = parsed as Record<string, unknown>;
  } catch {
    // Damaged or forbidden storage: start fresh.
  }
  const { overlay, opacity, scale, tier, packId, packIds, view, refine, saveFormat, saveQuality, memoryBudget } =
    stored;
  const { hubEndpoint, hubToken, unfinishedBundles, hasDeclinedBlocks, calibration, batchId } = stored;
  const { id, name } = (typeof calibration === 'object' && calibration !== null ? calibration : {}) as Record<
    string,
    unknown
  >;
  const share = (value: unknown, otherwise: number) =>
    typeof value === 'number' && value >= 0 && value <= 1 ? value : otherwise;
  const ids = typeof packIds === 'object' && packIds !== null ? (packIds as Record<string, unknown>) : {};
  const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null);
  return {
    overlay: OVERLAYS.includes(overlay) ? (overlay as Overlay) : DEFAULT_PREFERENCES.overlay,
    opacity: share(opacity, DEFAULT_PREFERENCES.opacity),
    scale: scale === 'relative' ? 'relative' : 'absolute',
    tier: TIERS.includes(tier) ? (tier as Tier) : null,
    packIds: {
      // An earlier version knew one kind of pack.
      maps: textOf(ids.maps) ?? textOf(packId),
      inpainting: textOf(ids.inpainting),
      restoration: textOf(ids.restoration),
    },
    view: VIEWS.includes(view) ? (view as StageView) : DEFAULT_PREFERENCES.view,
    refine: refine ?? DEFAULT_PREFERENCES.refine,
    saveFormat: FORMATS.includes(saveFormat) ? (saveFormat as SaveRequest['format']) : DEFAULT_PREFERENCES.saveFormat,
    saveQuality: share(saveQuality, DEFAULT_PREFERENCES.saveQuality),
    memoryBudget: typeof memoryBudget === 'number' && memoryBudget > 0 ? memoryBudget : null,
    hubEndpoint: textOf(hubEndpoint),
    hubToken: textOf(hubToken),
    measuresOpen: stored.measuresOpen === true,
    unfinishedBundles: Array.isArray(unfinishedBundles)
      ? unfinishedBundles.filter((id) => typeof id === 'string')
      : DEFAULT_PREFERENCES.unfinishedBundles,
    hasDeclinedBlocks: hasDeclinedBlocks === true,
    calibration: typeof id === 'string' && typeof name === 'string' ? { id, name } : null,
    batchId: textOf(batchId),
  };
}

/** Remembers preferences. Never throws: a full or forbidden storage only means they are forgotten. */
export function writePreferences(storage: Pick<Storage, 'setItem'> | null, preferences: Preferences): void {
  try {
    storage?.setItem(KEY, JSON.stringify(preferences));
  } catch {
    // See above.
  }
}
