import { describe, expect, test } from 'vitest';
import type { RgbaImage } from '../image/rgbaImage.ts';
import { outOfMemory } from '../refine/fakeDiffusionModel.ts';
import type { HandMask } from '../refine/handMask.ts';
import { imageToImage, inpaintingByHand, reconstruction, restoration as restore } from './baselines.ts';
import type { DiffusionModel } from './diffusionPorts.ts';
import { inpainting, job, picture, pixel, restoration, sameBytes, settings } from './fakeStory.ts';

type Fake = ReturnType<typeof inpainting>;
const prompts = ({ calls }: Fake) =>
  calls.flatMap((call) =>
    call.kind === 'encodePrompt' ? [call.prompt.chunks[0]?.map(({ text }) => text).join(', ')] : [],
  );
const count = ({ calls }: Fake, wanted: string) => calls.filter(({ kind }) => kind === wanted).length;

/** Timesteps a model is asked for. */
function watched(model: Fake): DiffusionModel & { readonly timesteps: number[] } {
  const timesteps: number[] = [];
  return {
    ...model,
    timesteps,
    openDenoiser: async (options) => {
      const denoiser = await model.openDenoiser(options);
      return {
        ...denoiser,
        predict: (sample, timestep) => {
          timesteps.push(timestep);
          return denoiser.predict(sample, timestep);
        },
      };
    },
  };
}

const asked = { prompt: 'a sky', settings: settings({ negativePrompt: 'blurry' }) };

describe('restoration', () => {
  test('is PASD as published, over everything, without a word about the image', async () => {
    const model = restoration();
    const result = await restore(job({ ...asked, restoration: watched(model) }));
    expect(result).toMatchObject({ strategy: 'restoration', outcome: 'refined' });
    expect(prompts(model)[0]).toBe('clean, high-resolution, 8k');
    expect(prompts(model)[1]).not.toContain('blurry, blurry');
    expect(result.regions).toMatchObject([
      { stage: 'restore', kept: true, place: { x: 0, y: 0, width: 128, height: 96 } },
    ]);
  });

  test('executes its full schedule, from noise', async () => {
    const model = restoration();
    const seen = watched(model);
    await restore(
      job({ restoration: seen, settings: settings({ restoration: { steps: 7 }, stage2: { strength: 0.1 } }) }),
    );
    expect(seen.timesteps).toHaveLength(7);
    expect(seen.timesteps[0]).toBeGreaterThan(800);
  });

  test('keeps to tiles that memory is expected to hold', async () => {
    const model = restoration();
    await restore(
      job({ restoration: { ...model, largestTile: 8 }, settings: settings({ restoration: { steps: 2 } }) }),
    );
    const sides = model.calls.flatMap((call) => (call.kind === 'openDenoiser' ? [call.width, call.height] : []));
    expect(Math.max(...sides)).toBe(8);
  });
});

test('reconstruction is told the prompt', async () => {
  const model = restoration();
  const result = await reconstruction(job({ ...asked, restoration: model }));
  expect(result).toMatchObject({ strategy: 'reconstruction', emphasisedPrompt: 'a sky' });
  expect(prompts(model)[0]).toBe('a sky, clean, high-resolution, 8k');
  expect(prompts(model)[1]).toMatch(/^blurry, /);
});

describe('image-to-image', () => {
  test('repaints all of it under a mask of ones, and sees grey beside it', async () => {
    const seen: { mask: number; image: number }[] = [];
    const model = inpainting({
      paint: ({ mask, image, channel }) => {
        seen.push({ mask, image });
        return channel === 1 ? 0.6 : -0.6;
      },
    });
    const result = await imageToImage(job({ ...asked, inpainting: model }));
    expect(seen.every(({ mask, image }) => mask === 1 && image === 0)).toBe(true);
    expect(prompts(model)).toEqual(['a sky', 'blurry']);
    for (const [x, y] of [
      [0, 0],
      [127, 0],
      [56, 48],
      [127, 95],
    ] as const) {
      expect(pixel(result.image as RgbaImage, x, y)).toEqual([51, 204, 51]);
    }
  });

  test('starts as far from the picture as is said', async () => {
    const first = async (strength: number) => {
      const model = watched(inpainting({ nativeSize: 128 }));
      await imageToImage(job({ inpainting: model, settings: settings({ imageToImage: { steps: 5, strength } }) }));
      expect(model.timesteps).toHaveLength(5);
      return model.timesteps[0] as number;
    };
    expect(await first(0.3)).toBeLessThan(400);
    expect(await first(0.9)).toBeGreaterThan(700);
  });

  test('a large picture is done in tiles, each with its part of mask and grey', async () => {
    const model = inpainting();
    const few = settings({ imageToImage: { steps: 2, strength: 0.5 } });
    const result = await imageToImage(job({ image: picture(320, 120), inpainting: model, settings: few }));
    expect(count(model, 'openDenoiser')).toBeGreaterThan(1);
    for (const x of [0, 100, 160, 319]) expect(pixel(result.image as RgbaImage, x, 60)).toEqual([51, 204, 51]);
    expect([model.device.alive, model.open()]).toEqual([0, 0]);
  });

  test('latents larger than a tile are blended of tiles', async () => {
    const model = inpainting();
    const few = settings({ imageToImage: { steps: 2, strength: 0.5 } });
    const result = await imageToImage(job({ image: picture(128, 128), inpainting: model, settings: few }));
    expect(model.calls.filter((call) => call.kind === 'openDenoiser')).toMatchObject([{ width: 8, height: 8 }]);
    expect(count(model, 'predict')).toBeGreaterThan(2 * 4);
    for (const at of [0, 64, 127]) expect(pixel(result.image as RgbaImage, at, at)).toEqual([51, 204, 51]);
    expect([model.device.alive, model.open()]).toEqual([0, 0]);
  });

  test('goes on in smaller tiles when memory is short', async () => {
    const model = inpainting({
      nativeSize: 128,
      onCall: (kind, before) => {
        if (kind === 'openDenoiser' && before === 0) throw outOfMemory();
      },
    });
    const result = await imageToImage(job({ inpainting: model }));
    expect(result.hints.join()).toMatch(/not enough memory to repaint in tiles of 192 px; trying 128 px/);
    expect(result.outcome).toBe('refined');
  });

  test('what comes out worse stays, and its scores say so', async () => {
    const red = inpainting({ paint: ({ channel }) => (channel === 0 ? 1 : -1) });
    const result = await imageToImage(job({ inpainting: red }));
    expect(result.outcome).toBe('refined');
    expect(result.after.perceptual.score).toBeLessThan(result.before.perceptual.score);
    const [all] = result.regions;
    expect(all).toMatchObject({ kept: true, reason: null });
    expect(all?.after).toBeLessThan(all?.before as number);
  });
});

describe('inpainting by hand', () => {
  /** A rectangle of a picture of 128 x 96. */
  function rectangle({ x, y, side }: { x: number; y: number; side: number }): HandMask {
    const values = new Uint8Array(128 * 96);
    for (let row = y; row < y + side; row++) values.fill(255, row * 128 + x, row * 128 + x + side);
    return { width: 128, height: 96, values };
  }

  test('repaints the mask as given and nothing else, good or bad', async () => {
    const image = picture(128, 96);
    // Sky, which nothing is wrong with.
    const mask = rectangle({ x: 8, y: 8, side: 24 });
    const result = await inpaintingByHand(job({ image, handMask: mask }));
    expect(result).toMatchObject({ strategy: 'inpaintingByHand', outcome: 'refined' });
    expect(result.regions).toMatchObject([{ place: { x: 8, y: 8, width: 24, height: 24 }, kept: true }]);
    let [inside, outside] = [0, 0];
    for (let i = 0; i < 128 * 96; i++) {
      const isChanged = [0, 1, 2, 3].some((c) => image.data[4 * i + c] !== (result.image as RgbaImage).data[4 * i + c]);
      if (isChanged && mask.values[i]) inside++;
      if (isChanged && !mask.values[i]) outside++;
    }
    expect([inside, outside]).toEqual([24 * 24, 0]);
    expect(pixel(result.image as RgbaImage, 20, 20)).toEqual([51, 204, 51]);
  });

  test('at the strength that was set, whatever the place’s quality', async () => {
    const first = async (strength: number, place: { x: number; y: number }) => {
      const model = watched(inpainting());
      await inpaintingByHand(
        job({
          inpainting: model,
          handMask: rectangle({ ...place, side: 16 }),
          settings: settings({ inpaintingByHand: { steps: 3, strength } }),
        }),
      );
      expect(model.timesteps).toHaveLength(3);
      return model.timesteps[0] as number;
    };
    const [sky, red] = [
      { x: 0, y: 0 },
      { x: 48, y: 40 },
    ];
    expect(await first(0.5, sky)).toBe(await first(0.5, red));
    expect(await first(0.9, sky)).toBeGreaterThan(await first(0.5, sky));
  });

  test('is reproduced by its seed', async () => {
    const handMask = rectangle({ x: 8, y: 8, side: 24 });
    const [a, b] = [await inpaintingByHand(job({ handMask })), await inpaintingByHand(job({ handMask }))];
    expect(sameBytes(a.image, b.image)).toBe(true);
  });

  test('an empty mask changes nothing; none at all is an error', async () => {
    const empty = await inpaintingByHand(
      job({ handMask: { width: 128, height: 96, values: new Uint8Array(128 * 96) } }),
    );
    expect(empty).toMatchObject({
      outcome: 'nothingToRepair',
      image: null,
      hints: [expect.stringMatching(/mask is empty/)],
    });
    await expect(inpaintingByHand(job())).rejects.toThrow(RangeError);
  });
});

test.each([
  ['restoration', restore],
  ['imageToImage', imageToImage],
] as const)('%s, cancelled anywhere: an AbortError, and nothing left behind', async (_, run) => {
  const attempt = async (stop: number) => {
    const [first, second] = [inpainting(), restoration()];
    const signal = { aborted: false };
    let seen = 0;
    const onEvent = () => {
      if (++seen === stop) signal.aborted = true;
    };
    const few = settings({ restoration: { steps: 3 }, imageToImage: { steps: 3, strength: 0.5 } });
    const running = run(job({ inpainting: first, restoration: second, settings: few, signal, onEvent }));
    if (stop === 0) await running;
    else await expect(running).rejects.toMatchObject({ name: 'AbortError' });
    expect([first.device.alive, first.open(), second.device.alive, second.open()]).toEqual([0, 0, 0, 0]);
    return seen;
  };
  const events = await attempt(0);
  for (let stop = 1; stop < events; stop += 2) await attempt(stop);
});
