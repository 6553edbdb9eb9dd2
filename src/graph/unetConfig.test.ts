import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../checkpoint/readJson.ts';
import { parseUnetConfig } from './unetConfig.ts';

const read = (path: string) =>
  JSON.parse(readFileSync(new URL(`../../reference/fixtures/${path}`, import.meta.url), 'utf8'));
const FULL: Record<string, { config: JsonObject }> = read('unet_full_size.json');
const SD = FULL['stable-diffusion-inpainting']?.config as JsonObject;
const SDXL = FULL['stable-diffusion-xl-1.0-inpainting-0.1']?.config as JsonObject;

describe('parseUnetConfig', () => {
  it('reads Stable Diffusion 1.5, whose attention_head_dim is the number of heads', () => {
    const { levels, ...config } = parseUnetConfig(SD);
    expect(levels.map(({ channels }) => channels)).toEqual([320, 640, 1280, 1280]);
    expect(levels.map(({ heads }) => heads)).toEqual([8, 8, 8, 8]);
    expect(levels.map(({ downTransformers, upTransformers }) => [downTransformers, upTransformers])).toEqual([
      [1, 1],
      [1, 1],
      [1, 1],
      [0, 0],
    ]);
    expect(config).toEqual({
      inChannels: 9,
      outChannels: 4,
      midTransformers: 1,
      crossWidth: 768,
      normGroups: 32,
      normEpsilon: 1e-5,
      downsamplePadding: 1,
      linearProjection: false,
      cosinesFirst: true,
      frequencyShift: 0,
      addedEmbedding: null,
      upcastAttention: false,
    });
  });

  it('reads SDXL', () => {
    const config = parseUnetConfig(SDXL);
    expect(config.levels).toEqual([
      { channels: 320, layers: 2, heads: 5, downTransformers: 0, upTransformers: 0 },
      { channels: 640, layers: 2, heads: 10, downTransformers: 2, upTransformers: 2 },
      { channels: 1280, layers: 2, heads: 20, downTransformers: 10, upTransformers: 10 },
    ]);
    expect(config).toMatchObject({ midTransformers: 10, crossWidth: 2048, linearProjection: true });
    expect(config.addedEmbedding).toEqual({ sizeDim: 256, pooledWidth: 1280 });
  });

  it('takes diffusers own defaults for what is left out', () => {
    expect(parseUnetConfig({ _class_name: 'UNet2DConditionModel', cross_attention_dim: 768, in_channels: 9 })).toEqual(
      parseUnetConfig(SD),
    );
  });

  it.each<JsonObject>([
    { _class_name: 'UNet2DModel' },
    { center_input_sample: true },
    { in_channels: 8 },
    { out_channels: 3 },
    { mid_block_type: 'UNetMidBlock2D' },
    { mid_block_type: null },
    { down_block_types: ['AttnDownBlock2D', 'DownBlock2D', 'DownBlock2D', 'DownBlock2D'] },
    { up_block_types: ['SkipUpBlock2D', 'UpBlock2D', 'UpBlock2D', 'UpBlock2D'] },
    { only_cross_attention: true },
    { mid_block_scale_factor: 2 },
    { act_fn: 'gelu' },
    { cross_attention_dim: [768, 768, 768, 1024] },
    { transformer_layers_per_block: [[1], [1], [1], [1]] },
    { reverse_transformer_layers_per_block: [[1]] },
    { encoder_hid_dim_type: 'text_proj' },
    { num_attention_heads: 8 },
    { dual_cross_attention: true },
    { class_embed_type: 'timestep' },
    { addition_embed_type: 'text' },
    { num_class_embeds: 10 },
    { resnet_time_scale_shift: 'scale_shift' },
    { resnet_skip_time_act: true },
    { resnet_out_scale_factor: 1.4 },
    { time_embedding_type: 'fourier' },
    { time_embedding_act_fn: 'gelu' },
    { timestep_post_act: 'silu' },
    { time_cond_proj_dim: 256 },
    { conv_in_kernel: 1 },
    { conv_out_kernel: 1 },
    { attention_type: 'gated' },
    { class_embeddings_concat: true },
    { cross_attention_norm: 'group_norm' },
    { mid_block_only_cross_attention: true },
    { a_member_of_tomorrow: 1 },
  ])('refuses %j, naming it', (change) => {
    const [member = ''] = Object.keys(change);
    const parse = () => parseUnetConfig({ ...SD, ...change });
    expect(parse).toThrow(expect.objectContaining({ name: 'UnsupportedModelError' }));
    expect(parse).toThrow(`Cannot load "unet/config.json": ${member} is ${JSON.stringify(change[member])}, `);
  });

  it.each<JsonObject>([
    { block_out_channels: [320, 640, 1280] },
    { block_out_channels: [320, 640, 1280, 1285] },
    { attention_head_dim: 7 },
    { layers_per_block: 0 },
    { norm_num_groups: null },
    { norm_eps: 0 },
    { up_block_types: ['UpBlock2D'] },
    { cross_attention_dim: '768' },
    { downsample_padding: 2 },
    { use_linear_projection: 'yes' },
    { addition_embed_type: 'text_time', addition_time_embed_dim: 256, projection_class_embeddings_input_dim: 1000 },
  ])('refuses what no UNet can have: %j', (change) => {
    expect(() => parseUnetConfig({ ...SD, ...change })).toThrow(expect.objectContaining({ name: 'CheckpointError' }));
  });

  it('leaves members of a class that derives from it to its own parser', () => {
    const derived = { ...SD, use_image_cross_attention: true };
    expect(() => parseUnetConfig(derived)).toThrow('use_image_cross_attention');
    expect(parseUnetConfig(derived, { derived: ['use_image_cross_attention'] })).toEqual(parseUnetConfig(SD));
  });
});
