import type { HandMask } from '../refine/handMask.ts';
import type { AppState, Slice } from './appStore.ts';

/** What dragging over the picture does: adds to the mask, takes from it, or moves the picture. */
export type BrushTool = 'paint' | 'erase' | 'move';

/** How masks are painted. */
export interface Brush {
  readonly tool: BrushTool;
  /** Its width as a share of the picture's shorter side. */
  readonly size: number;
}

/** Where the size of the brush may be set. */
export const BRUSH_SIZES = { min: 0.01, max: 0.4, step: 0.01 } as const;

/** Masks drawn by hand, one an image: kept until the image is removed, so that other strategies and seeds can be tried between. */
export interface HandMaskSlice {
  /** By image; an image without one has none or an empty one. */
  readonly handMasks: Readonly<Record<string, HandMask>>;
  readonly brush: Brush;

  /** Takes a mask as drawn; one that is empty, and null, are no mask. */
  setHandMask(id: string, mask: HandMask | null): void;
  setBrush(part: Partial<Brush>): void;
}

/** The mask of an image; null: nothing is drawn. */
export function handMaskOf({ handMasks }: Pick<AppState, 'handMasks'>, id: string): HandMask | null {
  return (Object.hasOwn(handMasks, id) ? handMasks[id] : undefined) ?? null;
}

/** The share of the picture that a mask covers, 0..1. */
export function maskedShare({ values }: HandMask): number {
  return values.reduce((sum, value) => sum + value, 0) / 255 / values.length;
}

/** Whether a mask is drawn over the picture now. */
export function isDrawing({ refineChoices, refineStrategies }: AppState): boolean {
  return refineStrategies.some(({ id, needs }) => id === refineChoices.strategy && needs.mask);
}

/** The masks' part of the store. */
export const createHandMaskSlice: Slice<HandMaskSlice> = (set, get) => ({
  handMasks: {},
  brush: { tool: 'paint', size: 0.08 },

  setHandMask: (id, mask) => {
    const { [id]: _, ...others } = get().handMasks;
    const isEmpty = mask === null || mask.values.every((value) => value === 0);
    set({ handMasks: isEmpty ? others : { ...others, [id]: mask } });
  },
  setBrush: (part) => {
    const brush = { ...get().brush, ...part };
    set({ brush: { ...brush, size: Math.min(Math.max(brush.size, BRUSH_SIZES.min), BRUSH_SIZES.max) } });
  },
});
