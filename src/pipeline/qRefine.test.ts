import { describe, expect, test } from 'vitest';
import type { RgbaImage } from '../image/rgbaImage.ts';
import { defaultQRefineSettings, type QRefineSettings } from '../refine/qRefineSettings.ts';
import { qualityParts, repaintedParts } from '../refine/qualityParts.ts';
import { readMaskRow } from '../refine/softMask.ts';
import type { DiffusionModel } from './diffusionPorts.ts';
import { inpainting, job, picture, pixel, restoration, sameBytes, settings } from './fakeStory.ts';
import { enhancementStrength, qRefine } from './qRefine.ts';
import type { RefineEvent } from './refinement.ts';
import type { Refined } from './strategy.ts';

const how = (over: Partial<QRefineSettings> = {}) => settings({ qRefine: { ...defaultQRefineSettings, ...over } });

type Fake = ReturnType<typeof inpainting>;
const positive = ({ calls }: Fake) => {
  const call = calls.find(({ kind }) => kind === 'encodePrompt');
  return call?.kind === 'encodePrompt' ? call.prompt.chunks[0]?.map(({ text }) => text).join(', ') : undefined;
};

/** Everything a model is shown to encode. */
function watched(model: Fake): DiffusionModel & { readonly shown: Float32Array[] } {
  const shown: Float32Array[] = [];
  return {
    ...model,
    shown,
    encodeImage: (pixels, size) => {
      shown.push(pixels.slice());
      return model.encodeImage(pixels, size);
    },
  };
}

/** Pixels changed where the mask is 0, and where it is not. */
function changes(input: RgbaImage, { before, image }: Refined) {
  const parts = qualityParts(before.perceptual.factorMaps.overall, defaultQRefineSettings.gridSide);
  const regions = repaintedParts(parts, { image: input, settings: defaultQRefineSettings });
  const row = new Float32Array(input.width);
  let [inside, kept, changedKept] = [0, 0, 0];
  for (let y = 0; y < input.height; y++) {
    const touched = new Uint8Array(input.width);
    for (const { mask } of regions) {
      readMaskRow(mask, { x: 0, y }, row);
      row.forEach((value, x) => {
        if (value > 0) touched[x] = 1;
      });
    }
    for (let x = 0; x < input.width; x++) {
      const at = (y * input.width + x) * 4;
      const isChanged = [0, 1, 2, 3].some((c) => input.data[at + c] !== (image as RgbaImage).data[at + c]);
      if (!touched[x]) kept++;
      if (isChanged && touched[x]) inside++;
      if (isChanged && !touched[x]) changedKept++;
    }
  }
  return { inside, kept, changedKept };
}

describe('pipelines 1 and 2', () => {
  test('repaint what is not of high quality and keep the rest, byte for byte', async () => {
    const input = picture(128, 96);
    const result = await qRefine(job({ image: input }));
    expect(result).toMatchObject({ strategy: 'qRefine', outcome: 'refined', emphasisedPrompt: '' });
    const [red, green] = pixel(result.image as RgbaImage, 56, 48) as [number, number];
    expect([red < 80, green > 170]).toEqual([true, true]);
    const { inside, kept, changedKept } = changes(input, result);
    expect(changedKept).toBe(0);
    expect(kept).toBeGreaterThan(5000);
    expect(inside).toBeGreaterThan(500);
    expect(result.regions).toMatchObject([{ stage: 'inpaint', kept: true, reason: null }]);
    expect(result.regions[0]?.after).toBeGreaterThan(result.regions[0]?.before as number);
    expect(result.hints).toEqual([expect.stringMatching(/Enhancing was left out/)]);
  });

  test('noise is on what sampling starts from, not on what the model sees beside the mask', async () => {
    const [noisy, quiet] = [watched(inpainting()), watched(inpainting())];
    await qRefine(job({ inpainting: noisy }));
    await qRefine(job({ inpainting: quiet, settings: how({ largestNoise: 0 }) }));
    expect(noisy.shown).toHaveLength(2);
    expect(noisy.shown[0]).not.toEqual(quiet.shown[0]);
    expect(noisy.shown[1]).toEqual(quiet.shown[1]);
  });

  test('a seed is reproduced; another one has other noise', async () => {
    const start = async (seed: number) => {
      const model = watched(inpainting());
      const { image } = await qRefine(job({ inpainting: model, seed }));
      return { image, start: model.shown[0] };
    };
    const [first, second, other] = [await start(7), await start(7), await start(8)];
    expect(sameBytes(first.image, second.image)).toBe(true);
    expect(first.start).toEqual(second.start);
    expect(first.start).not.toEqual(other.start);
  });
});

describe('pipeline 3', () => {
  const prompt = 'a sky';

  test('enhances a good image blindly', async () => {
    const model = restoration();
    const result = await qRefine(job({ prompt, restoration: model }));
    expect(positive(model)).toBe('clean, high-resolution, 8k');
    expect(result.regions.map(({ stage }) => stage)).toEqual(['inpaint', 'restore']);
  });

  test('and a bad one with its prompt', async () => {
    const model = restoration();
    // Red nearly everywhere.
    await qRefine(job({ prompt, image: picture(128, 96, { x: 0, y: 0, side: 120 }), restoration: model }));
    expect(positive(model)).toBe('a sky, clean, high-resolution, 8k');
  });

  test('the better the image, the weaker', () => {
    expect(enhancementStrength(1, defaultQRefineSettings)).toBeCloseTo(0.1, 9);
    expect(enhancementStrength(0.5, defaultQRefineSettings)).toBeCloseTo(0.2, 9);
    expect(enhancementStrength(0, defaultQRefineSettings)).toBeCloseTo(0.3, 9);
  });

  test('alone where nothing is bad', async () => {
    const model = inpainting();
    const sky = picture(64, 64, { x: 0, y: 0, side: 0 });
    const result = await qRefine(job({ image: sky, inpainting: model, restoration: restoration() }));
    expect(model.calls).toEqual([]);
    expect(result.outcome).toBe('refined');
    expect(result.regions.map(({ stage }) => stage)).toEqual(['restore']);
  });
});

test('without a model for what is left to do, nothing is changed', async () => {
  const sky = picture(64, 64, { x: 0, y: 0, side: 0 });
  const result = await qRefine(job({ image: sky }));
  expect(result).toMatchObject({ outcome: 'nothingToRepair', image: null });
  expect(result.hints).toHaveLength(2);
});

test('has no gate: what comes out worse stays, and its scores say so', async () => {
  const red = inpainting({ paint: ({ channel }) => (channel === 0 ? 1 : -1) });
  const result = await qRefine(job({ inpainting: red, settings: how({ highFrom: 1 }) }));
  expect(result.outcome).toBe('refined');
  expect(result.after.perceptual.score).toBeLessThan(result.before.perceptual.score);
  expect(result.regions.every(({ kept }) => kept)).toBe(true);
});

test('cancelled anywhere: an AbortError, and nothing left behind', async () => {
  const count = async (stop: number) => {
    const [first, second] = [inpainting(), restoration()];
    const signal = { aborted: false };
    let seen = 0;
    const onEvent = (_: RefineEvent) => {
      if (++seen === stop) signal.aborted = true;
    };
    const few = settings({ stage1: { steps: 4 }, stage2: { steps: 4 } });
    const run = qRefine(job({ inpainting: first, restoration: second, settings: few, signal, onEvent }));
    if (stop === 0) await run;
    else await expect(run).rejects.toMatchObject({ name: 'AbortError' });
    expect([first.device.alive, first.open(), second.device.alive, second.open()]).toEqual([0, 0, 0, 0]);
    return seen;
  };
  const events = await count(0);
  expect(events).toBeGreaterThan(12);
  for (let stop = 1; stop < events; stop += 3) await count(stop);
});
