/**
 * Bicubic resampling of patch-resolution maps, as `torch.nn.functional.interpolate(mode='bicubic',
 * align_corners=False)` does it: Keys' kernel with a = -0.75, no antialiasing, borders replicated.
 */

/** A grid of numbers stretched over a rectangle; structurally a `QualityMap`. */
export interface ScalarGrid {
  /** Cells across and down. */
  readonly gridWidth: number;
  readonly gridHeight: number;
  /** `[gridHeight, gridWidth]` row-major. */
  readonly values: Float32Array;
}

/** Lower and upper limit. */
export type Range = readonly [number, number];

/** Keys' parameter as torch sets it (OpenCV's value; PIL uses -0.5). */
const keysA = -0.75;

/** Weights of the four taps around a point `t` (0..1) past the second tap, written to `out[at..at+3]`. */
function writeTapWeights(t: number, out: Float64Array, at: number): void {
  const a = keysA;
  const far = t + 1;
  const opposite = 1 - t;
  const oppositeFar = 2 - t;
  out[at] = ((a * far - 5 * a) * far + 8 * a) * far - 4 * a;
  out[at + 1] = ((a + 2) * t - (a + 3)) * t * t + 1;
  out[at + 2] = ((a + 2) * opposite - (a + 3)) * opposite * opposite + 1;
  out[at + 3] = ((a * oppositeFar - 5 * a) * oppositeFar + 8 * a) * oppositeFar - 4 * a;
}

/** The four source cells and weights of every output position along one axis. */
interface Taps {
  /** `[size, 4]`, replicated at the borders. */
  readonly cells: Int32Array;
  /** `[size, 4]`. */
  readonly weights: Float64Array;
}

function writeTaps(position: number, cellCount: number, taps: Taps, at: number): void {
  const base = Math.floor(position);
  writeTapWeights(position - base, taps.weights, at);
  for (let tap = 0; tap < 4; tap++) {
    taps.cells[at + tap] = Math.min(Math.max(base - 1 + tap, 0), cellCount - 1);
  }
}

function axisTaps(cellCount: number, size: number): Taps {
  const taps: Taps = { cells: new Int32Array(size * 4), weights: new Float64Array(size * 4) };
  const step = cellCount / size;
  for (let i = 0; i < size; i++) writeTaps((i + 0.5) * step - 0.5, cellCount, taps, i * 4);
  return taps;
}

function assertGrid({ gridWidth, gridHeight, values }: ScalarGrid): void {
  if (!(gridWidth > 0 && gridHeight > 0) || values.length !== gridWidth * gridHeight) {
    throw new RangeError(`Grid of ${gridWidth}x${gridHeight} cells has ${values.length} values`);
  }
}

/**
 * Resamples a grid to pixels.
 *
 * @param rows only these rows of the result, `[start, end)`, for images too large to resample at once
 * @param clamp limits of the result; without it overshoot of the kernel is kept (torch's result)
 * @returns `Float32Array [height, width]`, or `[end - start, width]`
 * @throws RangeError if a size is not a positive integer, rows lie outside, or the grid's length does not fit
 */
export function upsampleBicubic(
  map: ScalarGrid,
  {
    width,
    height,
    rows: [start, end] = [0, height],
  }: { readonly width: number; readonly height: number; readonly rows?: Range },
  clamp?: Range,
): Float32Array<ArrayBuffer> {
  assertGrid(map);
  if (!(Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0)) {
    throw new RangeError(`Cannot resample to ${width}x${height}`);
  }
  if (!(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && end <= height)) {
    throw new RangeError(`Rows ${start} to ${end} of ${height}`);
  }
  const { gridWidth, gridHeight, values } = map;

  // Across first: only gridHeight rows of it, so almost all the work is the pass down.
  const across = axisTaps(gridWidth, width);
  const rows = new Float64Array(gridHeight * width);
  for (let y = 0; y < gridHeight; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let tap = 4 * x; tap < 4 * x + 4; tap++) {
        sum += (across.weights[tap] as number) * (values[y * gridWidth + (across.cells[tap] as number)] as number);
      }
      rows[y * width + x] = sum;
    }
  }

  const down = axisTaps(gridHeight, height);
  const low = clamp?.[0] ?? Number.NEGATIVE_INFINITY;
  const high = clamp?.[1] ?? Number.POSITIVE_INFINITY;
  const out = new Float32Array(width * (end - start));
  for (let y = start; y < end; y++) {
    const at = 4 * y;
    const w0 = down.weights[at] as number;
    const w1 = down.weights[at + 1] as number;
    const w2 = down.weights[at + 2] as number;
    const w3 = down.weights[at + 3] as number;
    const r0 = (down.cells[at] as number) * width;
    const r1 = (down.cells[at + 1] as number) * width;
    const r2 = (down.cells[at + 2] as number) * width;
    const r3 = (down.cells[at + 3] as number) * width;
    const to = (y - start) * width;
    for (let x = 0; x < width; x++) {
      const sum =
        w0 * (rows[r0 + x] as number) +
        w1 * (rows[r1 + x] as number) +
        w2 * (rows[r2 + x] as number) +
        w3 * (rows[r3 + x] as number);
      out[to + x] = Math.max(low, Math.min(high, sum));
    }
  }
  return out;
}

/**
 * The value {@link upsampleBicubic} gives at one point, for reading a map under the pointer.
 *
 * @param u across, 0 (left edge) to 1 (right edge) of the image; the centre of pixel x is `(x + 0.5) / width`
 * @param v down, 0 (top edge) to 1 (bottom edge)
 */
export function sampleBicubic(map: ScalarGrid, u: number, v: number): number {
  assertGrid(map);
  const { gridWidth, gridHeight, values } = map;
  const across: Taps = { cells: new Int32Array(4), weights: new Float64Array(4) };
  const down: Taps = { cells: new Int32Array(4), weights: new Float64Array(4) };
  writeTaps(u * gridWidth - 0.5, gridWidth, across, 0);
  writeTaps(v * gridHeight - 0.5, gridHeight, down, 0);
  let sum = 0;
  for (let j = 0; j < 4; j++) {
    const row = (down.cells[j] as number) * gridWidth;
    let rowSum = 0;
    for (let i = 0; i < 4; i++) {
      rowSum += (across.weights[i] as number) * (values[row + (across.cells[i] as number)] as number);
    }
    sum += (down.weights[j] as number) * rowSum;
  }
  return sum;
}
