import { describe, expect, test } from 'vitest';
import type { RgbaImage } from '../image/rgbaImage.ts';
import { imageRows } from '../image/rowSource.ts';
import type { Phrase, PromptReader } from '../prompt/phrase.ts';
import { overallQuality } from '../refine/balanceGate.ts';
import { deviceLost, type FakeLatent, outOfMemory } from '../refine/fakeDiffusionModel.ts';
import { defaultRefineSettings } from '../refine/refineSettings.ts';
import { defectGrid, repairRegions } from '../refine/repairMask.ts';
import { readMaskRow } from '../refine/softMask.ts';
import { defaultAnalysisSettings } from './analyse.ts';
import type { DeviceTensor, MemoryFallback } from './diffusionPorts.ts';
import {
  badFeature,
  fakeClip,
  inpainting,
  job,
  paintGreen,
  picture,
  pixel,
  restoration,
  sameBytes,
  settings,
} from './fakeStory.ts';
import { gRefine } from './gRefine.ts';
import type { ClipEncoder, ClipImageFeatures } from './ports.ts';
import type { RefineEvent } from './refinement.ts';
import type { Refined } from './strategy.ts';

/** Pixels that differ, inside the mask the analysis gives and outside of it. */
function changes(input: RgbaImage, { before, image }: Refined) {
  const regions = repairRegions(before, defaultRefineSettings);
  const row = new Float32Array(input.width);
  let inside = 0;
  let outside = 0;
  for (let y = 0; y < input.height; y++) {
    const touched = new Uint8Array(input.width);
    for (const { mask } of regions) {
      readMaskRow(mask, { x: 0, y }, row);
      for (let x = 0; x < row.length; x++) if ((row[x] as number) > 0) touched[x] = 1;
    }
    for (let x = 0; x < input.width; x++) {
      const at = (y * input.width + x) * 4;
      if ([0, 1, 2, 3].every((c) => input.data[at + c] === (image as RgbaImage).data[at + c])) continue;
      if (touched[x]) inside++;
      else outside++;
    }
  }
  return { inside, outside };
}

describe('stage 1', () => {
  test('repaints the bad square and leaves every other byte as it was', async () => {
    const input = picture(128, 96);
    const result = await gRefine(job({ image: input }));
    expect(result.outcome).toBe('refined');
    expect(pixel(result.image as RgbaImage, 56, 48)).toEqual([51, 204, 51]);
    const { inside, outside } = changes(input, result);
    expect(outside).toBe(0);
    expect(inside).toBeGreaterThan(32 * 32);
    expect(result.after.perceptual.score).toBeGreaterThan(result.before.perceptual.score);
    expect(result.regions).toMatchObject([{ stage: 'inpaint', kept: true, reason: null }]);
    expect(result.regions[0]?.after).toBeGreaterThan(result.regions[0]?.before as number);
    expect(result.models).toEqual({ maps: 'fake/clip', inpainting: 'fake/inpainting', restoration: null });
    expect(result.hints).toEqual([expect.stringMatching(/Restoring was left out/)]);
  });

  test.each([
    [8, 8],
    [3, 500],
    [500, 3],
    [131, 77],
    [200, 64],
    [4096, 300],
  ])('on %i x %i pixels not one byte changes outside the mask', async (width, height) => {
    const side = Math.max(2, Math.floor(Math.min(width, height) / 3));
    const input = picture(width, height, {
      x: Math.floor(width / 3),
      y: Math.floor(height / 3),
      side: Math.max(side, Math.max(width, height) / 8),
    });
    const result = await gRefine(job({ image: input, settings: settings({ maskThreshold: 0.3 }) }));
    expect(result.outcome).toBe('refined');
    const regions = repairRegions(result.before, { ...defaultRefineSettings, maskThreshold: 0.3 });
    const row = new Float32Array(width);
    let outside = 0;
    for (let y = 0; y < height; y++) {
      const touched = new Uint8Array(width);
      for (const { mask } of regions) {
        readMaskRow(mask, { x: 0, y }, row);
        for (let x = 0; x < width; x++) if ((row[x] as number) > 0) touched[x] = 1;
      }
      for (let i = 0; i < 4 * width; i++) {
        const at = y * width * 4 + i;
        if (!touched[i >> 2] && input.data[at] !== (result.image as RgbaImage).data[at]) outside++;
      }
    }
    expect(outside).toBe(0);
  });

  test('says when a region is too large to be repainted sharply', async () => {
    const { hints } = await gRefine(job({ image: picture(256, 256, { x: 20, y: 20, side: 200 }) }));
    expect(hints.join()).toMatch(/256 px large; the model repaints it at 64 px/);
  });

  test('a single red pixel is an image too', async () => {
    const input: RgbaImage = { width: 1, height: 1, data: Uint8ClampedArray.of(255, 0, 0, 255) };
    const result = await gRefine(job({ image: input }));
    expect(pixel(result.image as RgbaImage, 0, 0)).toEqual([51, 204, 51]);
  });

  test('reads images that come in bands', async () => {
    const input = picture(128, 96);
    const [whole, banded] = [await gRefine(job({ image: input })), await gRefine(job({ image: imageRows(input) }))];
    expect(sameBytes(banded.image, whole.image)).toBe(true);
  });

  test('every sampler ends at what the model wants', async () => {
    for (const sampler of ['ddim', 'euler', 'euler_ancestral', 'dpmpp_2m_karras', 'unipc'] as const) {
      const result = await gRefine(job({ settings: settings({ stage1: { sampler } }) }));
      const [red, green, blue] = pixel(result.image as RgbaImage, 56, 48) as [number, number, number];
      expect([red, blue].every((value) => Math.abs(value - 51) <= 1) && Math.abs(green - 204) <= 1).toBe(true);
    }
  });

  test('a seed is reproduced, also after the first run; the input is never written to', async () => {
    const input = picture(128, 96);
    const before = input.data.slice();
    const first = await gRefine(job({ image: input }));
    const second = await gRefine(job({ image: input }));
    expect(sameBytes(second.image, first.image)).toBe(true);
    expect(sameBytes(input, { data: before })).toBe(true);
  });

  test('frees all it made', async () => {
    const [model, second] = [inpainting(), restoration()];
    await gRefine(job({ inpainting: model, restoration: second }));
    expect([model.device.alive, model.open(), second.device.alive, second.open()]).toEqual([0, 0, 0, 0]);
  });

  test('paints from the prompt with what is missing emphasised', async () => {
    const model = inpainting();
    const prompt = 'grass under sky';
    const word = (text: string, start: number) => ({ text, start, end: start + text.length });
    const phrase = (text: string, start: number): Phrase => {
      const noun = word(text, start);
      return { text, tokens: [noun], noun, ancestor: null, scope: 'place' };
    };
    const readPrompt: PromptReader = () => ({
      phrases: [phrase('grass', 0), phrase('sky', 12)],
      sentences: [],
      hint: null,
    });
    const result = await gRefine(
      job({ inpainting: model, prompt, readPrompt, settings: settings({ negativePrompt: 'blurry' }) }),
    );
    expect(result.before.alignment?.phrases.map(({ status }) => status)).toEqual(['missing', 'ok']);
    expect(result.emphasisedPrompt).toMatch(/\(grass:1\.\d+\)/);
    const prompts = model.calls.flatMap((call) => (call.kind === 'encodePrompt' ? [call.prompt] : []));
    expect(prompts).toHaveLength(2);
    expect(prompts[0]?.chunks[0]?.find(({ text }) => text === 'grass')?.weight).toBeGreaterThan(1.1);
    expect(prompts[1]).toEqual({ chunks: [[{ text: 'blurry', weight: 1 }]] });
  });

  test('tells a region only what belongs there where the settings say so', async () => {
    const prompt = 'alarm under sky';
    const word = (text: string) => ({ text, start: prompt.indexOf(text), end: prompt.indexOf(text) + text.length });
    const phrases = ['alarm', 'sky'].map((text): Phrase => {
      const noun = word(text);
      return { text, tokens: [noun], noun, ancestor: null, scope: 'place' };
    });
    const told = async (text: 'prompt' | 'region') => {
      const model = inpainting();
      const readPrompt: PromptReader = () => ({ phrases, sentences: [], hint: null });
      const { stage1 } = defaultRefineSettings;
      const result = await gRefine(
        job({ inpainting: model, prompt, readPrompt, settings: settings({ stage1: { ...stage1, text } }) }),
      );
      expect(result.before.alignment?.phrases.map(({ status }) => status)).toEqual(['ok', 'ok']);
      const [first] = model.calls.flatMap((call) => (call.kind === 'encodePrompt' ? [call.prompt] : []));
      return first?.chunks[0]?.map((piece) => piece.text).join('');
    };
    expect(await told('prompt')).toBe(prompt);
    expect(await told('region')).toBe('alarm');
  });

  test('what the prompt says is absent is not to be painted', async () => {
    const model = inpainting();
    const noun = { text: 'cars', start: 18, end: 22 };
    const phrase: Phrase = { text: 'cars', tokens: [noun], noun, ancestor: null, scope: 'place', negated: true };
    const readPrompt: PromptReader = () => ({ phrases: [phrase], sentences: [], hint: null });
    const prompt = 'a street without cars';
    await gRefine(job({ inpainting: model, prompt, readPrompt, settings: settings({ negativePrompt: 'blurry' }) }));
    const prompts = model.calls.flatMap((call) => (call.kind === 'encodePrompt' ? [call.prompt] : []));
    expect(prompts[1]).toEqual({ chunks: [[{ text: 'blurry, cars', weight: 1 }]] });
  });

  test('what a model did for want of memory is told once', async () => {
    const model = inpainting();
    const fallbacks: MemoryFallback[] = [{ kind: 'sequentialGuidance', text: 'In an earlier job.' }];
    const short = {
      ...model,
      fallbacks,
      decodeLatents: (latents: DeviceTensor) => {
        fallbacks.push({ kind: 'smallerAutoencoderTile', text: 'Decoded in smaller tiles.' });
        return model.decodeLatents(latents);
      },
    };
    const { hints } = await gRefine(job({ inpainting: short }));
    expect(hints).toContain('Decoded in smaller tiles.');
    expect(hints).not.toContain('In an earlier job.');
  });

  test('without guidance there is no negative prompt', async () => {
    const model = inpainting();
    await gRefine(job({ inpainting: model, settings: settings({ stage1: { guidanceScale: 1 } }) }));
    expect(model.calls.filter(({ kind }) => kind === 'encodePrompt')).toHaveLength(1);
  });
});

describe('nothing to repair', () => {
  const clean = picture(128, 96, { x: 0, y: 0, side: 0 });

  test('an empty mask: no model is asked', async () => {
    const [model, second] = [inpainting(), restoration()];
    const result = await gRefine(job({ image: clean, inpainting: model, restoration: second }));
    expect(result).toMatchObject({ outcome: 'nothingToRepair', image: null, regions: [] });
    expect(result.after).toBe(result.before);
    expect(result.hints.join()).toMatch(/no part of the image/);
    expect([...model.calls, ...second.calls]).toEqual([]);
  });

  test('an image good enough as a whole, whatever the mask', async () => {
    const model = inpainting();
    const result = await gRefine(job({ inpainting: model, settings: settings({ goodEnough: 0.1 }) }));
    expect(result).toMatchObject({ outcome: 'nothingToRepair', image: null });
    expect(result.hints.join()).toMatch(/as a whole/);
    expect(model.calls).toEqual([]);
  });

  test('the released map, which always finds something, is not what decides', async () => {
    const analysisSettings = { ...defaultAnalysisSettings, perceptualMode: 'released' as const };
    const result = await gRefine(job({ image: clean, analysisSettings }));
    expect(result.outcome).toBe('nothingToRepair');
    expect(result.before.perceptual.mode).toBe('learned');
    expect(result.hints.join()).toMatch(/released map/);
  });
});

/** A checkerboard of red latents on the left half: too fine for the colour correction to undo. */
const spoilLeft = ({ x, y, channel, image }: FakeLatent) => {
  if (x >= 8) return image;
  const red = (x + y) % 2 === 0;
  return red ? (channel === 0 ? 2 : -2) : image;
};

describe('stage 2', () => {
  test('changes the whole image, but not its colours', async () => {
    const input = picture(128, 96);
    const model = restoration();
    const result = await gRefine(job({ image: input, restoration: model }));
    expect(result.outcome).toBe('refined');
    expect(result.regions.map(({ stage, kept }) => [stage, kept])).toEqual([
      ['inpaint', true],
      ['restore', true],
    ]);
    expect(result.regions[1]?.place).toEqual({ x: 0, y: 0, width: 128, height: 96 });
    expect(changes(input, result).outside).toBeGreaterThan(1000);
    // Means of 32 x 32 pixels far from the square stay.
    for (const channel of [0, 1, 2]) {
      const mean = ({ data, width }: RgbaImage) => {
        let total = 0;
        for (let i = 0; i < 1024; i++) total += data[((64 + (i >> 5)) * width + 96 + (i & 31)) * 4 + channel] as number;
        return total / 1024;
      };
      expect(Math.abs(mean(result.image as RgbaImage) - mean(input))).toBeLessThan(1.5);
    }
    const prompts = model.calls.flatMap((call) => (call.kind === 'encodePrompt' ? [call.prompt] : []));
    expect(JSON.stringify(prompts)).toMatch(/clean, high-resolution, 8k.*raster lines/);
  });

  test('of reach "regions" leaves every byte outside the mask', async () => {
    const input = picture(300, 260, { x: 30, y: 20, side: 60 });
    const whole = restoration();
    const model = restoration();
    const small = { latentTile: 16, latentTileOverlap: 2 };
    await gRefine(job({ image: input, restoration: whole, settings: settings({ stage2: small }) }));
    const result = await gRefine(
      job({ image: input, restoration: model, settings: settings({ stage2: { ...small, reach: 'regions' } }) }),
    );
    expect(result.outcome).toBe('refined');
    expect(result.regions.map(({ stage }) => stage)).toEqual(['inpaint', 'restore']);
    const { inside, outside } = changes(input, result);
    expect(outside).toBe(0);
    expect(inside).toBeGreaterThan(0);
    const runs = (of: typeof model) => of.calls.filter(({ kind }) => kind === 'decodeLatents').length;
    expect(runs(model)).toBeGreaterThan(0);
    // Blocks without a bad region are not even looked at.
    expect(runs(model)).toBeLessThan(runs(whole));
  });

  test('of reach "regions" changes a place as far as it was bad', async () => {
    const input = picture(300, 260, { x: 30, y: 20, side: 60 });
    const stage2 = { latentTile: 16, latentTileOverlap: 2, reach: 'regions' } as const;
    const result = await gRefine(
      job({ image: input, restoration: restoration(), settings: settings({ stage1: { enabled: false }, stage2 }) }),
    );
    expect(result.outcome).toBe('refined');
    const defect = defectGrid(result.before).values;
    const { data } = result.image as RgbaImage;
    let [most, beyond] = [0, 0];
    for (let i = 0; i < data.length; i++) {
      const change = Math.abs((data[i] as number) - (input.data[i] as number));
      most = Math.max(most, change);
      beyond = Math.max(beyond, change - 255 * (defect[i >> 2] as number) ** 2);
    }
    // Half a step of rounding, for the old byte and the new one.
    expect(beyond).toBeLessThanOrEqual(1);
    expect(most).toBeGreaterThan(64);
  });

  /** A CLIP to which red is a fault of one kind more than of any other. */
  const seeing = (fault: 'technical' | 'rationality' | 'naturalness') => {
    const clip = fakeClip();
    const ofFactors = ['overall', 'technical', 'rationality', 'naturalness'];
    let encoded = 0;
    return fakeClip({
      encodePromptEmbeddings: async (...args) => {
        const rows = await clip.encodePromptEmbeddings(...args);
        const factor = ofFactors[encoded++ % ofFactors.length];
        if (factor === 'overall' || factor === fault) return rows;
        // To the others a little red is not so bad.
        const dim = rows.length / 2;
        return rows.map((value, i) => (i < dim ? (value + (rows[i + dim] as number)) / Math.SQRT2 : value));
      },
    });
  };

  describe('takes what is only worn or unnatural', () => {
    const content = { stage1: { repaints: 'content' }, stage2: { reach: 'regions' } } as const;
    const painted = async (over: Partial<Parameters<typeof job>[0]>) => {
      const model = inpainting();
      const result = await gRefine(job({ clip: seeing('technical'), inpainting: model, ...over }));
      return { ...result, stages: result.regions.map(({ stage }) => stage), paints: model.calls.length > 0 };
    };

    test('where stage 1 repaints content only', async () => {
      for (const fault of ['technical', 'naturalness'] as const) {
        const over = { clip: seeing(fault), restoration: restoration(), settings: settings(content) };
        const result = await painted(over);
        expect(result).toMatchObject({ stages: ['restore'], paints: false });
        expect(result.hints.join()).toMatch(/Repainting was left out/);
      }
    });

    test('but not where content is bad as well, where stage 1 repaints all, or where there is no stage 2', async () => {
      const both = await painted({
        clip: seeing('rationality'),
        restoration: restoration(),
        settings: settings(content),
      });
      expect(both).toMatchObject({ stages: ['inpaint', 'restore'], paints: true });
      const all = { ...content, stage1: { repaints: 'all' } } as const;
      const asPublished = await painted({ restoration: restoration(), settings: settings(all) });
      expect(asPublished).toMatchObject({ stages: ['inpaint', 'restore'], paints: true });
      const alone = await painted({ restoration: null, settings: settings(content) });
      expect(alone).toMatchObject({ stages: ['inpaint'], paints: true });
    });

    test('and what misses the prompt there, where that is not legible', async () => {
      const phrase = (text: string): Phrase => {
        const noun = { text, start: 0, end: text.length };
        return { text, tokens: [noun], noun, ancestor: null, scope: 'place' };
      };
      const stages = async (leastLegible: number) => {
        const over = {
          prompt: 'grass',
          readPrompt: () => ({ phrases: [phrase('grass')], sentences: [], hint: null }),
          // Red all over: whatever is missing is missing there.
          image: picture(128, 96, { x: 0, y: 0, side: 128 }),
          restoration: restoration(),
          settings: settings({ ...content, stage1: { ...content.stage1, leastLegible } }),
        };
        const result = await painted(over);
        expect(result.before.alignment?.phrases.map(({ status }) => status)).toEqual(['missing']);
        return result.stages;
      };
      expect(new Set(await stages(0))).toContain('inpaint');
      expect(new Set(await stages(1))).toEqual(new Set(['restore']));
    });
  });

  test('changes colours only where they are the fault and the settings say so', async () => {
    const input = picture(128, 96);
    /** Blue in the middle of what was red, after stage 2 alone has painted all of it blue. */
    const blue = async (fault: 'technical' | 'naturalness', recolours: 'nowhere' | 'unnatural') => {
      const model = restoration({ paint: ({ channel }) => (channel === 2 ? 0.8 : -0.8) });
      const only = { stage1: { enabled: false }, stage2: { recolours }, gateTolerance: 1 } as const;
      const { image } = await gRefine(
        job({ image: input, clip: seeing(fault), restoration: model, settings: settings(only) }),
      );
      return pixel(image ?? input, 56, 48)[2] as number;
    };
    expect(await blue('naturalness', 'unnatural')).toBeGreaterThan(200);
    expect(await blue('naturalness', 'nowhere')).toBeLessThan(100);
    expect(await blue('technical', 'unnatural')).toBeLessThan(100);
  });

  test('keeps the old pixels where quality fell, and says so', async () => {
    const input = picture(128, 96);
    const result = await gRefine(job({ image: input, restoration: restoration({ paint: spoilLeft }) }));
    const stage1 = await gRefine(job({ image: input }));
    const rejected = result.regions.filter(({ kept }) => !kept);
    expect(rejected.length).toBeGreaterThan(0);
    expect(rejected[0]?.reason).toMatch(/Restoring lowered the quality here from \d+\.\d to \d+\.\d of 100/);
    expect(result.outcome).toBe('refined');
    // Well inside the spoilt half it is the image after stage 1 again, in the other half it is not.
    expect(pixel(result.image as RgbaImage, 20, 20)).toEqual(pixel(stage1.image as RgbaImage, 20, 20));
    expect(pixel(result.image as RgbaImage, 20, 60)).toEqual(pixel(stage1.image as RgbaImage, 20, 60));
    const right = Array.from({ length: 20 }, (_, i) => pixel(result.image as RgbaImage, 105 + i, 90));
    expect(right).not.toEqual(Array.from({ length: 20 }, (_, i) => pixel(stage1.image as RgbaImage, 105 + i, 90)));
  });

  test("native executes PASD's whole schedule from noise alone", async () => {
    const result = await gRefine(
      job({ restoration: restoration(), settings: settings({ stage2: { mode: 'native' } }) }),
    );
    expect(result.outcome).toBe('refined');
  });

  test('enlarges small images for its model, and back', async () => {
    const model = restoration();
    await gRefine(job({ image: picture(40, 32, { x: 10, y: 10, side: 12 }), restoration: model }));
    const sizes = model.calls.flatMap((call) => (call.kind === 'encodeImage' ? [[call.width, call.height]] : []));
    // The shorter side is 1.5 native sizes: 96 of 64; 120 x 96 is padded to multiples of 64.
    expect(sizes).toEqual([[128, 128]]);
  });
});

describe('the gate', () => {
  test('gives a region repainted for the worse its old pixels back, byte for byte', async () => {
    const input = picture(160, 96, { x: 16, y: 32, side: 24 });
    // A second bad place that the model only makes worse: orange becomes red.
    for (let y = 32; y < 64; y++) for (let x = 112; x < 144; x++) input.data.set([255, 140, 0, 255], (y * 160 + x) * 4);
    let crops = 0;
    const model = inpainting({
      paint: (latent) => {
        if (latent.mask === 0 || latent.channel === 3) return latent.image;
        if (crops === 1) return paintGreen(latent);
        return latent.channel === 0 ? 1 : -1;
      },
      onCall: (kind) => {
        if (kind === 'openDenoiser') crops++;
      },
    });
    const result = await gRefine(job({ image: input, inpainting: model, settings: settings({ maskThreshold: 0.45 }) }));
    expect(result.outcome).toBe('refined');
    // It was tried a second time.
    expect(crops).toBe(3);
    expect(result.regions.map(({ kept }) => kept)).toEqual([true, false]);
    expect(result.regions[1]?.reason).toMatch(/Repainting lowered/);
    for (let y = 0; y < 96; y++) {
      const from = (y * 160 + 90) * 4;
      const row = ({ data }: RgbaImage) => Array.from(data.subarray(from, from + 70 * 4));
      expect(row(result.image as RgbaImage)).toEqual(row(input));
    }
    expect(pixel(result.image as RgbaImage, 28, 44)).toEqual([51, 204, 51]);
  });

  test("a model that makes everything worse is rejected with the input's pixels", async () => {
    const input = picture(128, 96);
    // Orange becomes red.
    for (let i = 0; i < input.data.length; i += 4) if (input.data[i + 2] === 0) input.data[i + 1] = 140;
    const paint = ({ channel, mask, image }: FakeLatent) =>
      mask === 0 || channel === 3 ? image : channel === 0 ? 1 : -1;
    const result = await gRefine(job({ image: input, inpainting: inpainting({ paint }) }));
    expect(result).toMatchObject({ outcome: 'rejected', image: null });
    expect(result.after).toBe(result.before);
    expect(result.regions.length).toBeGreaterThan(0);
    expect(result.regions.every(({ stage, kept }) => stage === 'inpaint' && !kept)).toBe(true);
    expect(result.hints.join()).toMatch(/stays as it is/);
  });

  test('what gains too little keeps its old pixels', async () => {
    const gaining = await gRefine(job());
    const [{ before, after } = { before: 0, after: 0 }] = gaining.regions;
    const demanding = (leastGain: number) => gRefine(job({ settings: settings({ stage1: { leastGain } }) }));
    expect((await demanding(after - before - 0.01)).outcome).toBe('refined');
    const { outcome, image, regions } = await demanding(after - before + 0.01);
    expect({ outcome, image }).toEqual({ outcome: 'rejected', image: null });
    expect(regions).toMatchObject([{ kept: false, reason: expect.stringMatching(/hardly raised the quality here/) }]);
  });

  describe('attempts', () => {
    /** Paints red, and from the second attempt on green. */
    const learning = () => {
      const model = inpainting({
        paint: (latent) => {
          const attempts = model.calls.filter(({ kind }) => kind === 'openDenoiser').length;
          if (attempts > 1 || latent.mask === 0 || latent.channel === 3) return paintGreen(latent);
          return latent.channel === 0 ? 1 : -1;
        },
      });
      return model;
    };
    const tried = async (attempts: number, model = learning()) => {
      const stage1 = { attempts, leastGain: 0.5 };
      const result = await gRefine(job({ inpainting: model, settings: settings({ stage1 }) }));
      return { result, times: model.calls.filter(({ kind }) => kind === 'openDenoiser').length };
    };

    test('what the gate turned down is painted again, until it is kept', async () => {
      expect((await tried(1)).result.outcome).toBe('rejected');
      for (const attempts of [2, 3]) {
        const { result, times } = await tried(attempts);
        expect(times).toBe(2);
        expect(result.outcome).toBe('refined');
        expect(pixel(result.image as RgbaImage, 56, 48)).toEqual([51, 204, 51]);
        expect(result.regions).toMatchObject([{ stage: 'inpaint', kept: true, reason: null }]);
      }
    });

    test('each starts from other noise of the same seed', async () => {
      const starts: Float32Array[] = [];
      const model = inpainting({ paint: ({ channel, mask, image }) => (mask === 0 ? image : channel === 0 ? 1 : -1) });
      const watched = {
        ...model,
        openDenoiser: async (options: Parameters<typeof model.openDenoiser>[0]) => {
          const denoiser = await model.openDenoiser(options);
          let isFirst = true;
          return {
            ...denoiser,
            predict: async (...[sample, timestep]: Parameters<typeof denoiser.predict>) => {
              if (isFirst) starts.push((await model.device.read(sample)).slice());
              isFirst = false;
              return denoiser.predict(sample, timestep);
            },
          };
        },
      };
      expect((await tried(3, watched)).result.outcome).toBe('rejected');
      expect(starts).toHaveLength(3);
      const [first, second, third] = starts.map(String);
      expect(new Set([first, second, third]).size).toBe(3);
      await tried(3, watched);
      expect(starts.slice(3).map(String)).toEqual([first, second, third]);
    });

    test('what is kept but still misses the prompt is painted again, and kept only if it is better', async () => {
      const prompt = 'grass';
      const noun = { text: prompt, start: 0, end: prompt.length };
      const phrase: Phrase = { text: prompt, tokens: [noun], noun, ancestor: null, scope: 'place' };
      const clip = fakeClip();
      /** Sees as much of the grass in each analysis as it is told. */
      const doubtful = (...shares: readonly number[]) => {
        let seen = 0;
        let first: ClipImageFeatures | null = null;
        const mixed = (now: Float32Array, then: Float32Array, share: number) =>
          now.map((value, i) => share * value + (1 - share) * (then[i] as number));
        return fakeClip({
          encodeImage: async (...args) => {
            const features = await clip.encodeImage(...args);
            first ??= features;
            const share = shares[seen++] ?? 1;
            const { cls, patchFeatures } = first;
            return {
              ...features,
              cls: mixed(features.cls, cls, share),
              patchFeatures: mixed(features.patchFeatures, patchFeatures, share),
            };
          },
        });
      };
      const refined = async (...shares: readonly number[]) => {
        const model = inpainting();
        const result = await gRefine(
          job({
            image: picture(128, 96, { x: 0, y: 0, side: 0 }),
            prompt,
            readPrompt: () => ({ phrases: [phrase], sentences: [], hint: null }),
            inpainting: model,
            clip: doubtful(...shares),
            settings: settings({ stage1: { attempts: 3 } }),
          }),
        );
        const times = model.calls.filter(({ kind }) => kind === 'openDenoiser').length;
        return { times, status: result.after.alignment?.phrases[0]?.status, regions: result.regions };
      };
      expect(await refined(0, 1)).toMatchObject({ times: 1, status: 'ok', regions: [{ kept: true, after: 1 }] });
      expect(await refined(0, 0.05, 1)).toMatchObject({ times: 2, status: 'ok', regions: [{ kept: true, after: 1 }] });
      const { times, status, regions } = await refined(0, 0.05, 0.01, 0.01, 0.05);
      expect([times, status, regions.map(({ kept }) => kept)]).toEqual([3, 'missing', [true]]);
    });
  });

  test('what makes the image as a whole better by too little is not offered', async () => {
    const { before, after } = await gRefine(job());
    const gain = (overallQuality(after) - overallQuality(before)) / (1 - overallQuality(before));
    const demanding = (leastImprovement: number) => gRefine(job({ settings: settings({ leastImprovement }) }));
    expect((await demanding(gain * 0.9)).outcome).toBe('refined');
    const { outcome, image, regions } = await demanding(gain * 1.1);
    expect({ outcome, image }).toEqual({ outcome: 'rejected', image: null });
    expect(regions).toMatchObject([{ kept: false, reason: expect.stringMatching(/hardly for the image as a whole/) }]);
  });

  test('of two regions the one that makes the image worse as a whole has its old pixels back', async () => {
    const input = picture(192, 96, { x: 16, y: 32, side: 32 });
    for (let y = 32; y < 64; y++) {
      // A little more to gain there.
      for (let x = 128; x < 160; x++) input.data.set([255, 60, 0, 255], (y * 192 + x) * 4);
    }
    const clip = fakeClip();
    const jealous = fakeClip({
      encodeImage: async (pixels, size) => {
        const features = await clip.encodeImage(pixels, size);
        const at = Math.floor(size / 2) * size + Math.floor((32 / 192) * size);
        const isGreen = (pixels[size * size + at] as number) > 0.3;
        return isGreen ? { ...features, cls: badFeature } : features;
      },
    });
    const result = await gRefine(job({ image: input, clip: jealous }));
    expect(result.outcome).toBe('refined');
    expect(pixel(result.image as RgbaImage, 32, 48)).toEqual([255, 0, 0]);
    expect(pixel(result.image as RgbaImage, 144, 48)).toEqual([51, 204, 51]);
    expect(result.regions).toMatchObject([
      { kept: false, reason: expect.stringMatching(/not for the image as a whole/) },
      { kept: true, reason: null },
    ]);
  });

  test('where stage 1 could not paint what is missing, there is nothing to restore', async () => {
    const prompt = 'grass';
    const noun = { text: prompt, start: 0, end: prompt.length };
    const phrase: Phrase = { text: prompt, tokens: [noun], noun, ancestor: null, scope: 'place' };
    const unused = restoration();
    const result = await gRefine(
      job({
        image: picture(128, 96, { x: 0, y: 0, side: 0 }),
        prompt,
        readPrompt: () => ({ phrases: [phrase], sentences: [], hint: null }),
        inpainting: inpainting({ paint: ({ channel, mask, image }) => (mask === 0 ? image : channel === 0 ? 1 : -1) }),
        restoration: unused,
        settings: settings({ stage2: { reach: 'regions' } }),
      }),
    );
    expect(result).toMatchObject({ outcome: 'rejected', image: null });
    expect(result.regions.map(({ stage, kept }) => [stage, kept])).toEqual([['inpaint', false]]);
    expect(result.hints.join()).toMatch(/nothing was repainted that it could go over/);
    expect(unused.calls).toEqual([]);
  });

  test('a result that is better in its regions but worse as a whole is not offered', async () => {
    let seen = 0;
    const clip = fakeClip();
    const jealous = fakeClip({
      encodeImage: async (...args) => {
        const features = await clip.encodeImage(...args);
        return seen++ === 0 ? features : { ...features, cls: badFeature };
      },
    });
    const result = await gRefine(job({ clip: jealous }));
    expect(result).toMatchObject({ outcome: 'rejected', image: null });
    expect(result.regions).toMatchObject([
      { kept: false, reason: expect.stringMatching(/not for the image as a whole/) },
    ]);
  });

  test('a stage 2 that lowers the whole leaves what stage 1 did', async () => {
    let seen = 0;
    const clip = fakeClip();
    const jealous = fakeClip({
      encodeImage: async (...args) => {
        const features = await clip.encodeImage(...args);
        return seen++ < 2 ? features : { ...features, cls: badFeature };
      },
    });
    const result = await gRefine(job({ clip: jealous, restoration: restoration() }));
    const stage1 = await gRefine(job());
    expect(result.outcome).toBe('refined');
    expect(sameBytes(result.image, stage1.image)).toBe(true);
    expect(result.regions.map(({ stage, kept }) => [stage, kept])).toEqual([
      ['inpaint', true],
      ['restore', false],
    ]);
  });

  test('with every stage switched off nothing is tried', async () => {
    const result = await gRefine(job({ settings: settings({ stage1: { enabled: false } }), restoration: null }));
    expect(result).toMatchObject({ outcome: 'rejected', regions: [] });
    expect(result.hints).toHaveLength(3);
  });
});

describe('events', () => {
  test("come in the story's order, with exact totals and places within the image", async () => {
    const events: RefineEvent[] = [];
    const result = await gRefine(
      job({ restoration: restoration(), seedIndex: 3, onEvent: (event) => events.push(event) }),
    );
    expect(result.outcome).toBe('refined');
    const order = events.flatMap((event) =>
      event.type === 'step' ? [event.stage] : event.type === 'preview' ? ['preview'] : [],
    );
    expect(
      order
        .filter((name, i) => name !== order[i - 1] && name !== 'preview')
        .filter((name, i, all) => name !== all[i - 1]),
    ).toEqual(['analyse', 'inpaint', 'analyseAgain', 'gate', 'restore', 'analyseAgain', 'gate']);
    for (const stage of ['inpaint', 'restore'] as const) {
      const steps = events.flatMap((event) => (event.type === 'step' && event.stage === stage ? [event] : []));
      expect(steps.map(({ done }) => done)).toEqual(Array.from({ length: steps.length }, (_, i) => i + 1));
      expect(steps.every(({ total, seedIndex }) => total === steps.length && seedIndex === 3)).toBe(true);
      expect(steps).toHaveLength(10);
    }
    const previews = events.flatMap((event) => (event.type === 'preview' ? [event] : []));
    expect(previews).toHaveLength(8);
    for (const { place, width, height, rgba } of previews) {
      expect(rgba).toHaveLength(width * height * 4);
      expect(place.x >= 0 && place.y >= 0 && place.x + place.width <= 128 && place.y + place.height <= 96).toBe(true);
    }
    const first = events.findIndex((event) => event.type === 'step' && event.stage === 'inpaint');
    expect(events.slice(first).some(({ type }) => type === 'before')).toBe(false);
  });

  test('the result is plain data but for its pixels', async () => {
    const { image: _, ...result } = await gRefine(job({ restoration: restoration() }));
    expect(structuredClone(result)).toEqual(result);
  });

  test('cancelled anywhere: an AbortError, nothing left behind, nothing changed', async () => {
    const count = async (stop: number) => {
      const input = picture(128, 96);
      const before = input.data.slice();
      const [first, second] = [inpainting(), restoration()];
      const signal = { aborted: false };
      let seen = 0;
      const onEvent = () => {
        if (++seen === stop) signal.aborted = true;
      };
      const few = settings({ stage1: { steps: 4 }, stage2: { steps: 4 } });
      const run = gRefine(
        job({ image: input, inpainting: first, restoration: second, settings: few, signal, onEvent }),
      );
      if (stop === 0) await run;
      else await expect(run).rejects.toMatchObject({ name: 'AbortError' });
      expect([first.device.alive, first.open(), second.device.alive, second.open()]).toEqual([0, 0, 0, 0]);
      expect(sameBytes(input, { data: before })).toBe(true);
      return seen;
    };
    const events = await count(0);
    expect(events).toBeGreaterThan(25);
    for (let stop = 1; stop < events; stop++) await count(stop);
  });
});

test('lets messages in before every call of a model, and a cancel that comes then stops the call', async () => {
  for (const stopAt of [3, 9, 20]) {
    const [model, second] = [inpainting(), restoration()];
    const signal = { aborted: false };
    let pauses = 0;
    const pause = async () => {
      if (++pauses === stopAt) signal.aborted = true;
    };
    const run = gRefine(job({ inpainting: model, restoration: second, signal, pause }));
    await expect(run).rejects.toMatchObject({ name: 'AbortError' });
    expect(pauses).toBe(stopAt);
    expect([...model.calls, ...second.calls].length).toBeLessThan(stopAt);
    expect([model.device.alive, model.open(), second.device.alive, second.open()]).toEqual([0, 0, 0, 0]);
  }
});

describe('when the GPU is lost', () => {
  const steps = (events: RefineEvent[], stage: string) =>
    events.flatMap((event) => (event.type === 'step' && event.stage === stage ? [event.done] : []));

  test('stage 1 goes on from what it last read back, to the same pixels', async () => {
    const events: RefineEvent[] = [];
    const model = inpainting({
      onCall: (kind, count) => {
        if (kind === 'predict' && count === 5) throw deviceLost();
      },
    });
    const result = await gRefine(job({ inpainting: model, onEvent: (event) => events.push(event) }));
    const undisturbed = await gRefine(job());
    expect(sameBytes(result.image, undisturbed.image)).toBe(true);
    expect(steps(events, 'inpaint')).toEqual([1, 2, 3, 4, 5, 5, 6, 7, 8, 9, 10]);
    expect(result.hints.join()).toMatch(/GPU was lost.*Going on from step 5 of 10/);
    // Text is encoded again: it was on the lost device.
    expect(model.calls.filter(({ kind }) => kind === 'encodePrompt')).toHaveLength(4);
    expect([model.device.alive, model.open()]).toEqual([0, 0]);
  });

  test.each(['encodePrompt', 'encodeImage', 'openDenoiser', 'predict', 'decodeLatents'] as const)(
    'in %s, in both stages',
    async (where) => {
      const onCall = (kind: string, count: number) => {
        if (kind === where && count === 0) throw deviceLost();
      };
      const result = await gRefine(job({ inpainting: inpainting({ onCall }), restoration: restoration({ onCall }) }));
      const undisturbed = await gRefine(job({ restoration: restoration() }));
      expect(sameBytes(result.image, undisturbed.image)).toBe(true);
      expect(result.hints).toHaveLength(2);
    },
  );

  test('gives up after three restarts, and frees what it made', async () => {
    const model = inpainting({
      onCall: (kind) => {
        if (kind === 'predict') throw deviceLost();
      },
    });
    await expect(gRefine(job({ inpainting: model }))).rejects.toMatchObject({ name: 'DeviceLostError' });
    expect(model.calls.filter(({ kind }) => kind === 'predict')).toHaveLength(4);
    expect([model.device.alive, model.open()]).toEqual([0, 0]);
  });

  test('the maps are computed again', async () => {
    let failures = 1;
    const clip = fakeClip();
    const encodeImage: ClipEncoder['encodeImage'] = (...args) =>
      failures-- > 0 ? Promise.reject(deviceLost()) : clip.encodeImage(...args);
    const result = await gRefine(job({ clip: fakeClip({ encodeImage }) }));
    expect(result.outcome).toBe('refined');
    expect(result.hints.join()).toMatch(/maps are computed again/);
  });
});

describe('when memory is short', () => {
  test('stage 1 works at a smaller size', async () => {
    let large = true;
    const model = inpainting({
      nativeSize: 128,
      onCall: (kind, count) => {
        if (kind === 'openDenoiser') large = count === 0;
        if (kind === 'predict' && large) throw outOfMemory();
      },
    });
    const result = await gRefine(job({ inpainting: model }));
    expect(result.outcome).toBe('refined');
    expect(pixel(result.image as RgbaImage, 56, 48)).toEqual([51, 204, 51]);
    expect(result.hints.join()).toMatch(/not enough memory to repaint at 128 px; going on at 96 px/);
    expect(model.device.alive).toBe(0);
  });

  test('stage 2 works in smaller tiles', async () => {
    const model = restoration({
      onCall: (kind, count) => {
        if (kind === 'openDenoiser' && count === 0) throw outOfMemory();
      },
    });
    const result = await gRefine(
      job({ restoration: model, settings: settings({ stage2: { latentTile: 16, latentTileOverlap: 2 } }) }),
    );
    expect(result.outcome).toBe('refined');
    expect(result.hints.join()).toMatch(/tiles of 128 px; trying 64 px/);
  });

  test('in the end it says so', async () => {
    const onCall = (kind: string) => {
      if (kind === 'encodeImage') throw outOfMemory();
    };
    await expect(gRefine(job({ inpainting: inpainting({ onCall }) }))).rejects.toMatchObject({
      name: 'OutOfMemoryError',
      message: expect.stringMatching(/even at 32 px; the image was left as it is/),
    });
    const second = gRefine(job({ inpainting: null, restoration: restoration({ onCall }) }));
    await expect(second).rejects.toMatchObject({ name: 'OutOfMemoryError' });
  });
});

test('numbers that are no picture are an error, never a black image', async () => {
  const model = inpainting({ paint: () => Number.NaN });
  await expect(gRefine(job({ inpainting: model }))).rejects.toMatchObject({ name: 'NumbersError' });
  expect(model.device.alive).toBe(0);
});
