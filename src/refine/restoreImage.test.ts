import { describe, expect, test } from 'vitest';
import type { ArrayTensorDevice } from '../diffusion/arrayTensorDevice.ts';
import { cropImage } from '../image/cropImage.ts';
import type { RgbaImage } from '../image/rgbaImage.ts';
import type { DeviceTensor } from '../pipeline/diffusionPorts.ts';
import { fakeDiffusionModel } from './fakeDiffusionModel.ts';
import { openTiledDenoiser } from './openTiledDenoiser.ts';
import { blockJoins, layBlock, pixelBlocks } from './pixelBlocks.ts';
import { defaultRefineSettings } from './refineSettings.ts';
import { blockRamp, restorationLayout } from './restorationLayout.ts';
import { type RestoreJob, restoreImage } from './restoreImage.ts';
import { StagePrompts } from './stagePrompts.ts';
import { waveletReach } from './waveletColour.ts';

function noisy(width: number, height: number): RgbaImage {
  const data = new Uint8ClampedArray(width * height * 4);
  let state = width + 7 * height;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = i % 4 === 3 ? 255 : 60 + ((state >>> 24) & 127);
  }
  return { width, height, data };
}

describe('pixelBlocks', () => {
  test('cover all, of one size, with the overlap asked for, at multiples', () => {
    for (const length of [100, 101, 128, 129, 250, 1000]) {
      const size = { width: length, height: 64 };
      const blocks = pixelBlocks(size, { block: { width: 128, height: 64 }, overlap: 32, multiple: 8 });
      expect(blocks[0]?.x).toBe(0);
      expect((blocks.at(-1)?.x ?? 0) + (blocks[0]?.width ?? 0)).toBe(length);
      blocks.forEach(({ x, y, width }, i) => {
        expect([y, width]).toEqual([0, Math.min(128, length)]);
        if (i > 0) expect((blocks[i - 1]?.x ?? 0) + width - x).toBeGreaterThanOrEqual(32);
        if (i < blocks.length - 1) expect(x % 8).toBe(0);
      });
    }
    expect(() =>
      pixelBlocks({ width: 9, height: 9 }, { block: { width: 8, height: 8 }, overlap: 8, multiple: 8 }),
    ).toThrow(RangeError);
  });

  test('know what they share with those before', () => {
    const blocks = pixelBlocks(
      { width: 24, height: 24 },
      { block: { width: 16, height: 16 }, overlap: 8, multiple: 8 },
    );
    expect(blockJoins(blocks).map(({ left, top }) => [left, top])).toEqual([
      [0, 0],
      [8, 0],
      [0, 8],
      [8, 8],
    ]);
  });

  test('laid one over the other they give the picture they were cut from', () => {
    const picture = noisy(200, 150);
    const blocks = pixelBlocks(picture, { block: { width: 96, height: 80 }, overlap: 40, multiple: 8 });
    const laid: RgbaImage = { ...picture, data: new Uint8ClampedArray(picture.data.length).fill(255) };
    for (const join of blockJoins(blocks)) layBlock(laid, { join, pixels: cropImage(picture, join.block), ramp: 24 });
    expect(Buffer.from(laid.data.buffer).equals(Buffer.from(picture.data.buffer))).toBe(true);
  });

  test('change over smoothly in the middle of what they share', () => {
    const image: RgbaImage = { width: 24, height: 1, data: new Uint8ClampedArray(96).fill(0) };
    const pixels: RgbaImage = { width: 16, height: 1, data: new Uint8ClampedArray(64).fill(200) };
    layBlock(image, { join: { block: { x: 8, y: 0, width: 16, height: 1 }, left: 8, top: 0 }, pixels, ramp: 4 });
    const red = Array.from({ length: 16 }, (_, i) => image.data[(8 + i) * 4]);
    expect(red).toEqual([0, 0, 9, 63, 137, 191, ...Array(10).fill(200)]);
  });
});

describe('restorationLayout', () => {
  const options = { nativeSize: 512, granularity: 64, downscale: 8, tile: 768, overlap: 64 };
  const layout = (width: number, height: number) => restorationLayout({ width, height }, options);

  test('small images are enlarged to 768 on their shorter side, larger ones are not', () => {
    expect(layout(512, 512)).toEqual({
      scaled: { width: 768, height: 768 },
      padded: { width: 768, height: 768 },
      blocks: [{ x: 0, y: 0, width: 768, height: 768 }],
    });
    expect(layout(1000, 800)).toMatchObject({
      scaled: { width: 1000, height: 800 },
      padded: { width: 1024, height: 832 },
      blocks: [{ width: 1024, height: 832 }],
    });
  });

  test('strips and dots are enlarged four times at most', () => {
    expect(layout(1, 1)).toMatchObject({ scaled: { width: 4, height: 4 }, padded: { width: 64, height: 64 } });
    const strip = layout(3, 500);
    expect(strip.scaled).toEqual({ width: 12, height: 2000 });
    expect(strip.padded).toEqual({ width: 64, height: 2000 });
    expect(strip.blocks.every(({ width, height }) => width === 64 && height === 768)).toBe(true);
  });

  test('4096 x 4096 pixels are 36 blocks of the size that one of 1100 x 1100 is made of', () => {
    const [large, small] = [layout(4096, 4096), layout(1100, 1100)];
    expect(large.blocks).toHaveLength(36);
    for (const { width, height, x, y } of [...large.blocks, ...small.blocks]) {
      expect([width, height, x % 8, y % 8]).toEqual([768, 768, 0, 0]);
    }
    // What blending takes of a block is so far from its border that its colours are right.
    const shared = Math.min(...blockJoins(large.blocks).flatMap(({ left }) => (left > 0 ? [left] : [])));
    expect((shared - blockRamp) / 2).toBeGreaterThanOrEqual(waveletReach);
  });
});

/** A model that adds a wave, to be seen through colour correction. */
const wave = () =>
  fakeDiffusionModel('restoration', {
    paint: ({ image, channel }) => (channel === 3 ? 0 : 0.9 * image + 0.05 * channel),
  });

function job(latentTile: number, model = wave()): RestoreJob {
  return {
    model,
    prompts: new StagePrompts(model, { positive: 'a dog', negative: 'a dog' }),
    settings: { ...defaultRefineSettings.stage2, steps: 2, latentTile },
    seed: 3,
    regions: null,
    report: {
      onStep: () => {},
      onPreview: () => {},
      onNotice: () => {},
      signal: { aborted: false },
      pause: async () => {},
    },
  };
}

describe('restoreImage', () => {
  test('in blocks gives what one block gives, but for rounding', async () => {
    const image = noisy(640, 256);
    const [whole, blocks] = [wave(), wave()];
    const one = await restoreImage(image, job(80, whole));
    const several = await restoreImage(image, job(32, blocks));
    const decoded = (model: typeof whole) => model.calls.filter(({ kind }) => kind === 'decodeLatents').length;
    expect([decoded(whole), decoded(blocks)]).toEqual([1, 4]);
    let worst = 0;
    for (let i = 0; i < one.data.length; i++) {
      worst = Math.max(worst, Math.abs((one.data[i] as number) - (several.data[i] as number)));
    }
    expect(worst).toBeLessThanOrEqual(1);
    expect(Buffer.from(one.data.buffer).equals(Buffer.from(image.data.buffer))).toBe(false);
  });

  test('tensors in use do not grow with the image', async () => {
    const peak = async (width: number, height: number) => {
      const model = wave();
      const { device } = model;
      let now = 0;
      let most = 0;
      const create = device.create.bind(device);
      device.create = (dims, values) => {
        const tensor = create(dims, values);
        const size = dims.reduce((product, dim) => product * dim, 1);
        now += size;
        most = Math.max(most, now);
        const dispose = tensor.dispose.bind(tensor);
        tensor.dispose = () => {
          now -= size;
          dispose();
        };
        return tensor;
      };
      await restoreImage(noisy(width, height), job(16, model));
      expect(device.alive).toBe(0);
      return most;
    };
    expect(await peak(448, 320)).toBe(await peak(256, 256));
  });

  test('is reproduced by its seed', async () => {
    const image = noisy(128, 128);
    const [first, second] = [await restoreImage(image, job(16)), await restoreImage(image, job(16))];
    expect(Buffer.from(first.data.buffer).equals(Buffer.from(second.data.buffer))).toBe(true);
  });
});

describe('openTiledDenoiser', () => {
  test('gives each tile its part of the control image', async () => {
    const model = fakeDiffusionModel('restoration', { paint: ({ image }) => image });
    const device: ArrayTensorDevice = model.device;
    const size = { width: 12, height: 5 };
    const control = device.create(
      [1, 3, 40, 96],
      Float32Array.from(
        { length: 3 * 40 * 96 },
        (_, i) => 0.5 + 0.4 * Math.sin(Math.floor((i % 96) / 8) + Math.floor(i / 96 / 8)),
      ),
    );
    const text = await model.encodePrompt({ chunks: [[]] });
    const options = { size, positive: text, negative: null, control: { image: control, scale: 1 } };
    const sample = device.create(
      [1, 4, 5, 12],
      Float32Array.from({ length: 240 }, (_, i) => Math.cos(i)),
    );
    const read = async (tile: number) => {
      const signal = { aborted: false };
      const denoiser = await openTiledDenoiser(model, { denoising: options, tile, overlap: 2, signal });
      const { conditional } = await denoiser.predict(sample, 500);
      const values = await device.read(conditional as DeviceTensor);
      denoiser.dispose();
      return values;
    };
    const [whole, tiled] = [await read(12), await read(5)];
    let worst = 0;
    whole.forEach((value, i) => {
      worst = Math.max(worst, Math.abs(value - (tiled[i] as number)));
    });
    // Weights of tiles add up to 1 but for float32's rounding.
    expect(worst).toBeLessThan(1e-5);
    expect(device.alive).toBe(2);
  });
});
