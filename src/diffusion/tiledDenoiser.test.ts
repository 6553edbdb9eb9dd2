import { describe, expect, test } from 'vitest';
import type { Denoiser, DeviceTensor } from '../pipeline/diffusionPorts.ts';
import { ArrayTensorDevice } from './arrayTensorDevice.ts';
import { latentTiles, tileStarts } from './latentTiles.ts';
import { tiledDenoiser } from './tiledDenoiser.ts';

describe('tiles', () => {
  test.each([
    [10, 10, 2, [0]],
    [8, 10, 2, [0]],
    [18, 10, 2, [0, 8]],
    [17, 10, 2, [0, 7]],
    [19, 10, 2, [0, 8, 9]],
    [512, 320, 8, [0, 192]],
    [512, 96, 8, [0, 88, 176, 264, 352, 416]],
  ])('%i by tiles of %i, overlap %i', (length, tile, overlap, starts) => {
    expect(tileStarts(length, { tile, overlap })).toEqual(starts);
  });

  test.each([
    [{ width: 40, height: 24 }, 16, 4],
    [{ width: 16, height: 16 }, 16, 4],
    [{ width: 50, height: 7 }, 12, 0],
    [{ width: 33, height: 47 }, 32, 31],
  ])('of %j: equally large, inside, weights add up to 1 everywhere', (size, tile, overlap) => {
    const tiles = latentTiles({ size, tile, overlap });
    const sums = new Float64Array(size.width * size.height);
    for (const { x, y, width, height, weights } of tiles) {
      expect([width, height]).toEqual([Math.min(tile, size.width), Math.min(tile, size.height)]);
      for (let row = 0; row < height; row++) {
        for (let column = 0; column < width; column++) {
          const at = (y + row) * size.width + x + column;
          sums[at] = (sums[at] as number) + (weights[row * width + column] as number);
        }
      }
    }
    expect(sums.every((sum) => Math.abs(sum - 1) < 1e-6)).toBe(true);
  });

  test('the middle of a tile outweighs the border of its neighbour', () => {
    const [left, right] = latentTiles({ size: { width: 24, height: 16 }, tile: 16, overlap: 8 });
    // Column 8 is the middle of the left tile and the border of the right one.
    expect(left?.weights[8 * 16 + 8]).toBeGreaterThan(0.99);
    expect(right?.weights[8 * 16]).toBeLessThan(0.01);
  });

  test.each([
    [{ width: 0, height: 8 }, 8, 2],
    [{ width: 8, height: 8 }, 8, 8],
    [{ width: 8, height: 8 }, 8, -1],
    [{ width: 8, height: 8 }, 2.5, 1],
  ])('refuses %j by %f, overlap %i', (size, tile, overlap) => {
    expect(() => latentTiles({ size, tile, overlap })).toThrow(RangeError);
  });
});

const size = { width: 20, height: 13 };
const tile = 8;
const channels = 4;
const values = Float32Array.from({ length: channels * size.width * size.height }, (_, i) => Math.sin(i * 1.3) * 3);

/** A model that looks at each number alone; `log` notes the sizes it was asked for. */
function pointwise(device: ArrayTensorDevice, { guided }: { guided: boolean }) {
  const log: (readonly number[])[] = [];
  const out: DeviceTensor[] = [];
  const model = (value: number, timestep: number, text: number) => Math.tanh(value * 0.7 + text) + timestep / 1000;
  const predictor = (text: number) => async (input: DeviceTensor, timestep: number) => {
    const tensor = device.create(
      input.dims,
      (await device.read(input)).map((value) => model(value, timestep, text)),
    );
    out.push(tensor);
    return tensor;
  };
  const denoiser: Denoiser = {
    async predict(input, timestep) {
      log.push(input.dims);
      return {
        conditional: await predictor(0.5)(input, timestep),
        unconditional: guided ? await predictor(-0.5)(input, timestep) : null,
      };
    },
    dispose() {
      for (const tensor of out) tensor.dispose();
    },
  };
  return { denoiser, log, model };
}

describe('a tiled denoiser', () => {
  test.each([true, false])(
    'predicts what the whole would, where the model looks at each number alone; guided: %s',
    async (guided) => {
      const device = new ArrayTensorDevice();
      const { denoiser: tileDenoiser, log, model } = pointwise(device, { guided });
      const tiled = tiledDenoiser({ device, tileDenoiser, size, tile, overlap: 3, channels });
      const sample = device.create([1, channels, size.height, size.width], values);
      // Twice: nothing of the first prediction may be left in the second.
      for (const timestep of [900, 100]) {
        const { conditional, unconditional } = await tiled.predict(sample, timestep);
        const check = async (tensor: DeviceTensor, text: number) => {
          (await device.read(tensor)).forEach((value, i) => {
            expect(Math.abs(value - model(values[i] as number, timestep, text))).toBeLessThan(1e-6);
          });
        };
        await check(conditional, 0.5);
        if (unconditional) await check(unconditional, -0.5);
        expect(unconditional !== null).toBe(guided);
      }
      const perWhole = latentTiles({ size, tile, overlap: 3 }).length;
      expect(perWhole).toBe(8);
      expect(log).toEqual(Array(2 * perWhole).fill([1, channels, tile, tile]));
      tiled.dispose();
      tileDenoiser.dispose();
      sample.dispose();
      expect(device.alive).toBe(0);
    },
  );

  test('one NaN does not outlive its prediction', async () => {
    const device = new ArrayTensorDevice();
    const { denoiser: tileDenoiser } = pointwise(device, { guided: true });
    const tiled = tiledDenoiser({ device, tileDenoiser, size, tile, overlap: 3, channels });
    const sample = device.create(
      [1, channels, size.height, size.width],
      values.map((value, i) => (i === 50 ? Number.NaN : value)),
    );
    expect(await device.allFinite((await tiled.predict(sample, 1)).conditional)).toBe(false);
    device.write(sample, values);
    const again = await tiled.predict(sample, 1);
    expect(await device.allFinite(again.conditional)).toBe(true);
    expect(await device.allFinite(again.unconditional as DeviceTensor)).toBe(true);
  });

  test('prepares every tile before it, and stops between two of them', async () => {
    const device = new ArrayTensorDevice();
    const { denoiser: tileDenoiser, log } = pointwise(device, { guided: false });
    const signal = { aborted: false };
    const places: string[] = [];
    const prepareTile = ({ x, y }: { x: number; y: number }) => {
      expect(log.length).toBe(places.length);
      places.push(`${x},${y}`);
      signal.aborted = places.length === 3;
    };
    const tiled = tiledDenoiser({ device, tileDenoiser, size, tile, overlap: 3, channels, prepareTile, signal });
    const sample = device.create([1, channels, size.height, size.width], values);
    await expect(tiled.predict(sample, 1)).rejects.toMatchObject({ name: 'AbortError' });
    expect(places).toEqual(['0,0', '5,0', '10,0']);
    expect(log.length).toBe(3);
  });
});
