/** Multipliers and key increments of Philox 4x32 (Salmon et al. 2011, section 4.3). */
const multiplierA = 0xd2511f53;
const multiplierB = 0xcd9e8d57;
const weylA = 0x9e3779b9;
const weylB = 0xbb67ae85;
const rounds = 10;

/** Upper 32 bits of the product of two unsigned 32-bit numbers; the lower ones are `Math.imul`'s. */
function multiplyHigh(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  return (aHigh * bHigh + Math.floor(middle / 65_536) + ((middle & 0xffff) + aLow * bHigh) / 65_536) >>> 0;
}

/**
 * Philox 4x32-10: turns a counter and a key into four random 32-bit numbers, whatever was asked before.
 * @param block the counter, four numbers; replaced by the result
 */
export function philox(block: Uint32Array, keyA: number, keyB: number): void {
  let a = block[0] as number;
  let b = block[1] as number;
  let c = block[2] as number;
  let d = block[3] as number;
  for (let round = 0; round < rounds; round++) {
    const fromA = Math.imul(multiplierA, a);
    const fromC = Math.imul(multiplierB, c);
    const nextA = multiplyHigh(multiplierB, c) ^ b ^ keyA;
    const nextC = multiplyHigh(multiplierA, a) ^ d ^ keyB;
    a = nextA >>> 0;
    b = fromC >>> 0;
    c = nextC >>> 0;
    d = fromA >>> 0;
    keyA = (keyA + weylA) >>> 0;
    keyB = (keyB + weylB) >>> 0;
  }
  block[0] = a;
  block[1] = b;
  block[2] = c;
  block[3] = d;
}
