import { exactLog, exactSinCos } from '../math/elementary.ts';
import { philox } from './philox.ts';

/** What noise is for: the start of a sampling, or what its steps add. Numbers, because they are part of the counter. */
const purposes = { start: 0, step: 1 } as const;

/** Which noise is wanted. */
export interface NoiseRequest {
  /** 0..2^53−1. */
  readonly seed: number;
  readonly purpose: keyof typeof purposes;
  /** The step executed, for `step`; default 0. Below 2^32. */
  readonly step?: number;
  /** Which of an image's regions or stages; default 0. Below 2^32. */
  readonly region?: number;
  /** How many numbers. */
  readonly length: number;
  /** The first of them; default 0. `start + length` is at most 2^32. */
  readonly start?: number;
}

/**
 * Normal numbers, N(0, 1), from a seed: equal to the last bit on every machine and in every engine, and each one a function of
 * its own place alone (Philox 4x32-10, Box–Muller in double precision, rounded to float32).
 *
 * Layout of the counter: `[step, purpose, place, region]`, key: the seed. So no two requests that differ in any of them share a
 * counter, and `start` noise of region 0 is what torch draws first on a CUDA device (`torch.manual_seed(seed)`, `torch.randn(1, 4,
 * h, w, device='cuda')`; A1111's seed source "NV"), to float32 accuracy, as long as that GPU runs a thread for every number, which
 * large ones do up to some 100,000 numbers. Noise for steps and for other regions has no such counterpart.
 *
 * @throws RangeError for numbers out of range
 */
export function seededNoise({ seed, purpose, step = 0, region = 0, length, start = 0 }: NoiseRequest): Float32Array {
  if (!Number.isSafeInteger(seed) || seed < 0) throw new RangeError(`The seed is ${seed}, expected 0 to 2^53-1`);
  for (const word of [step, region]) {
    if (!isCount(word, 2 ** 32 - 1)) throw new RangeError(`Step or region is ${word}, expected 0 to 2^32-1`);
  }
  if (!isCount(start, 2 ** 32) || !isCount(length, 2 ** 32 - start)) {
    throw new RangeError(`Numbers ${start} to ${start + length} are not among the first 2^32`);
  }
  const [keyA, keyB] = [seed >>> 0, Math.floor(seed / 2 ** 32)];
  const noise = new Float32Array(length);
  const block = new Uint32Array(4);
  for (let i = 0; i < length; i++) {
    block[0] = step;
    block[1] = purposes[purpose];
    block[2] = start + i;
    block[3] = region;
    philox(block, keyA, keyB);
    // Halves keep both away from 0. CUDA's curand makes two numbers of a pair; torch takes the sine for the first element of a thread.
    const radius = Math.sqrt(-2 * exactLog(((block[0] as number) + 0.5) / 2 ** 32));
    noise[i] = radius * exactSinCos(((block[1] as number) + 0.5) / 2 ** 30)[0];
  }
  return noise;
}

function isCount(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= most;
}
