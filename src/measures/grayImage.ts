import type { RgbaImage } from '../image/rgbaImage.ts';
import { imageRows, type RowSource } from '../image/rowSource.ts';

/** A picture of one channel, `[height, width]`, 0..255. */
export interface GrayImage {
  readonly width: number;
  readonly height: number;
  readonly values: Uint8ClampedArray | Float32Array;
}

/** Rows read at once. */
const BAND = 64;

/**
 * Luminance as whole numbers: the weights of ITU-R BT.601 to the digits that MATLAB's rgb2gray has them in, as the authors of NIQE,
 * BRISQUE and SSIM used it on 8-bit pictures.
 */
export function luminance(image: RgbaImage | RowSource): GrayImage {
  const source = 'rows' in image ? image : imageRows(image);
  const { width, height } = source;
  const values = new Uint8ClampedArray(width * height);
  for (let start = 0; start < height; start += BAND) {
    const end = Math.min(start + BAND, height);
    const rgba = source.rows(start, end);
    const count = (end - start) * width;
    for (let i = 0, out = start * width; i < count; i++, out++) {
      values[out] = Math.floor(
        0.298936021293775 * (rgba[4 * i] as number) +
          0.587043074451121 * (rgba[4 * i + 1] as number) +
          0.114020904255103 * (rgba[4 * i + 2] as number) +
          0.5,
      );
    }
  }
  return { width, height, values };
}

/** Keys' cubic (a = −0.5) stretched to twice its width at −3.5, −2.5, … 3.5 pixels: MATLAB's imresize by 0.5, antialiased. */
const HALVING_TAPS = [-3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5].map((x) => cubic(Math.abs(x) / 2) / 2);

/** The picture at half its size, rounded up, as MATLAB's `imresize(image, 0.5)` makes it of doubles: edges mirrored. */
export function halved({ width, height, values }: GrayImage): GrayImage {
  const halfWidth = Math.ceil(width / 2);
  const halfHeight = Math.ceil(height / 2);
  const across = mirroredTaps(halfWidth, width);
  const down = mirroredTaps(halfHeight, height);
  const column = new Float64Array(width);
  const result = new Float32Array(halfWidth * halfHeight);
  for (let y = 0; y < halfHeight; y++) {
    column.fill(0);
    for (let k = 0; k < 8; k++) {
      const from = (down[8 * y + k] as number) * width;
      const tap = HALVING_TAPS[k] as number;
      for (let x = 0; x < width; x++) column[x] = (column[x] as number) + tap * (values[from + x] as number);
    }
    for (let x = 0; x < halfWidth; x++) {
      let sum = 0;
      for (let k = 0; k < 8; k++) sum += (HALVING_TAPS[k] as number) * (column[across[8 * x + k] as number] as number);
      result[y * halfWidth + x] = sum;
    }
  }
  return { width: halfWidth, height: halfHeight, values: result };
}

/** For each of `count` outputs the eight inputs it is made of: before the first comes the first again, then the second. */
function mirroredTaps(count: number, size: number): Int32Array {
  const taps = new Int32Array(8 * count);
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < 8; k++) {
      const at = (((2 * i + k - 3) % (2 * size)) + 2 * size) % (2 * size);
      taps[8 * i + k] = at < size ? at : 2 * size - 1 - at;
    }
  }
  return taps;
}

function cubic(x: number): number {
  if (x <= 1) return 1.5 * x ** 3 - 2.5 * x ** 2 + 1;
  return x < 2 ? -0.5 * x ** 3 + 2.5 * x ** 2 - 4 * x + 2 : 0;
}
