import type { Tier } from '../runtime/status.ts';
import type { Overlay, Scale } from './viewSlice.ts';

/** What is remembered from visit to visit. */
export interface Preferences {
  readonly overlay: Overlay;
  /** Opacity of the overlay, 0..1. */
  readonly opacity: number;
  readonly scale: Scale;
  /** The tier the user chose; null: let the self-test choose. */
  readonly tier: Tier | null;
  readonly packId: string | null;
}

const KEY = 'g-refine.preferences';

/** What a first visit starts with. */
export const DEFAULT_PREFERENCES: Preferences = {
  overlay: 'perceptual',
  opacity: 0.75,
  scale: 'absolute',
  tier: null,
  packId: null,
};

const OVERLAYS: readonly unknown[] = ['none', 'perceptual', 'alignment', 'both', 'mask'];
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
  const { overlay, opacity, scale, tier, packId } = stored;
  return {
    overlay: OVERLAYS.includes(overlay) ? (overlay as Overlay) : DEFAULT_PREFERENCES.overlay,
    opacity: typeof opacity === 'number' && opacity >= 0 && opacity <= 1 ? opacity : DEFAULT_PREFERENCES.opacity,
    scale: scale === 'relative' ? 'relative' : 'absolute',
    tier: TIERS.includes(tier) ? (tier as Tier) : null,
    packId: typeof packId === 'string' ? packId : null,
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
