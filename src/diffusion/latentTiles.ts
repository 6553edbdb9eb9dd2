import type { LatentSize } from '../pipeline/diffusionPorts.ts';

/** One tile of latents. All tiles of a grid are equally large. */
export interface LatentTile {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** `[height, width]`; over all tiles that cover a place they add up to 1. */
  readonly weights: Float32Array;
}

/** How latents are cut. */
export interface TileOptions {
  /** The whole, in latents. */
  readonly size: LatentSize;
  /** Side of a tile; PASD's own: 320. A side of the whole that is shorter is not cut. */
  readonly tile: number;
  /** Latents by which neighbours overlap at least; PASD's own: 8. */
  readonly overlap: number;
}

/** Variance of the weights as a share of the tile's squared side (PASD's `_gaussian_weights`). */
const gaussianVariance = 0.01;

/** Where tiles begin along one side. The last one is moved back to end with the side, as in PASD. */
export function tileStarts(length: number, { tile, overlap }: Pick<TileOptions, 'tile' | 'overlap'>): number[] {
  if (tile >= length) return [0];
  const count = Math.ceil((length - overlap) / (tile - overlap));
  return Array.from({ length: count }, (_, i) => Math.min(i * (tile - overlap), length - tile));
}

/**
 * For every tile along one side its Gaussian weights, divided by the sum of all that cover a place. PASD divides afterwards
 * by the sum over both sides; that sum is the product of the two sides' own.
 */
function sideWeights(length: number, options: Pick<TileOptions, 'tile' | 'overlap'>) {
  const starts = tileStarts(length, options);
  const tile = Math.min(options.tile, length);
  const middle = (tile - 1) / 2;
  const gaussian = Array.from({ length: tile }, (_, i) =>
    Math.exp(-((i - middle) ** 2) / (tile * tile) / (2 * gaussianVariance)),
  );
  const sums = new Float64Array(length);
  for (const start of starts) {
    gaussian.forEach((weight, i) => {
      sums[start + i] = (sums[start + i] as number) + weight;
    });
  }
  return starts.map((start) => ({ start, weights: gaussian.map((weight, i) => weight / (sums[start + i] as number)) }));
}

/**
 * Cuts latents into overlapping tiles of equal size with the weights that blend them again, row by row.
 * @throws RangeError for sizes that are no positive integers, and an overlap that is not smaller than the tile
 */
export function latentTiles({ size, tile, overlap }: TileOptions): LatentTile[] {
  for (const side of [size.width, size.height, tile]) {
    if (!Number.isInteger(side) || side < 1) throw new RangeError(`A side is ${side}, expected an integer from 1`);
  }
  if (!Number.isInteger(overlap) || overlap < 0 || overlap >= tile) {
    throw new RangeError(`The overlap is ${overlap}, expected 0 to ${tile - 1}`);
  }
  const columns = sideWeights(size.width, { tile, overlap });
  return sideWeights(size.height, { tile, overlap }).flatMap((row) =>
    columns.map((column) => ({
      x: column.start,
      y: row.start,
      width: column.weights.length,
      height: row.weights.length,
      weights: Float32Array.from(row.weights.flatMap((down) => column.weights.map((across) => down * across))),
    })),
  );
}
