import { describe, expect, it } from 'vitest';
import { MAX_JSON_SEPARATORS } from '../../jsonBounds.ts';
import { parseBoundedJson } from './boundedJson.ts';
import type { MetadataText } from './generationMetadata.ts';
import { generatorKeyword, parseGeneration } from './parseGeneration.ts';

/** Reads texts given as keyword and text or JSON. */
function parse(texts: Record<string, unknown>) {
  return parseGeneration(
    Object.entries(texts).map(
      ([keyword, value]): MetadataText => ({
        keyword,
        text: typeof value === 'string' ? value : JSON.stringify(value),
      }),
    ),
  );
}

describe('InvokeAI', () => {
  it('reads version 3 and later', () => {
    const metadata = {
      app_version: '4.2.9',
      generation_mode: 'sdxl_txt2img',
      positive_prompt: 'a fox',
      negative_prompt: 'dull',
      positive_style_prompt: 'ink',
      negative_style_prompt: '',
      width: 1024,
      seed: 5,
      model: { name: 'juggernaut', base: 'sdxl' },
    };
    expect(parse({ invokeai_metadata: metadata, invokeai_graph: { nodes: {} } })).toEqual({
      source: 'InvokeAI',
      prompt: 'a fox, ink',
      negativePrompt: 'dull',
      settings: {
        app_version: '4.2.9',
        generation_mode: 'sdxl_txt2img',
        width: '1024',
        seed: '5',
        model: '{"name":"juggernaut","base":"sdxl"}',
      },
    });
  });

  it('reads version 2, whose prompt is a list and holds the negative one', () => {
    const metadata = {
      model: 'stable diffusion',
      model_weights: 'sd-1.5',
      image: { prompt: [{ prompt: 'a fox [dull, flat] in snow', weight: 1 }], steps: 50, seed: 3 },
    };
    expect(parse({ 'sd-metadata': metadata })).toEqual({
      source: 'InvokeAI',
      prompt: 'a fox in snow',
      negativePrompt: 'dull, flat',
      settings: { model: 'sd-1.5', steps: '50', seed: '3' },
    });
  });

  it('reads version 1, a command line', () => {
    expect(parse({ Dream: '"a \\"red\\" fox, 3-legged [dull]" -s 50 -S 123 -W512 -H 512 -C 7.5 -A k_lms' })).toEqual({
      source: 'InvokeAI',
      prompt: 'a "red" fox, 3-legged',
      negativePrompt: 'dull',
      settings: { steps: '50', seed: '123', width: '512', height: '512', cfg_scale: '7.5', sampler: 'k_lms' },
    });
  });
});

describe('NovelAI', () => {
  it('reads version 3 and before', () => {
    const comment = {
      steps: 28,
      sampler: 'k_euler',
      seed: 1,
      uc: 'lowres',
      prompt: '1girl, fox ears',
      signed_hash: 'x',
    };
    expect(
      parse({
        Title: 'AI generated image',
        Description: '1girl, fox ears',
        Software: 'NovelAI',
        Source: 'SDXL C1E1',
        Comment: comment,
      }),
    ).toEqual({
      source: 'NovelAI',
      prompt: '1girl, fox ears',
      negativePrompt: 'lowres',
      settings: { Source: 'SDXL C1E1', steps: '28', sampler: 'k_euler', seed: '1' },
    });
  });

  it('reads version 4, with a caption for each character', () => {
    const caption = (base_caption: string, ...parts: string[]) => ({
      caption: {
        base_caption,
        char_captions: parts.map((char_caption) => ({ char_caption, centers: [{ x: 0.5, y: 0.5 }] })),
      },
      use_coords: false,
    });
    const comment = {
      prompt: 'two foxes',
      uc: 'x',
      v4_prompt: caption('two foxes', 'red fox', 'white fox'),
      v4_negative_prompt: caption('lowres', '', 'black'),
    };
    expect(parse({ Software: 'NovelAI', Comment: comment })).toMatchObject({
      prompt: 'two foxes, red fox, white fox',
      negativePrompt: 'lowres, black',
    });
  });

  it('falls back to the description where the comment is broken', () => {
    expect(parse({ Software: 'NovelAI', Description: 'a fox', Comment: '{"prompt": ' })).toMatchObject({
      prompt: 'a fox',
    });
  });
});

describe('Fooocus', () => {
  const metadata = {
    prompt: 'a fox',
    negative_prompt: 'dull',
    full_prompt: ['cinematic still a fox . emotional', 'a fox, wonderful'],
    full_negative_prompt: ['anime'],
    styles: "['Fooocus V2']",
    base_model: 'juggernautXL',
    seed: '5',
    version: 'Fooocus v2.5.5',
  };

  it('reads its own scheme: the prompt as typed', () => {
    expect(parse({ parameters: metadata, fooocus_scheme: 'fooocus' })).toEqual({
      source: 'Fooocus',
      prompt: 'a fox',
      negativePrompt: 'dull',
      settings: { styles: "['Fooocus V2']", base_model: 'juggernautXL', seed: '5', version: 'Fooocus v2.5.5' },
    });
  });

  it('knows it without the scheme, and in its log’s form', () => {
    expect(parse({ parameters: metadata })?.source).toBe('Fooocus');
    expect(
      parse({ parameters: { Prompt: 'a fox', 'Negative Prompt': 'x', 'Fooocus V2 Expansion': 'y' } }),
    ).toMatchObject({
      source: 'Fooocus',
      prompt: 'a fox',
      negativePrompt: 'x',
    });
  });

  it('reads its A1111 scheme', () => {
    const text = 'a fox\nNegative prompt: dull\nSteps: 30, Sampler: DPM++ 2M SDE, Seed: 5, Version: Fooocus v2.5.5';
    expect(parse({ parameters: text, fooocus_scheme: 'a1111' })).toMatchObject({ source: 'Fooocus', prompt: 'a fox' });
  });
});

describe('others and mixtures', () => {
  const graph = {
    6: { class_type: 'CLIPTextEncode', inputs: { text: '__animal__' } },
    3: { class_type: 'KSampler', inputs: { positive: ['6', 0], negative: ['6', 0], latent_image: ['5', 0] } },
  };

  it('prefers A1111’s text that a ComfyUI node saved beside the graph', () => {
    expect(parse({ prompt: graph, parameters: 'a fox\nSteps: 20, Sampler: euler, Seed: 1' })).toMatchObject({
      source: 'ComfyUI',
      prompt: 'a fox',
    });
  });

  it('reads Civitai’s EXIF comment: ComfyUI’s graph in one JSON', () => {
    expect(parse({ 'exif:UserComment': { prompt: graph, workflow: {} } })).toMatchObject({
      source: 'ComfyUI',
      prompt: '__animal__',
    });
    expect(parse({ 'exif:UserComment': { ...graph, extraMetadata: '{}' } })).toMatchObject({ source: 'ComfyUI' });
  });

  it('reads SwarmUI, Draw Things and Midjourney', () => {
    expect(parse({ parameters: { sui_image_params: { prompt: 'a fox', negativeprompt: 'dull', seed: 2 } } })).toEqual({
      source: 'unknown',
      prompt: 'a fox',
      negativePrompt: 'dull',
      settings: { seed: '2' },
    });
    expect(parse({ 'xmp:UserComment': { c: 'a fox', uc: '', steps: 8 } })).toMatchObject({
      source: 'unknown',
      prompt: 'a fox',
    });
    const description = 'a fox in snow, ink --ar 16:9 --v 6 Job ID: 0b1c2d3e-0000-4000-8000-0123456789ab';
    expect(parse({ Description: description })).toMatchObject({
      prompt: 'a fox in snow, ink',
      settings: { Parameters: '--ar 16:9 --v 6' },
    });
  });

  it('reads a plain prompt', () => {
    expect(parse({ prompt: 'a fox' })).toEqual({ source: 'unknown', prompt: 'a fox', settings: {} });
  });

  it('takes nothing else for a prompt', () => {
    const others = {
      Title: 'My fox',
      Description: 'A fox I met',
      'exif:Make': 'Canon',
      'xmp:CreatorTool': 'GIMP',
      Comment: 'CREATOR: gd',
    };
    expect(parse(others)).toBeNull();
    expect(generatorKeyword(Object.entries(others).map(([keyword, text]) => ({ keyword, text })))).toBeNull();
  });

  it('is not led astray by prototypes, deep nesting and millions of values', () => {
    expect(parse({ parameters: '{"__proto__": {"prompt": "x"}}' })).toBeNull();
    expect(parse({ parameters: `${'{"prompt":'.repeat(5000)}"x"${'}'.repeat(5000)}` })).toBeNull();
    const many = JSON.stringify(Array.from({ length: MAX_JSON_SEPARATORS + 2 }, () => []));
    expect(parseBoundedJson(many)).toBeUndefined();
    expect(parseBoundedJson(many.replace(',[],[],[]', ''))).toHaveLength(MAX_JSON_SEPARATORS - 1);
    expect(parse({ invokeai_metadata: '[]', 'sd-metadata': '3', Dream: '-s 5', Comment: '{"uc":1}' })).toBeNull();
  });
});
