import { describe, expect, it } from 'vitest';
import { parseComfyUI } from './comfyui.ts';

type Inputs = Record<string, unknown>;

/** A graph in the API's form from `id: [class, inputs]`. */
function prompt(nodes: Record<string, [string, Inputs]>) {
  const entries = Object.entries(nodes).map(([id, [class_type, inputs]]) => [id, { class_type, inputs }]);
  return parseComfyUI(new Map([['prompt', JSON.stringify(Object.fromEntries(entries))]]));
}

/** A plain graph around a positive and a negative conditioning. */
const plain = (positive: unknown, negative: unknown, more: Record<string, [string, Inputs]>) =>
  prompt({
    ckpt: ['CheckpointLoaderSimple', { ckpt_name: 'sd_xl.safetensors' }],
    ...more,
    latent: ['EmptyLatentImage', { width: 512, height: 512 }],
    sampler: [
      'KSampler',
      {
        seed: 7,
        steps: 20,
        cfg: 8,
        sampler_name: 'euler',
        scheduler: 'normal',
        denoise: 1,
        model: ['ckpt', 0],
        positive,
        negative,
        latent_image: ['latent', 0],
      },
    ],
    decode: ['VAEDecode', { samples: ['sampler', 0], vae: ['ckpt', 2] }],
    save: ['SaveImage', { filename_prefix: 'ComfyUI', images: ['decode', 0] }],
  });

const encode = (text: unknown): [string, Inputs] => ['CLIPTextEncode', { text, clip: ['ckpt', 1] }];

describe('parseComfyUI, the graph that was run', () => {
  it('reads the default workflow', () => {
    expect(plain(['p', 0], ['n', 0], { n: encode('text, watermark'), p: encode('a bottle with a galaxy') })).toEqual({
      source: 'ComfyUI',
      prompt: 'a bottle with a galaxy',
      negativePrompt: 'text, watermark',
      settings: {
        seed: '7',
        steps: '20',
        cfg: '8',
        sampler_name: 'euler',
        scheduler: 'normal',
        denoise: '1',
        model: 'sd_xl.safetensors',
      },
    });
  });

  it('reads SDXL’s two texts once if they are the same, else both', () => {
    const sdxl = (text_g: string, text_l: string) =>
      plain(['p', 0], ['n', 0], {
        p: ['CLIPTextEncodeSDXL', { text_g, text_l, width: 1024, clip: ['ckpt', 1] }],
        n: encode(''),
      })?.prompt;
    expect(sdxl('a fox', 'a fox')).toBe('a fox');
    expect(sdxl('a fox', 'oil painting')).toBe('a fox, oil painting');
  });

  it('goes through what combines, weighs and controls', () => {
    const found = plain(['control', 0], ['control', 1], {
      fox: encode('a fox'),
      snow: encode('deep snow'),
      night: encode('at night'),
      dull: encode('dull'),
      both: ['ConditioningCombine', { conditioning_1: ['fox', 0], conditioning_2: ['area', 0] }],
      area: ['ConditioningSetArea', { conditioning: ['snow', 0], width: 64 }],
      all: ['ConditioningConcat', { conditioning_to: ['both', 0], conditioning_from: ['night', 0] }],
      flux: ['FluxGuidance', { conditioning: ['all', 0], guidance: 3.5 }],
      net: ['ControlNetLoader', { control_net_name: 'canny.safetensors' }],
      picture: ['LoadImage', { image: 'fox.png' }],
      control: [
        'ControlNetApplyAdvanced',
        { positive: ['flux', 0], negative: ['dull', 0], control_net: ['net', 0], image: ['picture', 0], strength: 1 },
      ],
    });
    expect(found?.prompt).toBe('a fox, deep snow, at night');
    expect(found?.negativePrompt).toBe('dull');
  });

  it('reads texts from linked primitives, string nodes and joins', () => {
    const found = plain(['p', 0], ['n', 0], {
      p: encode(['join', 0]),
      join: ['StringConcatenate', { string_a: ['a', 0], string_b: ['show', 0], delimiter: ' | ' }],
      a: ['PrimitiveStringMultiline', { value: 'a fox' }],
      show: ['ShowText|pysssss', { text: ['b', 0] }],
      b: ['easy positive', { positive: 'in snow' }],
      n: encode(['wild', 0]),
      wild: ['ImpactWildcardProcessor', { wildcard_text: '__bad__', populated_text: 'blurry' }],
    });
    expect(found?.prompt).toBe('a fox | in snow');
    expect(found?.negativePrompt).toBe('blurry');
  });

  it('reads Flux: a custom sampler with a guider', () => {
    const found = prompt({
      '6': encode('a fox on the moon'),
      '8': ['VAEDecode', { samples: ['13', 0] }],
      '9': ['SaveImage', { images: ['8', 0] }],
      '13': [
        'SamplerCustomAdvanced',
        { noise: ['25', 0], guider: ['22', 0], sampler: ['16', 0], sigmas: ['17', 0], latent_image: ['27', 0] },
      ],
      '16': ['KSamplerSelect', { sampler_name: 'euler' }],
      '17': ['BasicScheduler', { scheduler: 'simple', steps: 20, denoise: 1 }],
      '22': ['BasicGuider', { conditioning: ['26', 0] }],
      '25': ['RandomNoise', { noise_seed: 5 }],
      '26': ['FluxGuidance', { guidance: 3.5, conditioning: ['6', 0] }],
      '27': ['EmptySD3LatentImage', { width: 8 }],
    });
    expect(found).toEqual({
      source: 'ComfyUI',
      prompt: 'a fox on the moon',
      settings: { noise_seed: '5', sampler_name: 'euler', steps: '20', scheduler: 'simple', denoise: '1' },
    });
  });

  it('takes a zeroed conditioning for no words', () => {
    const found = plain(['p', 0], ['zero', 0], {
      p: encode('a fox'),
      zero: ['ConditioningZeroOut', { conditioning: ['p', 0] }],
    });
    expect(found?.prompt).toBe('a fox');
    expect(found).not.toHaveProperty('negativePrompt');
  });

  it('reads a loader that holds both prompts', () => {
    const found = plain(['loader', 1], ['loader', 2], {
      loader: ['Efficient Loader', { ckpt_name: 'x.safetensors', positive: 'a fox', negative: 'dull' }],
    });
    expect([found?.prompt, found?.negativePrompt]).toEqual(['a fox', 'dull']);
  });

  it('prefers the sampler that feeds the saved image', () => {
    const found = prompt({
      first: encode('first pass'),
      second: encode('second pass'),
      stray: encode('never saved, and the longest of all the texts'),
      n: encode('dull'),
      '1': ['KSampler', { positive: ['first', 0], negative: ['n', 0], latent_image: ['0', 0] }],
      '2': ['KSampler', { positive: ['second', 0], negative: ['n', 0], latent_image: ['1', 0] }],
      '3': ['KSampler', { positive: ['stray', 0], negative: ['n', 0], latent_image: ['0', 0] }],
      decode: ['VAEDecode', { samples: ['2', 0] }],
      save: ['SaveImage', { images: ['decode', 0] }],
      strayDecode: ['VAEDecode', { samples: ['3', 0] }],
      preview: ['PreviewImage', { images: ['strayDecode', 0] }],
    });
    expect(found?.prompt).toBe('second pass');
  });

  it('falls back to the longest text, not to a file name', () => {
    const found = prompt({
      a: ['Unknown', { text: 'short' }],
      b: [
        'SomePromptNode',
        { prompt: 'a long description of a fox', text: 'a/very/long/path/to/some/model/file.safetensors' },
      ],
    });
    expect(found).toEqual({ source: 'ComfyUI', prompt: 'a long description of a fox', settings: {} });
  });

  it('ends on loops and on chains as long as they like', () => {
    const loop = plain(['a', 0], ['a', 0], {
      a: ['ConditioningCombine', { conditioning_1: ['b', 0] }],
      b: ['ConditioningCombine', { conditioning_1: ['a', 0], conditioning_2: ['fox', 0] }],
      fox: encode('a fox'),
    });
    expect(loop?.prompt).toBe('a fox');
    const chain = Object.fromEntries(
      Array.from({ length: 9000 }, (_, i) => [
        `c${i}`,
        ['Pass', { conditioning: [`c${i + 1}`, 0] }] as [string, Inputs],
      ]),
    );
    // Too deep to follow; the fallback finds the words.
    expect(plain(['c0', 0], ['c0', 0], { ...chain, c9000: encode('a fox') })?.prompt).toBe('a fox');
  });

  it('reads Python’s NaN, and no other broken JSON', () => {
    const text =
      '{"1": {"class_type": "CLIPTextEncode", "inputs": {"text": "a NaN fox"}, "is_changed": [NaN, -Infinity]}}';
    expect(parseComfyUI(new Map([['prompt', text]]))?.prompt).toBe('a NaN fox');
    for (const broken of [
      '{',
      '[]',
      '"x"',
      'null',
      '[['.repeat(100_000),
      '{"1": {"class_type": "A", "inputs": null}}',
    ]) {
      expect(parseComfyUI(new Map([['prompt', broken]]))).toBeNull();
    }
  });
});

describe('parseComfyUI, the graph in the editor', () => {
  it('reads nodes with values in order and links by number', () => {
    const workflow = {
      nodes: [
        { id: 6, type: 'CLIPTextEncode', inputs: [{ name: 'clip', link: 3 }], widgets_values: ['a fox'] },
        { id: 7, type: 'CLIPTextEncode', inputs: [{ name: 'clip', link: 5 }], widgets_values: ['dull'] },
        { id: 20, type: 'CLIPTextEncode', mode: 2, widgets_values: ['muted, and longer than the others'] },
        {
          id: 3,
          type: 'KSampler',
          inputs: [
            { name: 'positive', link: 4 },
            { name: 'negative', link: 6 },
            { name: 'latent_image', link: 2 },
          ],
          widgets_values: [7, 'randomize', 20, 8, 'euler', 'normal', 1],
        },
        { id: 5, type: 'EmptyLatentImage', widgets_values: [512, 512, 1] },
        { id: 8, type: 'VAEDecode', inputs: [{ name: 'samples', link: 7 }] },
        { id: 9, type: 'SaveImage', inputs: [{ name: 'images', link: 9 }], widgets_values: ['ComfyUI'] },
      ],
      links: [
        [4, 6, 0, 3, 1, 'CONDITIONING'],
        [6, 7, 0, 3, 2, 'CONDITIONING'],
        [2, 5, 0, 3, 3, 'LATENT'],
        [7, 3, 0, 8, 0, 'LATENT'],
        { id: 9, origin_id: 8, origin_slot: 0, target_id: 9, target_slot: 0, type: 'IMAGE' },
      ],
    };
    const found = parseComfyUI(new Map([['workflow', JSON.stringify(workflow)]]));
    expect([found?.prompt, found?.negativePrompt]).toEqual(['a fox', 'dull']);
  });
});
