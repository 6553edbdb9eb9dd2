import type { JsonObject } from '../checkpoint/readJson.ts';
import { ConfigMembers } from './configMembers.ts';

/** What a diffusers AutoencoderKL's `config.json` says. */
export interface AutoencoderConfig {
  /** Channels of every level, the finest first; each level after the first halves the image. */
  readonly channels: readonly number[];
  /** Residual blocks of a level of the encoder; the decoder's have one more. */
  readonly layersPerBlock: number;
  /** Of group normalisation. */
  readonly groups: number;
  readonly latentChannels: number;
  /** A denoiser sees `(latents − shift) · scaling`. */
  readonly scalingFactor: number;
  readonly shiftFactor: number;
  /** Whether half precision overflows: then weights and activations are float32 in every precision. */
  readonly forceUpcast: boolean;
  /** Whether there is a 1×1 convolution after the encoder, and one before the decoder. */
  readonly quantConv: boolean;
  readonly postQuantConv: boolean;
  /** Whether the middle attends. */
  readonly midAttention: boolean;
}

/** Bounds on an untrusted config. The largest published autoencoders have 512 channels, 4 levels and 16 latent channels. */
const MAX_CHANNELS = 4096;
const MAX_LAYERS = 16;
const MAX_LATENT_CHANNELS = 128;

/**
 * Reads the `config.json` of an AutoencoderKL: Stable Diffusion 1's and XL's, and others of the class. Members that early
 * files leave out have diffusers' defaults, but for `force_upcast`: diffusers' default is true, which only the pipelines of XL
 * read, and whose published files say it; the early files are of Stable Diffusion 1, which runs in half precision.
 * @param file as errors name it
 * @throws {UserError} `UnsupportedModelError` for another class or a setting we do not compile; `CheckpointError` for values
 *   that cannot be
 */
export function parseAutoencoderConfig(json: JsonObject, file = 'vae/config.json'): AutoencoderConfig {
  const members = new ConfigMembers(json, file);
  members.oneOf('_class_name', ['AutoencoderKL'], 'AutoencoderKL');
  members.require({ act_fn: 'silu', in_channels: 3, out_channels: 3, latents_mean: null, latents_std: null });
  members.ignore('sample_size');

  const down = members.listOf('down_block_types', ['DownEncoderBlock2D'], ['DownEncoderBlock2D']);
  const up = members.listOf('up_block_types', ['UpDecoderBlock2D'], ['UpDecoderBlock2D']);
  const count = down.length;
  if (up.length !== count) throw members.invalid('up_block_types', `${count}, as many as down_block_types`);
  const channels = members.wholeNumbers('block_out_channels', { defaultValue: 64, max: MAX_CHANNELS, count });
  const groups = members.wholeNumber('norm_num_groups', { defaultValue: 32, max: MAX_CHANNELS });
  if (channels.some((width) => width % groups !== 0)) {
    throw members.invalid('norm_num_groups', `a number that divides ${channels.join(', ')}`);
  }
  const config: AutoencoderConfig = {
    channels,
    groups,
    layersPerBlock: members.wholeNumber('layers_per_block', { defaultValue: 1, max: MAX_LAYERS }),
    latentChannels: members.wholeNumber('latent_channels', { defaultValue: 4, max: MAX_LATENT_CHANNELS }),
    scalingFactor: members.number('scaling_factor', { defaultValue: 0.18215, min: 0, max: 1000 }),
    // What diffusers writes today for models without one.
    shiftFactor:
      members.value('shift_factor') === null
        ? 0
        : members.number('shift_factor', { defaultValue: 0, min: -1000, max: 1000 }),
    forceUpcast: members.flag('force_upcast', false),
    quantConv: members.flag('use_quant_conv', true),
    postQuantConv: members.flag('use_post_quant_conv', true),
    midAttention: members.flag('mid_block_add_attention', true),
  };
  members.refuseOthers();
  return config;
}

/** Pixels per latent, along one side. */
export function autoencoderDownscale({ channels }: AutoencoderConfig): number {
  return 2 ** (channels.length - 1);
}
