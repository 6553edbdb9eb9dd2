/**
 * What is left of a region once it is known what was painted into it [ours]. Something missing is painted into a place of generous
 * size, and the ground around it comes out as it was, but less sharp: there the old pixels are the better ones.
 */
import type { RgbaImage } from '../image/rgbaImage.ts';
import type { PixelRectangle } from '../pipeline/refinement.ts';
import { mergedMask } from '../quality/mergedMask.ts';
import type { RepairRegion } from './repairMask.ts';

/** Blocks along the window's shorter side over which colours are averaged, so that what is only less sharp is no change. */
const blocksAcross = 32;
/** A change of a block's mean colour that counts as one, as a share of a channel's range: what an autoencoder shifts is below it. */
const leastChange = 0.14;
/** Shares of the window's shorter side: how far around a change pixels are new, the soft edge outside of that, a change too small. */
const shares = { dilation: 0.015, feather: 0.025, smallestSide: 0.04 };

/**
 * The region with a mask of those of its cells whose colours the patch changes, and of some around them.
 *
 * @param options.image as it was
 * @param options.patch the new pixels of `window`, which holds all of the region
 */
export function changedPart(
  region: RepairRegion,
  { image, patch, window }: { readonly image: RgbaImage; readonly patch: RgbaImage; readonly window: PixelRectangle },
): RepairRegion {
  const { part, values, gridWidth, gridHeight } = region.mask;
  const changes = meanChanges({ image, patch, window });
  // As fine as the region's own mask is.
  const [width, height] = [
    Math.ceil((window.width * gridWidth) / image.width),
    Math.ceil((window.height * gridHeight) / image.height),
  ];
  const { mask } = mergedMask(
    // A change is a defect of its own: the mask of a map that is 1 where nothing changed.
    { perceptual: { ...changes, values: changes.values.map((change) => 1 - change) }, alignmentDefect: null },
    { width, height, threshold: leastChange, ...shares },
  );
  const inside = (cell: number, cells: number, pixels: number, start: number, length: number) =>
    (((cell + 0.5) * pixels) / cells - start) / length;
  const left = values.map((value, i) => {
    const u = inside(part.x + (i % part.width), gridWidth, image.width, window.x, window.width);
    const v = inside(part.y + Math.floor(i / part.width), gridHeight, image.height, window.y, window.height);
    if (u < 0 || v < 0 || u >= 1 || v >= 1) return 0;
    return Math.min(value, mask[Math.floor(v * height) * width + Math.floor(u * width)] as number);
  });
  return { ...region, mask: { ...region.mask, values: left } };
}

/** Where one or the other of two parts of the same region is: what was painted one after the other. */
export function unitedPart(one: RepairRegion, other: RepairRegion): RepairRegion {
  const values = one.mask.values.map((value, i) => Math.max(value, other.mask.values[i] as number));
  return { ...one, mask: { ...one.mask, values } };
}

/** By how much the mean colour of each block of the window changes, in the channel that changes most, 0..1. */
function meanChanges({ image, patch, window }: Parameters<typeof changedPart>[1]) {
  const side = Math.max(1, Math.min(window.width, window.height) / blocksAcross);
  const gridWidth = Math.max(1, Math.round(window.width / side));
  const gridHeight = Math.max(1, Math.round(window.height / side));
  const sums = new Float64Array(3 * gridWidth * gridHeight);
  const counts = new Uint32Array(gridWidth * gridHeight);
  for (let y = 0; y < window.height; y++) {
    const row = Math.floor((y * gridHeight) / window.height) * gridWidth;
    for (let x = 0; x < window.width; x++) {
      const block = row + Math.floor((x * gridWidth) / window.width);
      const from = 4 * ((window.y + y) * image.width + window.x + x);
      const to = 4 * (y * window.width + x);
      counts[block] = (counts[block] as number) + 1;
      for (let c = 0; c < 3; c++) {
        const change = (patch.data[to + c] as number) - (image.data[from + c] as number);
        sums[3 * block + c] = (sums[3 * block + c] as number) + change;
      }
    }
  }
  const values = Float32Array.from(counts, (count, block) => {
    const change = (c: number) => Math.abs(sums[3 * block + c] as number);
    return Math.max(change(0), change(1), change(2)) / (255 * Math.max(count, 1));
  });
  return { gridWidth, gridHeight, values };
}
