/** A learned position embedding of square patch grids, class token's row left out: `[side * side, width]` row-major. */
export interface PositionGrid {
  readonly side: number;
  readonly width: number;
  readonly values: Float32Array;
}

/**
 * Resizes the position embedding of the patches to another grid, as `torch.nn.functional.interpolate(mode='bilinear',
 * align_corners=False)` does without antialiasing; unchanged where the sizes are equal. (transformers'
 * `interpolate_pos_encoding` is bicubic; the spec says bilinear, as CLIP Surgery's code.)
 * @returns `[side * side, width]`
 */
export function resizePositions(grid: PositionGrid, side: number): Float32Array {
  if (side === grid.side) return grid.values;
  const { width, values } = grid;
  const taps = Array.from({ length: side }, (_, i) => linearTap((i + 0.5) * (grid.side / side) - 0.5, grid.side));
  const resized = new Float32Array(side * side * width);
  let out = 0;
  for (const down of taps) {
    for (const across of taps) {
      const topLeft = (down.first * grid.side + across.first) * width;
      const topRight = (down.first * grid.side + across.second) * width;
      const bottomLeft = (down.second * grid.side + across.first) * width;
      const bottomRight = (down.second * grid.side + across.second) * width;
      for (let c = 0; c < width; c++) {
        const top = mix(values[topLeft + c] as number, values[topRight + c] as number, across.share);
        const bottom = mix(values[bottomLeft + c] as number, values[bottomRight + c] as number, across.share);
        resized[out++] = mix(top, bottom, down.share);
      }
    }
  }
  return resized;
}

/** The two cells around a position and the share of the second. Positions before the first cell are moved onto it. */
function linearTap(position: number, cells: number): { first: number; second: number; share: number } {
  const inside = Math.max(position, 0);
  const first = Math.min(Math.floor(inside), cells - 1);
  return { first, second: Math.min(first + 1, cells - 1), share: inside - first };
}

function mix(a: number, b: number, share: number): number {
  return a * (1 - share) + b * share;
}
