/**
 * Large images in overlapping blocks of one size, so that memory in use does not grow with the image and one compiled graph
 * serves them all.
 */
import type { RgbaImage } from '../image/rgbaImage.ts';
import type { PixelRectangle } from '../pipeline/refinement.ts';

/**
 * Covers a rectangle with blocks of one size, row by row, spread evenly.
 *
 * @param options.overlap neighbours share at least as many pixels
 * @param options.multiple blocks start at multiples of it
 * @throws RangeError unless 0 <= overlap < block, and block and overlap are multiples of `multiple`
 */
export function pixelBlocks(
  { width, height }: { readonly width: number; readonly height: number },
  {
    block,
    overlap,
    multiple,
  }: {
    readonly block: { readonly width: number; readonly height: number };
    readonly overlap: number;
    readonly multiple: number;
  },
): readonly PixelRectangle[] {
  const columns = starts(width, { block: block.width, overlap, multiple });
  return starts(height, { block: block.height, overlap, multiple }).flatMap((y) =>
    columns.map((x) => ({ x, y, width: Math.min(block.width, width), height: Math.min(block.height, height) })),
  );
}

/** The last block ends at the border, wherever that puts its start. */
function starts(
  length: number,
  { block, overlap, multiple }: { readonly block: number; readonly overlap: number; readonly multiple: number },
): number[] {
  if (!(overlap >= 0 && overlap < block && block % multiple === 0 && overlap % multiple === 0)) {
    throw new RangeError(`Blocks of ${block} with an overlap of ${overlap}, in multiples of ${multiple}`);
  }
  if (length <= block) return [0];
  const last = length - block;
  const count = Math.ceil(last / (block - overlap)) + 1;
  return Array.from({ length: count }, (_, i) =>
    i === count - 1 ? last : Math.floor((last * i) / (count - 1) / multiple) * multiple,
  );
}

/** How a block joins those before it. */
export interface BlockJoin {
  readonly block: PixelRectangle;
  /** Pixels shared with the block to the left and the one above; 0 at the image's border. */
  readonly left: number;
  readonly top: number;
}

/** The joins of {@link pixelBlocks}' blocks, in their order. */
export function blockJoins(blocks: readonly PixelRectangle[]): readonly BlockJoin[] {
  const xs = [...new Set(blocks.map(({ x }) => x))].sort((a, b) => a - b);
  const ys = [...new Set(blocks.map(({ y }) => y))].sort((a, b) => a - b);
  const shared = (all: number[], at: number, length: number) => {
    const before = all[all.indexOf(at) - 1];
    return before === undefined ? 0 : before + length - at;
  };
  return blocks.map((block) => ({
    block,
    left: shared(xs, block.x, block.width),
    top: shared(ys, block.y, block.height),
  }));
}

/**
 * Lays a block over those left of it and above: old pixels at its outer border, new ones inside, a smooth change over `ramp`
 * pixels in the middle of what they share. What is nearer to the border of either block, where it lacked surroundings, is used of
 * neither.
 *
 * @param image changed in place
 * @param pixels the block's
 */
export function layBlock(
  image: RgbaImage,
  {
    join: { block, left, top },
    pixels,
    ramp,
  }: { readonly join: BlockJoin; readonly pixels: RgbaImage; readonly ramp: number },
): void {
  const across = rampWeights(block.width, left, ramp);
  const down = rampWeights(block.height, top, ramp);
  for (let y = 0; y < block.height; y++) {
    let from = y * block.width * 4;
    let to = ((block.y + y) * image.width + block.x) * 4;
    for (let x = 0; x < block.width; x++, from += 4, to += 4) {
      const weight = (down[y] as number) * (across[x] as number);
      for (let channel = 0; channel < 3; channel++) {
        const old = image.data[to + channel] as number;
        image.data[to + channel] = old + weight * ((pixels.data[from + channel] as number) - old);
      }
    }
  }
}

function rampWeights(length: number, shared: number, ramp: number): Float32Array {
  const width = Math.min(ramp, shared);
  return Float32Array.from({ length }, (_, i) => {
    if (shared === 0) return 1;
    const t = Math.min(Math.max((i + 0.5 - (shared - width) / 2) / width, 0), 1);
    return t * t * (3 - 2 * t);
  });
}
