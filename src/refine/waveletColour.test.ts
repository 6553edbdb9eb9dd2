import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bytesSource } from '../checkpoint/byteSource.ts';
import { tensorAsFloat32 } from '../checkpoint/dtypes.ts';
import { openSafetensors } from '../checkpoint/safetensors.ts';
import { waveletColour, waveletReach } from './waveletColour.ts';

/** `python reference/make_fixtures.py`: torch's conv2d in double precision, rounded to float32 once. */
const golden = new URL('../../reference/fixtures/golden/wavelet.safetensors', import.meta.url);

const random = (length: number, seed: number) => {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
};

describe('waveletColour', () => {
  // Ten float32 blurs of values within 2: some 1e-6.
  test.each([
    ['odd', 53, 37],
    ['narrow', 50, 3],
    ['pixel', 1, 1],
  ] as const)('equals the reference: %s', async (name, width, height) => {
    const { tensors } = await openSafetensors(bytesSource('wavelet', readFileSync(golden)));
    const read = (part: string) => tensorAsFloat32(tensors.get(`${name}.${part}`) as never);
    const made = await read('made');
    waveletColour(made, await read('source'), { width, height });
    const expected = await read('result');
    let worst = 0;
    for (let i = 0; i < expected.length; i++) {
      worst = Math.max(worst, Math.abs((made[i] as number) - (expected[i] as number)));
    }
    expect(expected).toHaveLength(3 * width * height);
    expect(worst).toBeLessThan(2e-6);
  });

  test('a flat shift of colour is undone, fine detail stays', () => {
    const size = { width: 90, height: 80 };
    const source = new Float32Array(90 * 80).fill(0.25);
    const checker = Float32Array.from(source, (_, i) => ((i + Math.floor(i / 90)) % 2 === 0 ? 0.1 : -0.1));
    const made = checker.map((value) => value - 0.6);
    waveletColour(made, source, size);
    // Away from the borders, where replicating makes pairs of equal columns, a checkerboard has no low frequencies.
    for (let y = 40; y < 45; y++) {
      for (let x = 40; x < 50; x++) {
        expect(made[y * 90 + x]).toBeCloseTo(0.25 + (checker[y * 90 + x] as number), 5);
      }
    }
  });

  test('reaches no further than it says: a part with that halo is right', () => {
    const [width, height] = [140, 70];
    const made = random(width * height, 1);
    const source = random(width * height, 2);
    const [from, to] = [20, 120];
    const cut = (values: Float32Array) => {
      const part = new Float32Array((to - from) * height);
      for (let y = 0; y < height; y++) part.set(values.subarray(y * width + from, y * width + to), y * (to - from));
      return part;
    };
    const partMade = cut(made);
    waveletColour(partMade, cut(source), { width: to - from, height });
    waveletColour(made, source, { width, height });
    const expected = cut(made);
    const at = (values: Float32Array, x: number, y: number) => values[y * (to - from) + x];
    for (let y = 0; y < height; y++) {
      for (let x = waveletReach; x < to - from - waveletReach; x++) expect(at(partMade, x, y)).toBe(at(expected, x, y));
    }
    // One pixel closer it is not: the halo is no larger than needed.
    const differs = Array.from(
      { length: height },
      (_, y) => at(partMade, waveletReach - 1, y) !== at(expected, waveletReach - 1, y),
    );
    expect(differs).toContain(true);
  });

  test('refuses planes that do not fit', () => {
    expect(() => waveletColour(new Float32Array(7), new Float32Array(7), { width: 2, height: 2 })).toThrow(RangeError);
    expect(() => waveletColour(new Float32Array(4), new Float32Array(8), { width: 2, height: 2 })).toThrow(RangeError);
  });
});
