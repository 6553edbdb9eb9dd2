import type { JsonObject } from '../checkpoint/readJson.ts';
import { ConfigMembers } from './configMembers.ts';

/** One resolution of a UNet, from the largest image (0) down. */
export interface UnetLevel {
  readonly channels: number;
  /** Residual blocks on the way down; there is one more on the way up. */
  readonly layers: number;
  readonly heads: number;
  /** Transformer blocks after every residual block on the way down and up; 0: a level without attention. */
  readonly downTransformers: number;
  readonly upTransformers: number;
}

/** What SDXL adds to the time embedding (diffusers' `text_time`): the pooled text and sizes in pixels. */
export interface AddedEmbedding {
  /** Length of the sinusoids of each of the six sizes. */
  readonly sizeDim: number;
  /** Length of the pooled text embedding. */
  readonly pooledWidth: number;
}

/** What the encoder half of a UNet consists of; a ControlNet has the same. */
export interface UnetTrunkConfig {
  /** 4; 9 where the mask and the masked image's latents follow the noisy latents (inpainting). */
  readonly inChannels: number;
  readonly levels: readonly UnetLevel[];
  /** Transformer blocks of the middle block. */
  readonly midTransformers: number;
  /** Width of the text's token embeddings. */
  readonly crossWidth: number;
  readonly normGroups: number;
  readonly normEpsilon: number;
  /** Zeros around the image where it is halved; 0: one row below and one column on the right. */
  readonly downsamplePadding: 0 | 1;
  /** Whether the projections around a transformer are linear layers or 1×1 convolutions; only the files differ. */
  readonly linearProjection: boolean;
  /** diffusers' `flip_sin_to_cos` and `freq_shift`. */
  readonly cosinesFirst: boolean;
  readonly frequencyShift: number;
  readonly addedEmbedding: AddedEmbedding | null;
  /** Attention has to be computed in float32. */
  readonly upcastAttention: boolean;
}

/** What a UNet2DConditionModel's `config.json` says. */
export interface UnetConfig extends UnetTrunkConfig {
  readonly outChannels: number;
}

/** Bounds that keep an untrusted config from asking for absurd graphs; the largest published one stays below half of each. */
const MAX_CHANNELS = 8192;
const MAX_LEVELS = 8;
const MAX_LAYERS = 16;
const MAX_TRANSFORMERS = 64;
const MAX_HEADS = 256;
/** Original and target size and the crop's corner, two numbers each. */
export const TIME_IDS = 6;
/** The feed-forward network of a transformer block is this many times as wide as its stream. */
export const FEED_FORWARD_FACTOR = 4;

const DEFAULT_CHANNELS = [320, 640, 1280, 1280];
const DOWN_BLOCKS = ['CrossAttnDownBlock2D', 'DownBlock2D'] as const;
const UP_BLOCKS = ['UpBlock2D', 'CrossAttnUpBlock2D'] as const;

/**
 * Reads the `config.json` of a diffusers UNet2DConditionModel.
 * @param derived members that a class derived from it adds and its own parser reads
 * @throws {UserError} `UnsupportedModelError` naming the member for another kind of model or a setting that changes what is
 *   computed in a way we do not compile; `CheckpointError` for values no UNet can have
 */
export function parseUnetConfig(
  json: JsonObject,
  { file = 'unet/config.json', derived = [] }: { file?: string; derived?: readonly string[] } = {},
): UnetConfig {
  const members = new ConfigMembers(json, file);
  members.require({ _class_name: 'UNet2DConditionModel' });
  const trunk = parseTrunk(members);
  const depth = trunk.levels.length;
  const up = members.listOf(
    'up_block_types',
    UP_BLOCKS,
    [...Array(3).fill('CrossAttnUpBlock2D'), 'UpBlock2D'].reverse(),
  );
  if (up.length !== depth) throw members.invalid('up_block_types', `${depth} of them, as down_block_types has`);
  const config: UnetConfig = {
    ...trunk,
    levels: trunk.levels.map((level, i) => ({
      ...level,
      upTransformers: up[depth - 1 - i] === 'UpBlock2D' ? 0 : level.upTransformers,
    })),
    inChannels: members.wholeNumber('in_channels', { defaultValue: 4, max: 9 }),
    outChannels: members.wholeNumber('out_channels', { defaultValue: 4, max: 4 }),
  };
  if (config.inChannels !== 4 && config.inChannels !== 9) throw members.unsupported('in_channels', [4, 9]);
  if (config.outChannels !== 4) throw members.unsupported('out_channels', [4]);
  members.require({
    center_input_sample: false,
    conv_out_kernel: 3,
    reverse_transformer_layers_per_block: null,
    resnet_out_scale_factor: 1,
    resnet_skip_time_act: false,
    time_embedding_act_fn: null,
    timestep_post_act: null,
    time_cond_proj_dim: null,
    time_embedding_dim: null,
    time_embedding_type: 'positional',
    dual_cross_attention: false,
    mid_block_only_cross_attention: null,
    cross_attention_norm: null,
    attention_type: 'default',
    class_embeddings_concat: false,
  });
  members.ignore(...derived);
  members.refuseOthers();
  return config;
}

/**
 * The members that a UNet2DConditionModel and a ControlNetModel share. `upTransformers` is what the level would have on the
 * way up if it had attention there, and `inChannels` is 4: what else there is, the caller reads.
 * @throws {UserError} as {@link parseUnetConfig}
 */
export function parseTrunk(members: ConfigMembers): UnetTrunkConfig {
  const down = members.listOf('down_block_types', DOWN_BLOCKS, [
    ...Array(3).fill('CrossAttnDownBlock2D'),
    'DownBlock2D',
  ]);
  const count = down.length;
  if (count > MAX_LEVELS) throw members.invalid('down_block_types', `at most ${MAX_LEVELS} of them`);
  const channels = members.value('block_out_channels');
  const listed = channels ?? DEFAULT_CHANNELS;
  if (!Array.isArray(listed) || listed.length !== count) {
    throw members.invalid('block_out_channels', `${count} of them, as down_block_types has`);
  }
  const perLevel = (member: string, options: { defaultValue?: number; max: number }) =>
    members.wholeNumbers(member, { ...options, count });
  const widths = channels === undefined ? DEFAULT_CHANNELS : perLevel('block_out_channels', { max: MAX_CHANNELS });
  const layers = perLevel('layers_per_block', { max: MAX_LAYERS, defaultValue: 2 });
  // diffusers took this member for the number of heads by mistake, and every published file is written so.
  const heads = perLevel('attention_head_dim', { max: MAX_HEADS, defaultValue: 8 });
  if (Array.isArray(members.value('transformer_layers_per_block'))) {
    // A list of lists has its own rules for the way up.
    const lists = members.value('transformer_layers_per_block') as unknown[];
    if (lists.some(Array.isArray)) throw members.unsupported('transformer_layers_per_block', ['one number per level']);
  }
  const transformers = perLevel('transformer_layers_per_block', { max: MAX_TRANSFORMERS, defaultValue: 1 });
  const crossWidths = perLevel('cross_attention_dim', { max: MAX_CHANNELS, defaultValue: 1280 });
  const crossWidth = crossWidths[0] as number;
  if (crossWidths.some((width) => width !== crossWidth)) {
    throw members.unsupported('cross_attention_dim', ['one width for all levels']);
  }
  const normGroups = members.wholeNumber('norm_num_groups', { defaultValue: 32, max: MAX_CHANNELS });
  widths.forEach((width, i) => {
    if (width % normGroups !== 0) throw members.invalid('norm_num_groups', `a divisor of the ${width} channels`);
    if (width % (heads[i] as number) !== 0) {
      throw members.invalid('attention_head_dim', `a number of heads that divides the ${width} channels`);
    }
  });
  const levels = widths.map((width, i): UnetLevel => {
    const blocks = transformers[i] as number;
    return {
      channels: width,
      layers: layers[i] as number,
      heads: heads[i] as number,
      downTransformers: down[i] === 'DownBlock2D' ? 0 : blocks,
      upTransformers: blocks,
    };
  });
  const padding = members.wholeNumber('downsample_padding', { defaultValue: 1, min: 0, max: 1 });
  members.require({
    mid_block_type: 'UNetMidBlock2DCrossAttn',
    act_fn: 'silu',
    mid_block_scale_factor: 1,
    only_cross_attention: false,
    encoder_hid_dim: null,
    encoder_hid_dim_type: null,
    num_attention_heads: null,
    class_embed_type: null,
    num_class_embeds: null,
    resnet_time_scale_shift: 'default',
    conv_in_kernel: 3,
  });
  // Size of training images, dropout, heads of an embedding that we do not have, and what averaging weights over
  // training left in published files: no part of what is computed.
  members.ignore('sample_size', 'dropout', 'addition_embed_type_num_heads');
  members.ignore(
    'decay',
    'inv_gamma',
    'min_decay',
    'optimization_step',
    'power',
    'update_after_step',
    'use_ema_warmup',
  );
  return {
    inChannels: 4,
    levels,
    midTransformers: transformers.at(-1) as number,
    crossWidth,
    normGroups,
    normEpsilon: members.number('norm_eps', { defaultValue: 1e-5, min: 0, max: 1 }),
    downsamplePadding: padding === 0 ? 0 : 1,
    linearProjection: members.flag('use_linear_projection', false),
    cosinesFirst: members.flag('flip_sin_to_cos', true),
    frequencyShift: members.wholeNumber('freq_shift', { defaultValue: 0, min: 0, max: 1 }),
    addedEmbedding: parseAddedEmbedding(members),
    upcastAttention: members.flag('upcast_attention', false),
  };
}

function parseAddedEmbedding(members: ConfigMembers): AddedEmbedding | null {
  if ((members.value('addition_embed_type') ?? null) === null) {
    members.ignore('addition_time_embed_dim', 'projection_class_embeddings_input_dim');
    return null;
  }
  members.require({ addition_embed_type: 'text_time' });
  const sizeDim = members.wholeNumber('addition_time_embed_dim', { max: MAX_CHANNELS });
  if (sizeDim % 2 !== 0) throw members.invalid('addition_time_embed_dim', 'an even number');
  const width = members.wholeNumber('projection_class_embeddings_input_dim', { max: MAX_LEVELS * MAX_CHANNELS });
  const pooledWidth = width - TIME_IDS * sizeDim;
  if (pooledWidth < 1) {
    throw members.invalid('projection_class_embeddings_input_dim', `more than ${TIME_IDS} · addition_time_embed_dim`);
  }
  return { sizeDim, pooledWidth };
}
