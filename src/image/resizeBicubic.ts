import type { RgbaImage } from './rgbaImage.ts';
import { imageRows, type RowSource } from './rowSource.ts';

/** Fraction bits of Pillow's fixed-point weights: an int32 less 8 bits for the pixel and 2 for the kernel's overshoot. */
const precisionBits = 32 - 8 - 2;

/** Half a unit, so that the shift rounds. */
const half = 1 << (precisionBits - 1);

/** Reach of the cubic kernel in source pixels, at a scale of 1. */
const kernelSupport = 2;

/** Bytes of source pixels read at a time: a few rows, which stay in the cache. */
const bandBytes = 1 << 20;

/** Keys' cubic with a = -0.5, as Pillow (and not torch, whose a is -0.75) has it. */
function cubic(x: number): number {
  const t = Math.abs(x);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  if (t < 2) return (((t - 5) * t + 8) * t - 4) * -0.5;
  return 0;
}

/** For every output position, which source positions make it, with which fixed-point weights. */
interface Taps {
  /** First source position, `[size]`. */
  readonly first: Int32Array;
  /** Number of source positions, `[size]`. */
  readonly count: Int32Array;
  /** Weights, `[size, stride]`. */
  readonly weights: Int32Array;
  readonly stride: number;
}

/**
 * Pillow's `precompute_coeffs` and `normalize_coeffs_8bpc`: the kernel is widened by the ratio when scaling down, which
 * is the antialiasing, cut at the borders and normalised in double precision before it is rounded.
 */
function axisTaps(sourceSize: number, size: number): Taps {
  const scale = sourceSize / size;
  const filterScale = Math.max(scale, 1);
  const support = kernelSupport * filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const taps = {
    first: new Int32Array(size),
    count: new Int32Array(size),
    weights: new Int32Array(size * stride),
    stride,
  };
  const exact = new Float64Array(stride);
  // Multiplying by the reciprocal rather than dividing is what Pillow does; the last bit decides some roundings.
  const inverse = 1 / filterScale;
  for (let i = 0; i < size; i++) {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const count = Math.min(sourceSize, Math.trunc(centre + support + 0.5)) - first;
    let sum = 0;
    for (let k = 0; k < count; k++) {
      const weight = cubic((k + first - centre + 0.5) * inverse);
      exact[k] = weight;
      sum += weight;
    }
    taps.first[i] = first;
    taps.count[i] = count;
    for (let k = 0; k < count; k++) {
      const weight = (sum === 0 ? (exact[k] as number) : (exact[k] as number) / sum) * 2 ** precisionBits;
      taps.weights[i * stride + k] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
  }
  return taps;
}

/** One row across: `width` RGBA pixels written to `out` at pixel `to`. Int32 arithmetic as in C. */
function rowAcross(row: Uint8ClampedArray, at: number, taps: Taps, out: Uint8ClampedArray, to: number): void {
  const { first, count, weights, stride } = taps;
  for (let i = 0; i < first.length; i++) {
    let red = half;
    let green = half;
    let blue = half;
    let pixel = at + ((first[i] as number) << 2);
    const end = i * stride + (count[i] as number);
    for (let k = i * stride; k < end; k++) {
      const weight = weights[k] as number;
      red = (red + Math.imul(row[pixel] as number, weight)) | 0;
      green = (green + Math.imul(row[pixel + 1] as number, weight)) | 0;
      blue = (blue + Math.imul(row[pixel + 2] as number, weight)) | 0;
      pixel += 4;
    }
    // The clamped array clips to 0..255.
    const target = (to + i) << 2;
    out[target] = red >> precisionBits;
    out[target + 1] = green >> precisionBits;
    out[target + 2] = blue >> precisionBits;
    out[target + 3] = 255;
  }
}

/** Calls `visit` with every band of the source, top to bottom. */
function forEachBand(source: RowSource, visit: (band: Uint8ClampedArray, start: number, end: number) => void): void {
  const rows = Math.max(1, Math.floor(bandBytes / (source.width * 4)));
  for (let start = 0; start < source.height; start += rows) {
    const end = Math.min(source.height, start + rows);
    visit(source.rows(start, end), start, end);
  }
}

/** The pass across: the source's height, a new width. */
function resizeAcross(source: RowSource, width: number): RgbaImage {
  const data = new Uint8ClampedArray(width * source.height * 4);
  const taps = axisTaps(source.width, width);
  forEachBand(source, (band, start, end) => {
    for (let y = start; y < end; y++) rowAcross(band, (y - start) * source.width * 4, taps, data, y * width);
  });
  return { width, height: source.height, data };
}

/** The pass down: the source's width, a new height. Each source row is read once and added to the rows it makes. */
function resizeDown(source: RowSource, height: number): RgbaImage {
  const { width } = source;
  const rowBytes = width * 4;
  const data = new Uint8ClampedArray(height * rowBytes);
  const { first, count, weights, stride } = axisTaps(source.height, height);
  // Sums of the output rows begun and not finished: rows `finished` up to `finished + open.length`.
  const open: Int32Array[] = [];
  const spare: Int32Array[] = [];
  let finished = 0;
  const addRow = (band: Uint8ClampedArray, at: number, y: number) => {
    while (finished + open.length < height && (first[finished + open.length] as number) <= y) {
      open.push((spare.pop() ?? new Int32Array(rowBytes)).fill(half));
    }
    open.forEach((sums, i) => {
      const weight = weights[(finished + i) * stride + y - (first[finished + i] as number)] as number;
      for (let x = 0; x < rowBytes; x++) sums[x] = (sums[x] as number) + Math.imul(band[at + x] as number, weight);
    });
    while (open.length > 0 && (first[finished] as number) + (count[finished] as number) <= y + 1) {
      const sums = open.shift() as Int32Array;
      for (let x = 0; x < rowBytes; x++) data[finished * rowBytes + x] = (sums[x] as number) >> precisionBits;
      spare.push(sums);
      finished++;
    }
  };
  forEachBand(source, (band, start, end) => {
    for (let y = start; y < end; y++) addRow(band, (y - start) * rowBytes, y);
  });
  return { width, height, data };
}

/**
 * Resizes as Pillow's `Image.resize(size, BICUBIC)` does a mode "RGB" image: antialiased, one axis after the other, with
 * a rounding to 8 bit in between. Bit-equal to Pillow 13, which goes down first where the height shrinks by more than
 * twice as many pixels as the width does; older releases always go across first, and differ there by 1.
 *
 * Besides the source it needs one image of `width × source.height` (or `source.width × height`) pixels.
 *
 * @param source an image in memory, or one that is read in bands
 * @throws RangeError if a size is not a positive integer
 */
export function resizeBicubic(
  source: RgbaImage | RowSource,
  { width, height }: { readonly width: number; readonly height: number },
): RgbaImage {
  if (!(Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0)) {
    throw new RangeError(`Cannot resize to ${width}x${height}`);
  }
  const rows = 'rows' in source ? source : imageRows(source);
  const lessHeight = rows.height - height;
  if (lessHeight > 0 && lessHeight > 2 * (rows.width - width)) {
    return resizeAcross(imageRows(resizeDown(rows, height)), width);
  }
  return resizeDown(imageRows(resizeAcross(rows, width)), height);
}
