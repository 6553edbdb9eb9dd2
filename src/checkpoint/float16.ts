/**
 * IEEE 754 binary16 to and from binary32, bit by bit: JavaScript engines of the supported browsers do not all have
 * `Float16Array`, and its NaN payloads are unspecified. Throughput matters here (a UNet has a billion weights).
 */

let halfToSingle: Uint32Array<ArrayBuffer> | null = null;

/** The binary32 bits of every binary16, 256 KB, made on first use. Payloads of NaN are kept. */
function halfTable(): Uint32Array<ArrayBuffer> {
  if (halfToSingle) return halfToSingle;
  const table = new Uint32Array(65536);
  const value = new Float32Array(1);
  const bits = new Uint32Array(value.buffer);
  for (let half = 0; half < 0x8000; half++) {
    const exponent = half >>> 10;
    const fraction = half & 0x3ff;
    if (exponent === 31) {
      table[half] = 0x7f800000 | (fraction << 13);
    } else {
      // Both are exact: a binary16 is a small integer times a power of two.
      value[0] = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
      table[half] = bits[0] as number;
    }
    table[half | 0x8000] = (table[half] as number) | 0x80000000;
  }
  halfToSingle = table;
  return table;
}

/**
 * Halves widened to float32, exactly (NaN payloads too).
 * @param halves binary16 bits
 */
export function float16ToFloat32(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const table = halfTable();
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = table[halves[i] as number] as number;
  return new Float32Array(bits.buffer);
}

/** Least binary32 that is at least 2^16: everything from here on is beyond any half, even before rounding. */
const TWO_TO_16 = 0x47800000;
/** 2^-14, the least normal half. */
const LEAST_NORMAL = 0x38800000;
/** 2^-25, half of the least subnormal half: a tie, which goes to (even) zero. */
const HALF_LEAST_SUBNORMAL = 0x33000000;
const INFINITY_32 = 0x7f800000;

/**
 * float32 rounded to the nearest half, ties to even, as the F16C instruction does: subnormals are produced, what rounds
 * beyond 65504 becomes infinity, NaN stays NaN (quiet, sign and high payload bits kept).
 * @returns binary16 bits
 */
export function float32ToFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i++) {
    const single = bits[i] as number;
    const sign = (single >>> 16) & 0x8000;
    const magnitude = single & 0x7fffffff;
    let half: number;
    if (magnitude >= TWO_TO_16) {
      half = magnitude > INFINITY_32 ? 0x7e00 | ((magnitude >>> 13) & 0x3ff) : 0x7c00;
    } else if (magnitude >= LEAST_NORMAL) {
      // Rebias the exponent, add just under half a unit, and one more where the result would be odd: ties go to even.
      // A carry out of the fraction enters the exponent, which is right, up to infinity included.
      half = (magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13;
    } else if (magnitude > HALF_LEAST_SUBNORMAL) {
      const shift = 126 - (magnitude >>> 23);
      const fraction = (magnitude & 0x7fffff) | 0x800000;
      half = (fraction + (1 << (shift - 1)) - 1 + ((fraction >>> shift) & 1)) >>> shift;
    } else {
      half = 0;
    }
    halves[i] = sign | half;
  }
  return halves;
}
