import { describe, expect, it } from 'vitest';
import { autoencoderDownscale, parseAutoencoderConfig } from './autoencoderConfig.ts';

/** As Stable Diffusion 1.5 has it. */
const EARLY = {
  _class_name: 'AutoencoderKL',
  _diffusers_version: '0.6.0',
  act_fn: 'silu',
  block_out_channels: [128, 256, 512, 512],
  down_block_types: new Array(4).fill('DownEncoderBlock2D'),
  in_channels: 3,
  latent_channels: 4,
  layers_per_block: 2,
  norm_num_groups: 32,
  out_channels: 3,
  sample_size: 256,
  up_block_types: new Array(4).fill('UpDecoderBlock2D'),
};

describe('parseAutoencoderConfig', () => {
  it('fills in what early files leave out; they run in halves', () => {
    const config = parseAutoencoderConfig(EARLY);
    expect(config).toEqual({
      channels: [128, 256, 512, 512],
      layersPerBlock: 2,
      groups: 32,
      latentChannels: 4,
      scalingFactor: 0.18215,
      shiftFactor: 0,
      forceUpcast: false,
      quantConv: true,
      postQuantConv: true,
      midAttention: true,
    });
    expect(autoencoderDownscale(config)).toBe(8);
  });

  it('takes a missing shift for none, as diffusers writes it today', () => {
    expect(parseAutoencoderConfig({ ...EARLY, shift_factor: null }).shiftFactor).toBe(0);
  });

  it('takes what later files say', () => {
    const later = {
      force_upcast: true,
      latents_mean: null,
      latents_std: null,
      latent_channels: 16,
      mid_block_add_attention: false,
      scaling_factor: 0.3611,
      shift_factor: 0.1159,
      use_quant_conv: false,
      use_post_quant_conv: false,
    };
    expect(parseAutoencoderConfig({ ...EARLY, ...later })).toMatchObject({
      forceUpcast: true,
      latentChannels: 16,
      midAttention: false,
      scalingFactor: 0.3611,
      shiftFactor: 0.1159,
      quantConv: false,
      postQuantConv: false,
    });
  });

  it.each([
    [{ _class_name: 'AutoencoderTiny' }, '_class_name is "AutoencoderTiny", expected "AutoencoderKL"'],
    [{ act_fn: 'relu' }, 'act_fn is "relu", expected "silu"'],
    [{ in_channels: 4 }, 'in_channels is 4, expected 3'],
    [{ latents_mean: [0, 0, 0, 0] }, 'latents_mean is [0,0,0,0]'],
    [{ down_block_types: ['AttnDownEncoderBlock2D'] }, 'down_block_types is ["AttnDownEncoderBlock2D"]'],
    [{ spatial_norm: true }, 'spatial_norm is true'],
  ])('says why %o is not supported', (change, reason) => {
    expect(() => parseAutoencoderConfig({ ...EARLY, ...change })).toThrow(
      expect.objectContaining({ name: 'UnsupportedModelError', message: expect.stringContaining(reason) }),
    );
  });

  it.each([
    [{ block_out_channels: [128, 256] }, 'block_out_channels is [128,256]'],
    [{ up_block_types: ['UpDecoderBlock2D'] }, 'up_block_types is ["UpDecoderBlock2D"]'],
    [{ norm_num_groups: 48 }, 'norm_num_groups is 48, expected a number that divides 128, 256, 512, 512'],
    [{ scaling_factor: 0 }, 'scaling_factor is 0'],
    [{ force_upcast: 'yes' }, 'force_upcast is "yes"'],
  ])('says what is wrong with %o', (change, reason) => {
    expect(() => parseAutoencoderConfig({ ...EARLY, ...change })).toThrow(
      expect.objectContaining({ name: 'CheckpointError', message: expect.stringContaining(reason) }),
    );
  });
});
