import { describe, expect, test } from 'vitest';
import { philox } from './philox.ts';
import { type NoiseRequest, seededNoise } from './seededNoise.ts';

/** Known answers of the authors of Philox (Random123, `kat_vectors`, philox4x32 10). */
test.each([
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
])('philox of %j', (counter, [keyA, keyB], expected) => {
  const block = Uint32Array.from(counter);
  philox(block, keyA as number, keyB as number);
  expect(Array.from(block)).toEqual(expected);
});

const bits = (values: Float32Array) => Array.from(new Uint32Array(values.buffer));

describe('to the last bit', () => {
  // Computed with 40 decimal digits (mpmath) and rounded to float32 once.
  test.each<readonly [NoiseRequest, readonly number[]]>([
    [
      { seed: 0, purpose: 'start', length: 8 },
      [0xbf6cb6b0, 0xbed9c6b5, 0xc02934c5, 0x3e14ab15, 0xbdf788d8, 0xbf1468e6, 0xbf1f732d, 0xbea8225a],
    ],
    [
      { seed: 42, purpose: 'start', length: 8 },
      [0x3e46ace8, 0x400a53f3, 0xbe302e18, 0x3f595c02, 0xbff652b6, 0x3f272a0c, 0xbf2641c4, 0xbf51494d],
    ],
    [
      { seed: 2 ** 53 - 1, purpose: 'step', step: 7, region: 3, start: 1000, length: 8 },
      [0xbed0c6f6, 0x3d386e00, 0x3efbc5d4, 0x3fef7202, 0x3fadf81f, 0x3efcc503, 0x3ee5acb6, 0x3e0381da],
    ],
    [
      { seed: 123456789012345, purpose: 'step', step: 2 ** 32 - 1, region: 2 ** 32 - 1, start: 2 ** 32 - 9, length: 8 },
      [0xbed9194a, 0x3f4819af, 0xbf2fb600, 0x3f80faed, 0xbf391821, 0x3ed99c48, 0xbf9f09d9, 0x3f72692f],
    ],
  ])('%j', (request, expected) => {
    expect(bits(seededNoise(request))).toEqual(expected);
  });

  test('a digest of 100,000 numbers', () => {
    // FNV-1a of the bytes; the same number comes from 40 decimal digits (mpmath), rounded once.
    let hash = 0x811c9dc5;
    for (const byte of new Uint8Array(
      seededNoise({ seed: 2024, purpose: 'step', step: 3, region: 1, length: 100_000 }).buffer,
    )) {
      hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    }
    expect(hash).toBe(2981369051);
  });
});

test('start noise is what torch draws on a CUDA device', () => {
  // `torch.manual_seed(0); torch.randn(8, 8, device='cuda')`, as printed by torch 2.2 (widely published).
  const cuda = [
    [-0.9247, -0.4253, -2.6438, 0.1452, -0.1209, -0.5797, -0.6229, -0.3284],
    [-1.0745, -0.3631, -1.6711, 2.2655, 0.3117, -0.1842, 1.2866, 1.182],
    [-0.1271, 1.2169, 1.4353, 1.0605, -0.4941, -1.4244, -0.7244, -1.2973],
    [0.0697, -0.0074, 1.8969, 0.6878, -0.0779, -0.8373, 1.3506, -0.2879],
    [-0.5965, -0.3283, -0.9086, -0.8059, -0.7407, -0.0504, 0.5435, 1.515],
    [0.0141, 0.4532, 1.6349, 0.7124, -0.1806, 1.0252, -1.4622, -0.7554],
    [-0.1836, 0.3824, 0.3918, -0.083, 0.8971, -1.1123, 0.1116, 0.4863],
    [-0.5499, -0.3231, -0.5469, 0.9049, 0.2837, 0.121, 0.473, -1.0823],
  ].flat();
  const ours = seededNoise({ seed: 0, purpose: 'start', length: 64 });
  // Four printed decimals.
  cuda.forEach((value, i) => {
    expect(Math.abs((ours[i] as number) - value)).toBeLessThan(0.5001e-4);
  });
});

test('is distributed normally', () => {
  const length = 200_000;
  const noise = seededNoise({ seed: 7, purpose: 'start', length });
  const moment = (power: number) => noise.reduce((sum, value) => sum + value ** power, 0) / length;
  // Four standard errors: sqrt(1, 2, 15, 96) / sqrt(n).
  const error = 4 / Math.sqrt(length);
  expect(Math.abs(moment(1))).toBeLessThan(error);
  expect(Math.abs(moment(2) - 1)).toBeLessThan(error * Math.SQRT2);
  expect(Math.abs(moment(3))).toBeLessThan(error * Math.sqrt(15));
  expect(Math.abs(moment(4) - 3)).toBeLessThan(error * Math.sqrt(96));
  const within = (limit: number) => noise.filter((value) => Math.abs(value) < limit).length / length;
  expect(within(1)).toBeCloseTo(0.6827, 2);
  expect(within(2)).toBeCloseTo(0.9545, 2);
  const neighbours = noise.reduce((sum, value, i) => sum + value * (noise[i + 1] ?? 0), 0) / length;
  expect(Math.abs(neighbours)).toBeLessThan(error);
});

test('does not depend on how it is cut', () => {
  const request = { seed: 5, purpose: 'step', step: 2, region: 9 } as const;
  const whole = seededNoise({ ...request, length: 1000 });
  const pieces = [0, 1, 7, 300, 999].flatMap((start, i, all) =>
    Array.from(seededNoise({ ...request, start, length: (all[i + 1] ?? 1000) - start })),
  );
  expect(pieces).toEqual(Array.from(whole));
});

test('no two requests share numbers', () => {
  const requests: NoiseRequest[] = [];
  for (const seed of [0, 1, 2 ** 32, 2 ** 32 + 1]) {
    for (const region of [0, 1]) {
      requests.push({ seed, region, purpose: 'start', length: 64 });
      for (const step of [0, 1, 2]) requests.push({ seed, region, step, purpose: 'step', length: 64 });
    }
  }
  const firsts = requests.map((request) => bits(seededNoise(request)).join());
  expect(new Set(firsts).size).toBe(requests.length);
  const correlation = (a: Float32Array, b: Float32Array) =>
    a.reduce((sum, value, i) => sum + value * (b[i] as number), 0) / a.length;
  const length = 20_000;
  const [a, b] = [0, 1].map((step) => seededNoise({ seed: 3, purpose: 'step', step, length }));
  expect(Math.abs(correlation(a as Float32Array, b as Float32Array))).toBeLessThan(4 / Math.sqrt(length));
});

test.each([
  { seed: -1 },
  { seed: 1.5 },
  { seed: 2 ** 53 },
  { step: -1 },
  { step: 2 ** 32 },
  { region: 0.5 },
  { region: 2 ** 32 },
  { length: -1 },
  { start: 2 ** 32 },
])('refuses %j', (wrong) => {
  expect(() => seededNoise({ seed: 0, purpose: 'start', length: 1, ...wrong })).toThrow(RangeError);
});
