import { largestMaskSide, type RepairRegion, regionsOfMask } from './repairMask.ts';

/** A mask drawn by the user, as plain data that crosses a worker boundary. */
export interface HandMask {
  /** Cells of its grid, which is stretched over the image: what `maskGrid` of `repairMask.ts` gives for it. */
  readonly width: number;
  readonly height: number;
  /** `[height, width]`, 0 = keep, 255 = repaint; between them old and new are mixed. */
  readonly values: Uint8Array<ArrayBuffer>;
}

/**
 * The connected parts of a mask drawn by hand, as given: neither grown nor softened.
 *
 * @throws RangeError if values and grid do not fit each other, or the grid is too large
 */
export function handMaskRegions(
  { width, height, values }: HandMask,
  image: { readonly width: number; readonly height: number },
): readonly RepairRegion[] {
  if (values.length !== width * height || Math.max(width, height) > largestMaskSide) {
    throw new RangeError(
      `${values.length} values are no mask of ${width}x${height}, at most ${largestMaskSide} a side`,
    );
  }
  const mask = Float32Array.from(values, (value) => value / 255);
  return regionsOfMask(mask, { grid: { width, height }, image });
}
