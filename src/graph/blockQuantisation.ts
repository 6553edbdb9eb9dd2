import { float16ToFloat32, float32ToFloat16 } from '../checkpoint/float16.ts';

/** Weights that share one scale, along the input dimension. 32 is what onnxruntime's WebGPU kernels do best. */
export const QUANTISATION_BLOCK = 32;

export type QuantisedBits = 4 | 8;

/** A matrix `[rows, columns]` in the layout of onnxruntime's MatMulNBits without zero points. */
export interface QuantisedMatrix {
  /** `[rows, blocks, 32 * bits / 8]`; in 4 bit the earlier of two weights is the lower half of the byte. */
  readonly packed: Uint8Array<ArrayBuffer>;
  /** `[rows, blocks]`; may be negative. weight = scale * (stored - 2^(bits-1)). Already rounded to `scaleType`. */
  readonly scales: Float32Array<ArrayBuffer>;
}

/**
 * Scales tried for a 4-bit block, as multiples of the one that makes its largest weight -8 (the range is -8..7, so the sign
 * of the scale decides which end gets the extra level). Smaller ones clip the largest weights and round all others more
 * finely.
 */
const SCALE_FACTORS_4BIT = [1.06, 1, 0.94, 0.89, 0.84, 0.79];

/**
 * Quantises a weight matrix in blocks of 32 along its rows, to nearest, with the scale of least squared error among a few
 * (4 bit) or the largest weight's (8 bit). A last block that is not full is padded with zeros.
 * @param values `[rows, columns]`
 */
export function quantiseMatrix(
  values: Float32Array,
  { columns, bits, scaleType }: { columns: number; bits: QuantisedBits; scaleType: 'float32' | 'float16' },
): QuantisedMatrix {
  if (columns < 1 || values.length % columns !== 0) {
    throw new RangeError(`${values.length} weights are not rows of ${columns}`);
  }
  const rows = values.length / columns;
  const blocks = Math.ceil(columns / QUANTISATION_BLOCK);
  const chooseScale = bits === 4 ? bestScale4 : scale8;

  let scales = new Float32Array(rows * blocks);
  forEachBlock((start, end, block) => {
    scales[block] = chooseScale(values, start, end);
  });
  // Weights are rounded against the scale that will be used, not the one before it was rounded itself.
  if (scaleType === 'float16') scales = float16ToFloat32(float32ToFloat16(scales));

  const zero = 2 ** (bits - 1);
  const blockBytes = (QUANTISATION_BLOCK * bits) / 8;
  const packed = new Uint8Array(rows * blocks * blockBytes);
  if (bits === 4) packed.fill(0x88);
  else packed.fill(0x80);
  forEachBlock((start, end, block) => {
    const scale = scales[block] as number;
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = start; i < end; i++) {
      const level = roundLevel((values[i] as number) * inverse, zero) + zero;
      if (bits === 8) {
        packed[block * blockBytes + i - start] = level;
      } else {
        const at = block * blockBytes + ((i - start) >> 1);
        const byte = packed[at] as number;
        packed[at] = (i - start) % 2 === 0 ? (byte & 0xf0) | level : (byte & 0x0f) | (level << 4);
      }
    }
  });
  return { packed, scales };

  function forEachBlock(visit: (start: number, end: number, block: number) => void): void {
    for (let row = 0, block = 0; row < rows; row++) {
      const rowEnd = (row + 1) * columns;
      for (let start = row * columns; start < rowEnd; start += QUANTISATION_BLOCK) {
        visit(start, Math.min(start + QUANTISATION_BLOCK, rowEnd), block++);
      }
    }
  }
}

/** To the nearest level, halves upwards, within -zero..zero-1. */
function roundLevel(value: number, zero: number): number {
  return Math.max(-zero, Math.min(Math.round(value), zero - 1));
}

/** The weight of largest magnitude, with its sign. */
function extreme(values: Float32Array, start: number, end: number): number {
  let largest = 0;
  for (let i = start; i < end; i++) {
    const value = values[i] as number;
    if (Math.abs(value) > Math.abs(largest)) largest = value;
  }
  return largest;
}

/** The largest weight becomes ±127; -128 is not used. */
function scale8(values: Float32Array, start: number, end: number): number {
  return Math.abs(extreme(values, start, end)) / 127;
}

function bestScale4(values: Float32Array, start: number, end: number): number {
  const full = extreme(values, start, end) / -8;
  if (full === 0) return 0;
  let best = full;
  let leastError = Number.POSITIVE_INFINITY;
  for (const factor of SCALE_FACTORS_4BIT) {
    const { scale, error } = fitScale4(values, start, end, full * factor);
    if (error < leastError) {
      leastError = error;
      best = scale;
    }
  }
  return best;
}

/** Rounds with `trial`, then finds the scale that fits those levels best (least squares) and its squared error. */
function fitScale4(values: Float32Array, start: number, end: number, trial: number): { scale: number; error: number } {
  const inverse = 1 / trial;
  let weightLevel = 0;
  let levelLevel = 0;
  let weightWeight = 0;
  for (let i = start; i < end; i++) {
    const value = values[i] as number;
    const level = roundLevel(value * inverse, 8);
    weightLevel += value * level;
    levelLevel += level * level;
    weightWeight += value * value;
  }
  if (levelLevel === 0) return { scale: trial, error: weightWeight };
  return { scale: weightLevel / levelLevel, error: weightWeight - (weightLevel * weightLevel) / levelLevel };
}
