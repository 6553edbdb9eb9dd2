import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bytesSource } from '../checkpoint/byteSource.ts';
import { tensorAsFloat32 } from '../checkpoint/dtypes.ts';
import { openSafetensors } from '../checkpoint/safetensors.ts';
import { type ScalarGrid, sampleBicubic, upsampleBicubic } from './resampling.ts';

/** The numbers 0, 7, 14, … mod 11, over ten, on 4 x 3 cells. */
const grid: ScalarGrid = {
  gridWidth: 4,
  gridHeight: 3,
  values: Float32Array.from({ length: 12 }, (_, i) => ((i * 7) % 11) / 10),
};

/**
 * torch 2.13 on the CPU:
 * `F.interpolate((torch.arange(12) * 7 % 11).float().view(1, 1, 3, 4) / 10, size=(5, 7), mode='bicubic', align_corners=False)`
 */
const torch5x7 = [
  -0.1375288, 0.2479962, 0.7252615, 0.4952, 0.2651389, 0.7424039, 1.127929, 0.2495522, 0.3283854, 0.4468037, 0.508375,
  0.5893279, 0.7554274, 0.8691057, 0.6396869, 0.420654, 0.190552, 0.5500001, 0.909448, 0.6793457, 0.4603134, 0.3179521,
  0.3967854, 0.515204, 0.6473126, 0.6146784, 0.327803, 0.1104556, -0.0279287, 0.3575962, 0.8348615, 0.717825, 0.305759,
  0.0572042, -0.0876866,
];
/** The same with `size=(2, 2)`. */
const torch2x2 = [0.3700806, 0.668396, 0.45094, 0.3045288];

/** torch computes in float32, we in float64: a few units in the last place of a value near 1. */
const tolerance = 1e-6;

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((worst, value, i) => Math.max(worst, Math.abs(value - (b[i] as number))), 0);
}

describe('upsampleBicubic', () => {
  test("equals torch's bicubic interpolation", () => {
    expect(largestDifference(upsampleBicubic(grid, { width: 7, height: 5 }), torch5x7)).toBeLessThan(tolerance);
  });

  test('equals torch when the grid shrinks', () => {
    expect(largestDifference(upsampleBicubic(grid, { width: 2, height: 2 }), torch2x2)).toBeLessThan(tolerance);
  });

  test('is the identity at the same size', () => {
    expect(largestDifference(upsampleBicubic(grid, { width: 4, height: 3 }), grid.values)).toBeLessThan(tolerance);
  });

  test('keeps a constant constant', () => {
    const constant = { gridWidth: 3, gridHeight: 2, values: new Float32Array(6).fill(0.25) };
    for (const value of upsampleBicubic(constant, { width: 11, height: 9 })) expect(value).toBeCloseTo(0.25, 6);
  });

  test('clamps overshoot only when asked', () => {
    const size = { width: 7, height: 5 };
    expect(Math.min(...upsampleBicubic(grid, size))).toBeLessThan(0);
    const clamped = upsampleBicubic(grid, size, [0, 1]);
    expect(Math.min(...clamped)).toBe(0);
    expect(Math.max(...clamped)).toBe(1);
  });

  test('refuses a grid whose length does not fit and sizes that are not positive integers', () => {
    expect(() => upsampleBicubic({ ...grid, gridWidth: 5 }, { width: 2, height: 2 })).toThrow(RangeError);
    expect(() => upsampleBicubic(grid, { width: 0, height: 2 })).toThrow(RangeError);
    expect(() => upsampleBicubic(grid, { width: 2.5, height: 2 })).toThrow(RangeError);
  });
});

test("upsampleBicubic equals torch on the reference's grids", async () => {
  const file = new URL('../../reference/fixtures/golden/bicubic.safetensors', import.meta.url);
  const { tensors } = await openSafetensors(bytesSource('bicubic.safetensors', readFileSync(file)));
  const outputs = [...tensors.values()].filter(({ name }) => name.endsWith('.output'));
  expect(outputs.length).toBeGreaterThan(3);
  for (const output of outputs) {
    const input = tensors.get(output.name.replace('.output', '.input'));
    if (!input) throw new Error(`no input of ${output.name}`);
    const [gridHeight = 0, gridWidth = 0] = input.shape;
    const [height = 0, width = 0] = output.shape;
    const values = await tensorAsFloat32(input);
    const upsampled = upsampleBicubic({ gridWidth, gridHeight, values }, { width, height });
    // The reference is computed in double precision and rounded to float32, as ours is.
    expect(largestDifference(upsampled, await tensorAsFloat32(output)), output.name).toBeLessThan(2e-7);
  }
});

test('resamples only the rows asked for', () => {
  const whole = upsampleBicubic(grid, { width: 5, height: 9 });
  expect(upsampleBicubic(grid, { width: 5, height: 9, rows: [2, 6] })).toEqual(whole.slice(10, 30));
  expect(() => upsampleBicubic(grid, { width: 5, height: 9, rows: [2, 10] })).toThrow(RangeError);
});

describe('sampleBicubic', () => {
  test('reads at a pixel centre what upsampling writes there', () => {
    const width = 13;
    const height = 6;
    const pixels = upsampleBicubic(grid, { width, height });
    const sampled = Array.from({ length: width * height }, (_, i) =>
      sampleBicubic(grid, ((i % width) + 0.5) / width, (Math.floor(i / width) + 0.5) / height),
    );
    expect(largestDifference(sampled, pixels)).toBeLessThan(tolerance);
  });

  test('reads up to and past the edges', () => {
    for (const at of [-0.5, 0, 1, 1.5]) expect(Number.isFinite(sampleBicubic(grid, at, at))).toBe(true);
  });
});
