/**
 * What is left of a region once it is known what was painted into it [ours]. Something missing is painted into a place of generous
 * size, and the ground around it comes out as it was, but less sharp: there the old pixels are the better ones.
 */
import type { RgbaImage } from '../image/rgbaImage.ts';
import type { PixelRectangle } from '../pipeline/refinement.ts';
import { mergedMask } from '../quality/mergedMask.ts';
import type { RepairRegion } from './repairMask.ts';

/** Blocks along the shorter side over which colours are averaged, so that what is only less sharp is no change. */
const blocksAcross = 32;
/** A change of a block's mean colour that counts as one, as a share of a channel's range: what an autoencoder shifts is below it. */
const leastChange = 0.14;
/** How far around a change pixels are new, and the width of the soft edge outside of that, as shares of the shorter side. */
const margin = 0.015;
const feather = 0.025;

/**
 * The region with a mask of those of its cells whose colours the patch changes, and of some around them.
 *
 * @param options.image as it was
 * @param options.patch the new pixels of `window`
 */
export function changedPart(
  region: RepairRegion,
  { image, patch, window }: { readonly image: RgbaImage; readonly patch: RgbaImage; readonly window: PixelRectangle },
): RepairRegion {
  const { part, values, gridWidth, gridHeight } = region.mask;
  const changes = meanChanges({ image, patch, window });
  const { mask } = mergedMask(
    // A change is a defect of its own: the mask of a map that is 1 where nothing changed.
    { perceptual: { ...changes, values: changes.values.map((change) => 1 - change) }, alignmentDefect: null },
    { width: gridWidth, height: gridHeight, threshold: leastChange, dilation: margin, feather },
  );
  const left = values.map((value, i) => {
    const [x, y] = [part.x + (i % part.width), part.y + Math.floor(i / part.width)];
    return Math.min(value, mask[y * gridWidth + x] as number);
  });
  return { ...region, mask: { ...region.mask, values: left } };
}

/** By how much the mean colour of each block of the image changes, in the channel that changes most, 0..1. */
function meanChanges({ image, patch, window }: Parameters<typeof changedPart>[1]) {
  const side = Math.min(image.width, image.height) / blocksAcross;
  const gridWidth = Math.min(image.width, Math.max(1, Math.round(image.width / side)));
  const gridHeight = Math.min(image.height, Math.max(1, Math.round(image.height / side)));
  const sums = new Float64Array(3 * gridWidth * gridHeight);
  const counts = new Uint32Array(gridWidth * gridHeight);
  for (let y = 0; y < window.height; y++) {
    const row = Math.floor(((window.y + y) * gridHeight) / image.height) * gridWidth;
    for (let x = 0; x < window.width; x++) {
      const block = row + Math.floor(((window.x + x) * gridWidth) / image.width);
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
