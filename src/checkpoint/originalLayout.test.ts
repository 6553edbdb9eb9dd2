import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type OriginalEntry, safetensorsHeader } from '../../e2e/diffusion/originalFiles.ts';
import { parseSchedulerConfig } from '../diffusion/parseSchedulerConfig.ts';
import { parseAutoencoderConfig } from '../graph/autoencoderConfig.ts';
import { autoencoderRecipes } from '../graph/autoencoderWeights.ts';
import { checkTensors } from '../graph/checkTensors.ts';
import { parseTextEncoderConfig } from '../graph/textEncoderConfig.ts';
import { textEncoderRecipes } from '../graph/textEncoderWeights.ts';
import { parseUnetConfig } from '../graph/unetConfig.ts';
import { unetRecipes } from '../graph/unetWeights.ts';
import type { ByteSource } from './byteSource.ts';
import { concat } from './handMadeFiles.ts';
import { type OriginalModel, type OriginalPartName, openOriginalLayout } from './originalLayout.ts';
import type { JsonObject } from './readJson.ts';

const fixture = (name: string) => readFileSync(new URL(`../../reference/fixtures/${name}`, import.meta.url));
const json = (name: string) => JSON.parse(fixture(name).toString());
/** reference/original_layout.py: what diffusers' own conversion makes of each tensor. */
const LAYOUTS: Record<string, OriginalEntry[]> = JSON.parse(gunzipSync(fixture('original_layout.json.gz')).toString());
const UNETS = json('unet_full_size.json');
const CODECS = json('codec_full_size.json');
const PUBLISHED: Record<string, Partial<Record<OriginalPartName, JsonObject>>> = {
  'sd-inpainting': {
    unet: UNETS['stable-diffusion-inpainting'].config,
    vae: CODECS['stable-diffusion-v1-5/vae'].config,
    text_encoder: CODECS['stable-diffusion-v1-5/text_encoder'].config,
  },
  'sdxl-inpainting': {
    unet: UNETS['stable-diffusion-xl-1.0-inpainting-0.1'].config,
    vae: CODECS['stable-diffusion-xl-base-1.0/vae'].config,
    text_encoder: CODECS['stable-diffusion-v1-5/text_encoder'].config,
    text_encoder_2: CODECS['stable-diffusion-xl-base-1.0/text_encoder_2'].config,
  },
};
const PARSERS: Record<OriginalPartName, (config: JsonObject) => unknown> = {
  unet: parseUnetConfig,
  vae: parseAutoencoderConfig,
  text_encoder: parseTextEncoderConfig,
  text_encoder_2: parseTextEncoderConfig,
};

type Shapes = Record<string, readonly number[]>;
const shapesOf = (layout: string): Shapes =>
  Object.fromEntries((LAYOUTS[layout] as OriginalEntry[]).map(([name, shape]) => [name, shape]));

/** A file with these tensors whose weights no one may read. */
function fileOf(shapes: Shapes, name = 'model.safetensors'): ByteSource {
  const tensors = Object.entries(shapes).map(([tensor, shape]) => ({ name: tensor, dtype: 'F16' as const, shape }));
  const header = safetensorsHeader(tensors);
  const bytes = tensors.reduce((sum, { shape }) => sum + 2 * shape.reduce((product, size) => product * size, 1), 0);
  return {
    name,
    size: header.length + bytes,
    async read(start, end) {
      if (end > Math.max(header.length, 64)) throw new Error(`Weights were read: ${start} to ${end}`);
      return concat(header, new Uint8Array(64)).slice(start, end);
    },
  };
}

const open = (shapes: Shapes) => openOriginalLayout(fileOf(shapes));
const only = (shapes: Shapes, test: (name: string) => boolean): Shapes =>
  Object.fromEntries(Object.entries(shapes).filter(([name]) => test(name)));

describe.each(Object.entries(PUBLISHED))('%s of full size', (layout, configs) => {
  const parts = Object.keys(configs) as OriginalPartName[];

  test('every name is that of the published part, in its shape, and nothing else is there', async () => {
    const model = await open(shapesOf(layout));
    const expected = new Map<string, readonly number[]>();
    for (const [, shape, how, published] of LAYOUTS[layout] as OriginalEntry[]) {
      const [rows = 0, ...columns] = shape;
      const own =
        how === 'rows' ? [rows / published.length, ...columns] : how === 'transposed' ? shape.toReversed() : shape;
      for (const name of published) expected.set(name, own);
    }
    const found = new Map<string, readonly number[]>();
    for (const part of parts) {
      for (const [name, tensor] of model.part(part).checkpoint.tensors) {
        expect(tensor.name).toBe(name);
        found.set(`${part}/${name}`, tensor.shape);
      }
    }
    expect(found.size).toBe(expected.size);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
  });

  test.each(parts)('the config of its %s, read off the shapes, means what the published one means', async (part) => {
    const { config } = (await open(shapesOf(layout))).part(part);
    expect(PARSERS[part](config)).toEqual(PARSERS[part](configs[part] as JsonObject));
    expect(config.sample_size).toBe(part === 'vae' && layout === 'sd-inpainting' ? 512 : configs[part]?.sample_size);
  });

  test('its scheduler is the one published beside it', async () => {
    const { schedulerConfig } = await open(shapesOf(layout));
    expect(parseSchedulerConfig(schedulerConfig)).toEqual(
      parseSchedulerConfig(json(`${layout}-tiny/scheduler/scheduler_config.json`)),
    );
  });

  test('all parts have what their recipes ask for, whatever lies beside them', async () => {
    const extras = ['model_ema.diffusion_modelinput_blocks00weight', 'model_ema.decay', 'alphas_cumprod', 'betas'];
    const inside = {
      'first_stage_model.loss.logvar': [],
      'cond_stage_model.logit_scale': [],
      'conditioner.embedders.1.model.logit_scale': [],
      'conditioner.embedders.0.transformer.text_projection.weight': [768, 768],
      'conditioner.embedders.0.transformer.text_model.embeddings.position_ids': [1, 77],
    };
    const wanted = layout === 'sd-inpainting' ? /^(first|cond)_/ : /^(first_|conditioner)/;
    const model = await open({
      ...shapesOf(layout),
      ...Object.fromEntries(extras.map((name) => [name, [1]])),
      ...only(inside, (name) => wanted.test(name)),
    });
    const recipes = {
      unet: (config: JsonObject) => unetRecipes(parseUnetConfig(config)),
      vae: (config: JsonObject) => autoencoderRecipes(parseAutoencoderConfig(config)),
      text_encoder: (config: JsonObject) => textEncoderRecipes(parseTextEncoderConfig(config)),
      text_encoder_2: (config: JsonObject) => textEncoderRecipes(parseTextEncoderConfig(config)),
    };
    for (const part of parts) {
      const { config, checkpoint } = model.part(part);
      expect(() => checkTensors(checkpoint, recipes[part](config)), part).not.toThrow();
    }
  });
});

describe('what programs write differently', () => {
  test('text encoders without text_model in their names', async () => {
    const shapes = Object.fromEntries(
      Object.entries(shapesOf('sd-inpainting')).map(([name, shape]) => [name.replace('.text_model.', '.'), shape]),
    );
    const { config, checkpoint } = (await open(shapes)).part('text_encoder');
    const usual = (await open(shapesOf('sd-inpainting'))).part('text_encoder');
    expect(config).toEqual(usual.config);
    expect([...checkpoint.tensors.keys()].sort()).toEqual([...usual.checkpoint.tensors.keys()].sort());
  });

  test('a model that predicts v says so by an empty tensor', async () => {
    const { schedulerConfig } = await open({ ...shapesOf('sdxl-inpainting'), v_pred: [0] });
    expect(schedulerConfig.prediction_type).toBe('v_prediction');
  });

  test('a projection that is not square', async () => {
    const shapes = {
      ...shapesOf('sdxl-inpainting'),
      'conditioner.embedders.1.model.text_projection': [1280, 1024],
      'model.diffusion_model.label_emb.0.0.weight': [1280, 1024 + 6 * 128],
    };
    const model = await open(shapes);
    expect(model.part('text_encoder_2').config.projection_dim).toBe(1024);
    expect(model.part('text_encoder_2').checkpoint.tensors.get('text_projection.weight')?.shape).toEqual([1024, 1280]);
    expect(model.part('unet').config.addition_time_embed_dim).toBe(128);
  });
});

describe('other files are refused by what they are', () => {
  const unet = (width: number): Shapes => ({
    ...shapesOf('sd-inpainting'),
    ...Object.fromEntries(
      Object.entries(shapesOf('sd-inpainting'))
        .filter(([name]) => /attn2\.to_[kv]\.weight$/.test(name))
        .map(([name, [rows = 0]]) => [name, [rows, width]]),
    ),
  });
  test.each<[string, Shapes, RegExp]>([
    ['a LoRA', { 'lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight': [4, 4], x: [1] }, /is a LoRA/],
    ['a LyCORIS', { 'unet_down.hada_w1_a': [4, 4] }, /is a LoRA/],
    ['a ControlNet', { 'control_model.time_embed.0.weight': [4, 4] }, /is a ControlNet/],
    [
      'Stable Diffusion 3',
      { 'model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight': [4, 4] },
      /is Stable Diffusion 3/,
    ],
    ['Flux', { 'double_blocks.0.img_attn.norm.key_norm.scale': [4] }, /is Flux/],
    [
      'Stable Diffusion 2',
      { ...shapesOf('sd-inpainting'), 'cond_stage_model.model.positional_embedding': [77, 1024] },
      /is Stable Diffusion 2/,
    ],
    ['the UNet of Stable Diffusion 2', only(unet(1024), (name) => name.startsWith('model.')), /is Stable Diffusion 2/],
    ['the refiner', { 'conditioner.embedders.0.model.text_projection': [4, 4] }, /refiner/],
    ['an embedding', { emb_params: [4, 4] }, /is a textual inversion/],
    ['a VAE', { 'decoder.conv_in.weight': [4, 4, 3, 3], 'encoder.conv_in.weight': [4, 3, 3, 3] }, /is a VAE alone/],
    ['a part of a folder', { 'down_blocks.0.resnets.0.conv1.weight': [4, 4, 3, 3] }, /diffusers' layout.*config\.json/],
    ['a model without sampler', { ...shapesOf('sdxl-inpainting'), ztsnr: [0] }, /ztsnr/],
    ['something else', { 'a.weight': [1], b: [1] }, /no checkpoint in the original layout.*"a\.weight", "b"/],
  ])('%s', async (_, shapes, message) => {
    const refused = open(shapes).then((model) => model.part('unet'));
    await expect(refused).rejects.toMatchObject({
      name: 'UnsupportedModelError',
      message: expect.stringMatching(message),
    });
    await expect(refused).rejects.toThrow(/^Cannot load "model\.safetensors": /);
  });

  test.each<[OriginalPartName, string]>([
    ['vae', 'first_stage_model.'],
    ['text_encoder', 'cond_stage_model.'],
    ['unet', 'model.diffusion_model.'],
  ])('a file pruned of its %s says what is missing and what to do', async (part, prefix) => {
    const model: OriginalModel = await open(only(shapesOf('sd-inpainting'), (name) => !name.startsWith(prefix)));
    expect(() => model.part(part)).toThrow(
      expect.objectContaining({
        name: 'CheckpointError',
        message: expect.stringMatching(new RegExp(`it has no .*"${prefix}.*the folder "${part}" .* beside it`)),
      }),
    );
  });

  test('a part that lacks what its shape is read off names the tensor as the file does', async () => {
    const model = await open(
      only(shapesOf('sd-inpainting'), (name) => name !== 'first_stage_model.encoder.conv_in.weight'),
    );
    expect(() => model.part('vae')).toThrow(/tensor "first_stage_model\.encoder\.conv_in\.weight" is missing/);
  });
});
