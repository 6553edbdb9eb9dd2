/** A piece of an image, in latents. All of one plan are equally large. */
export interface CodecTile {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /**
   * Weights of its columns and rows, `scale` for each latent; a place's is their product, and over all tiles that cover it
   * they add up to 1.
   */
  readonly columns: Float32Array;
  readonly rows: Float32Array;
}

interface CutOptions {
  readonly side: number;
  readonly overlap: number;
  readonly scale?: number;
}

interface Stretch {
  readonly start: number;
  readonly weights: Float32Array;
}

/**
 * Cuts latents into tiles that overlap their neighbours; in the overlap one fades into the next in a straight line.
 * @param side of a tile, in latents; a side of the whole that is shorter is not cut
 * @param overlap in latents, less than half a side
 * @param scale weights for each latent; 1 by default
 */
export function codecTiles(
  { width, height }: { readonly width: number; readonly height: number },
  { side, overlap, scale = 1 }: CutOptions,
): CodecTile[] {
  if (!(side > 2 * overlap && overlap >= 0)) throw new RangeError(`An overlap of ${overlap} in tiles of ${side}`);
  const across = stretches(width, { side, overlap, scale });
  return stretches(height, { side, overlap, scale }).flatMap((row) =>
    across.map((column) => ({
      x: column.start,
      y: row.start,
      width: column.weights.length / scale,
      height: row.weights.length / scale,
      columns: column.weights,
      rows: row.weights,
    })),
  );
}

/** Tiles spread evenly, so that neighbours overlap by at least `overlap`. */
function stretches(length: number, { side, overlap, scale }: Required<CutOptions>): Stretch[] {
  if (side >= length) return [{ start: 0, weights: new Float32Array(length * scale).fill(1) }];
  const count = Math.ceil((length - overlap) / (side - overlap));
  const starts = Array.from({ length: count }, (_, i) => Math.round((i * (length - side)) / (count - 1)));
  // Rises from its start and falls to its end over what the neighbour there covers too.
  const heights = starts.map((start, i) => {
    const before = i === 0 ? 0 : ((starts[i - 1] as number) + side - start) * scale;
    const after = i === count - 1 ? 0 : (start + side - (starts[i + 1] as number)) * scale;
    return Float32Array.from({ length: side * scale }, (_, at) => {
      const rise = before === 0 ? 1 : Math.min(1, (at + 0.5) / before);
      const fall = after === 0 ? 1 : Math.min(1, (side * scale - at - 0.5) / after);
      return Math.min(rise, fall);
    });
  });
  const sums = new Float64Array(length * scale);
  for (const [i, start] of starts.entries()) {
    heights[i]?.forEach((height, at) => {
      sums[start * scale + at] = (sums[start * scale + at] as number) + height;
    });
  }
  return starts.map((start, i) => ({
    start,
    weights: (heights[i] as Float32Array).map((height, at) => height / (sums[start * scale + at] as number)),
  }));
}

/** A tile's weights place by place, `[height, width]`. */
export function tileWeights({ columns, rows }: Pick<CodecTile, 'columns' | 'rows'>): Float32Array<ArrayBuffer> {
  const weights = new Float32Array(rows.length * columns.length);
  rows.forEach((row, y) => {
    columns.forEach((column, x) => {
      weights[y * columns.length + x] = row * column;
    });
  });
  return weights;
}
