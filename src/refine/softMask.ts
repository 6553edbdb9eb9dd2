/**
 * A soft mask over a part of the image, on a grid that may be coarser than its pixels: maps have some 28 x 28 cells, so a
 * mask of a large image needs no float per pixel.
 */
import type { PixelRectangle } from '../pipeline/refinement.ts';

/** A mask on a grid stretched over the image; 0 outside its part. */
export interface SoftMask {
  /** Cells of the whole image's grid. */
  readonly gridWidth: number;
  readonly gridHeight: number;
  /** Pixels of the image. */
  readonly imageWidth: number;
  readonly imageHeight: number;
  /** The part that is not 0 everywhere, in cells. */
  readonly part: PixelRectangle;
  /** `[part.height, part.width]`, 0..1. */
  readonly values: Float32Array;
}

/** Position in the grid of a pixel's centre, where 0 is the centre of the first cell. */
const cellOf = (pixel: number, cells: number, pixels: number) => ((pixel + 0.5) * cells) / pixels - 0.5;

/** Every pixel where the mask can be above 0, as a rectangle within the image. */
export function maskBounds({ gridWidth, gridHeight, imageWidth, imageHeight, part }: SoftMask): PixelRectangle {
  const [x, right] = pixelsTouched(part.x, part.x + part.width, { cells: gridWidth, pixels: imageWidth });
  const [y, bottom] = pixelsTouched(part.y, part.y + part.height, { cells: gridHeight, pixels: imageHeight });
  return { x, y, width: right - x, height: bottom - y };
}

/** Pixels that interpolation between cells `start - 1` and `end` reaches. */
function pixelsTouched(
  start: number,
  end: number,
  { cells, pixels }: { readonly cells: number; readonly pixels: number },
): [number, number] {
  if (cells === pixels) return [start, end];
  const perCell = pixels / cells;
  return [
    Math.max(0, Math.floor((start - 0.5) * perCell - 0.5)),
    Math.min(pixels, Math.ceil((end + 0.5) * perCell + 0.5)),
  ];
}

/**
 * One row of the mask at pixel resolution, linear between cells; cell by cell where the grid is as fine as the pixels.
 *
 * @param out one value per pixel from `x` on
 */
export function readMaskRow(
  mask: SoftMask,
  { x, y }: { readonly x: number; readonly y: number },
  out: Float32Array,
): void {
  const { gridWidth, gridHeight, imageWidth, imageHeight } = mask;
  const v = cellOf(y, gridHeight, imageHeight);
  const row = Math.floor(v);
  const down = v - row;
  for (let i = 0; i < out.length; i++) {
    const u = cellOf(x + i, gridWidth, imageWidth);
    const column = Math.floor(u);
    const across = u - column;
    const top = between(cellValue(mask, column, row), cellValue(mask, column + 1, row), across);
    out[i] =
      down === 0
        ? top
        : between(top, between(cellValue(mask, column, row + 1), cellValue(mask, column + 1, row + 1), across), down);
  }
}

const between = (a: number, b: number, t: number) => (t === 0 ? a : a + (b - a) * t);

/** Cells beyond the image repeat its border; cells beyond the part are 0. */
function cellValue({ gridWidth, gridHeight, part, values }: SoftMask, column: number, row: number): number {
  const x = Math.min(Math.max(column, 0), gridWidth - 1) - part.x;
  const y = Math.min(Math.max(row, 0), gridHeight - 1) - part.y;
  if (x < 0 || y < 0 || x >= part.width || y >= part.height) return 0;
  return values[y * part.width + x] as number;
}
