import * as ort from 'onnxruntime-web';
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from './builder.ts';
import {
  conv2d,
  fromChannelsFirst,
  fromImageRows,
  groupNorm,
  type ImageValue,
  imageRows,
  sinusoidEmbedding,
  toChannelsFirst,
  upsampleNearest,
} from './imageLayers.ts';
import type { StoredTensor } from './weights.ts';

ort.env.wasm.numThreads = 1;

/** `[2, 4, 3, 5]`: nothing square, nothing symmetric. */
const SHAPE = { provider: 'wasm', batch: 2, channels: 4, height: 3, width: 5 } as const;
const PIXELS = Float32Array.from({ length: 120 }, (_, i) => Math.sin(i * 1.7) * 3 + (i % 7));

/** Runs layers over {@link PIXELS} in the WebAssembly provider. */
async function run(
  layers: (g: GraphBuilder, x: ImageValue) => ImageValue,
  weights: Readonly<Record<string, { dims: readonly number[]; values: readonly number[] }>> = {},
): Promise<{ dims: readonly number[]; data: number[] }> {
  const index: Record<string, StoredTensor> = {};
  const shard: number[] = [];
  for (const [name, { dims, values }] of Object.entries(weights)) {
    index[name] = { type: 'float32', dims, shard: 's', offset: 4 * shard.length, byteLength: 4 * values.length };
    shard.push(...values);
  }
  const g = new GraphBuilder('layers', index);
  const { batch, channels, height, width } = SHAPE;
  const result = layers(g, fromChannelsFirst(g, g.input('x', 'float32', [batch, channels, height, width]), SHAPE));
  const dims = [result.batch, result.channels, result.height, result.width];
  g.output('y', toChannelsFirst(g, result), { type: 'float32', dims });
  const session = await ort.InferenceSession.create(g.toBytes(), {
    externalData: [{ path: 's', data: new Uint8Array(Float32Array.from(shard).buffer) }],
  });
  const { y } = await session.run({ x: new ort.Tensor(PIXELS, [batch, channels, height, width]) });
  return { dims: y?.dims ?? [], data: Array.from(y?.data as Float32Array) };
}

const pixel = (n: number, c: number, y: number, x: number) =>
  y < 0 || x < 0 || y >= 3 || x >= 5 ? 0 : (PIXELS[((n * 4 + c) * 3 + y) * 5 + x] as number);
const closeTo = (values: readonly number[]) => values.map((value) => expect.closeTo(value, 4));

/** `of(n, c, y, x)` for every element of a tensor. */
function tensor(
  dims: readonly [number, number, number, number],
  of: (...at: [number, number, number, number]) => number,
) {
  const [batch, channels, height, width] = dims;
  return Array.from({ length: batch * channels * height * width }, (_, i) =>
    of(
      Math.floor(i / (channels * height * width)),
      Math.floor(i / (height * width)) % channels,
      Math.floor(i / width) % height,
      i % width,
    ),
  );
}

describe('conv2d', () => {
  const values = Array.from({ length: 2 * 4 * 9 }, (_, i) => Math.cos(i));
  const weights = { 'c.weight': { dims: [2, 4, 3, 3], values }, 'c.bias': { dims: [2], values: [10, -10] } };
  const at = (n: number, o: number, y: number, x: number) => {
    let sum = [10, -10][o] as number;
    for (let c = 0; c < 4; c++)
      for (let i = 0; i < 3; i++)
        for (let j = 0; j < 3; j++)
          sum += pixel(n, c, y + i, x + j) * (values[((o * 4 + c) * 3 + i) * 3 + j] as number);
    return sum;
  };

  it('keeps the size by default', async () => {
    const { dims, data } = await run((g, x) => conv2d(g, x, { name: 'c' }), weights);
    expect(dims).toEqual([2, 2, 3, 5]);
    expect(data).toEqual(closeTo(tensor([2, 2, 3, 5], (n, o, y, x) => at(n, o, y - 1, x - 1))));
  });

  it('pads only where it is told and strides', async () => {
    const options = { name: 'c', stride: 2, padding: [0, 0, 1, 1] } as const;
    const { dims, data } = await run((g, x) => conv2d(g, x, options), weights);
    expect(dims).toEqual([2, 2, 1, 2]);
    expect(data).toEqual(closeTo(tensor([2, 2, 1, 2], (n, o, y, x) => at(n, o, 2 * y, 2 * x))));
  });

  it('refuses an image of other channels', async () => {
    await expect(
      run((g, x) => conv2d(g, x, { name: 'c' }), { 'c.weight': { dims: [2, 3, 3, 3], values: [] } }),
    ).rejects.toThrow(new RangeError('"c" takes 3 channels, not 4'));
  });
});

describe('groupNorm', () => {
  const scale = [1, 2, -1, 0.5];
  const bias = [0.1, 0, 0.3, -2];
  const shift = [1, 0, 0, 4, 0, 5, 0, 0];
  const weights = {
    'n.scale': { dims: [4], values: scale },
    'n.bias': { dims: [4], values: bias },
    shift: { dims: [2, 4], values: shift },
  };

  it.each([false, true])('normalises two channels at a time; with a shift and SiLU: %s', async (more) => {
    const value = (n: number, c: number, y: number, x: number) =>
      pixel(n, c, y, x) + (more ? (shift[n * 4 + c] as number) : 0);
    const normed = tensor([2, 4, 3, 5], (n, c, y, x) => {
      const group = tensor([1, 2, 3, 5], (_, inner, y, x) => value(n, c - (c % 2) + inner, y, x));
      const mean = group.reduce((sum, v) => sum + v, 0) / group.length;
      const variance = group.reduce((sum, v) => sum + (v - mean) ** 2, 0) / group.length;
      const unit = (value(n, c, y, x) - mean) / Math.sqrt(variance + 0.01);
      const result = unit * (scale[c] as number) + (bias[c] as number);
      return more ? result / (1 + Math.exp(-result)) : result;
    });
    const options = { name: 'n', groups: 2, epsilon: 0.01 };
    const { data } = await run(
      (g, x) => groupNorm(g, x, more ? { ...options, silu: true, shift: g.weight('shift') } : options),
      weights,
    );
    expect(data).toEqual(closeTo(normed));
  });
});

describe('upsampleNearest', () => {
  it('doubles every pixel', async () => {
    const { dims, data } = await run((g, x) => upsampleNearest(g, x));
    expect(dims).toEqual([2, 4, 6, 10]);
    expect(data).toEqual(tensor([2, 4, 6, 10], (n, c, y, x) => pixel(n, c, y >> 1, x >> 1)));
  });
});

describe('imageRows', () => {
  it('has a row for each pixel, and an image comes back from them', async () => {
    const doubled = await run(
      (g, x) => {
        const rows = imageRows(g, x);
        return fromImageRows(g, g.node('Mul', [rows, g.weight('columns')]), x);
      },
      { columns: { dims: [4], values: [1, 2, 3, 4] } },
    );
    expect(doubled.data).toEqual(closeTo(tensor([2, 4, 3, 5], (n, c, y, x) => pixel(n, c, y, x) * (c + 1))));
  });
});

describe('sinusoidEmbedding', () => {
  it.each([
    [true, 0],
    [false, 1],
  ])('is get_timestep_embedding with flip_sin_to_cos %s and freq_shift %i', async (cosinesFirst, frequencyShift) => {
    const g = new GraphBuilder('sinusoid', {});
    const steps = g.input('t', 'float32', [2, 1]);
    g.output('y', sinusoidEmbedding(g, steps, { dim: 8, cosinesFirst, frequencyShift }), {
      type: 'float32',
      dims: [2, 8],
    });
    const session = await ort.InferenceSession.create(g.toBytes());
    const numbers = [999, 17.25];
    const { y } = await session.run({ t: new ort.Tensor('float32', numbers, [2, 1]) });
    const expected = numbers.flatMap((number) => {
      const angles = [0, 1, 2, 3].map((i) => number * Math.exp((-Math.log(10_000) * i) / (4 - frequencyShift)));
      const [sines, cosines] = [angles.map(Math.sin), angles.map(Math.cos)];
      return cosinesFirst ? [...cosines, ...sines] : [...sines, ...cosines];
    });
    expect(Array.from(y?.data as Float32Array)).toEqual(expected.map((value) => expect.closeTo(value, 4)));
  });
});
