import type { AutoencoderConfig } from './autoencoderConfig.ts';
import { conv, norm } from './diffusersRecipes.ts';
import { linearRecipes } from './layerRecipes.ts';
import { type RecipeSource, type WeightRecipe, withAliases } from './weightRecipe.ts';

/** Which half of the autoencoder. */
export type AutoencoderHalf = 'encoder' | 'decoder';

/** One residual block: its name in diffusers and its channels. */
export interface ResnetShape {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
}

/** One level of a half: residual blocks and, but for the last, a convolution that changes the size after them. */
export interface AutoencoderLevel {
  /** As diffusers calls it: `encoder.down_blocks.0`. */
  readonly name: string;
  readonly resnets: readonly ResnetShape[];
  readonly channels: number;
  /** Name of the convolution that halves or follows doubling; null in the last level. */
  readonly resize: string | null;
}

/** The levels of a half in the order they are computed. */
export function autoencoderLevels(config: AutoencoderConfig, half: AutoencoderHalf): AutoencoderLevel[] {
  const isEncoder = half === 'encoder';
  const widths = isEncoder ? config.channels : config.channels.toReversed();
  const count = config.layersPerBlock + (isEncoder ? 0 : 1);
  return widths.map((channels, i) => {
    const name = `${half}.${isEncoder ? 'down' : 'up'}_blocks.${i}`;
    const before = widths[Math.max(0, i - 1)] as number;
    return {
      name,
      channels,
      resnets: Array.from({ length: count }, (_, j) => ({
        name: `${name}.resnets.${j}`,
        inputs: j === 0 ? before : channels,
        outputs: channels,
      })),
      resize: i === widths.length - 1 ? null : `${name}.${isEncoder ? 'downsamplers' : 'upsamplers'}.0.conv`,
    };
  });
}

/**
 * All weights of an AutoencoderKL and how our graphs store them, under diffusers' names. Nothing is quantised: the one
 * attention has 1 % of the weights. Of what the encoder gives, mean and variance, only the mean is stored.
 */
export function autoencoderRecipes(config: AutoencoderConfig): WeightRecipe[] {
  const { latentChannels: latents, quantConv, postQuantConv } = config;
  const mean = [0, latents] as const;
  const encoder = halfRecipes(config, 'encoder', [3, 2 * latents]);
  const recipes = [
    ...(quantConv ? encoder : rowsOf(encoder, 'encoder.conv_out', mean)),
    ...(quantConv ? rowsOf(conv('quant_conv', [2 * latents, 2 * latents, 1]), 'quant_conv', mean) : []),
    ...(postQuantConv ? conv('post_quant_conv', [latents, latents, 1]) : []),
    ...halfRecipes(config, 'decoder', [latents, 3]),
  ];
  return withAliases(config.forceUpcast ? recipes.map(exact) : recipes, attentionAliases);
}

function halfRecipes(
  config: AutoencoderConfig,
  half: AutoencoderHalf,
  [inputs, outputs]: readonly [number, number],
): WeightRecipe[] {
  const deepest = config.channels.at(-1) as number;
  const finest = config.channels[0] as number;
  const [first, last] = half === 'encoder' ? [finest, deepest] : [deepest, finest];
  const middle = `${half}.mid_block`;
  return [
    ...conv(`${half}.conv_in`, [first, inputs, 3]),
    ...autoencoderLevels(config, half).flatMap(({ resnets, resize, channels }) => [
      ...resnets.flatMap(resnetRecipes),
      ...(resize === null ? [] : conv(resize, [channels, channels, 3])),
    ]),
    ...[0, 1].flatMap((i) => resnetRecipes({ name: `${middle}.resnets.${i}`, inputs: deepest, outputs: deepest })),
    ...(config.midAttention ? attentionRecipes(`${middle}.attentions.0`, deepest) : []),
    ...norm(`${half}.conv_norm_out`, last),
    ...conv(`${half}.conv_out`, [outputs, last, 3]),
  ];
}

function resnetRecipes({ name, inputs, outputs }: ResnetShape): WeightRecipe[] {
  return [
    ...norm(`${name}.norm1`, inputs),
    ...conv(`${name}.conv1`, [outputs, inputs, 3]),
    ...norm(`${name}.norm2`, outputs),
    ...conv(`${name}.conv2`, [outputs, outputs, 3]),
    ...(inputs === outputs ? [] : conv(`${name}.conv_shortcut`, [outputs, inputs, 1])),
  ];
}

/** Query, key and value are one layer, `qkv`. */
function attentionRecipes(name: string, width: number): WeightRecipe[] {
  const layer = (stored: string, ...parts: string[]) =>
    linearRecipes(`${name}.${stored}`, {
      layers: parts.map((part) => `${name}.${part}`),
      outputs: width,
      inputs: width,
    }).map((recipe): WeightRecipe => (recipe.kind === 'linear' ? { ...recipe, kind: 'transposed' } : recipe));
  return [
    ...norm(`${name}.group_norm`, width),
    ...layer('qkv', 'to_q', 'to_k', 'to_v'),
    ...layer('to_out.0', 'to_out.0'),
  ];
}

/** Attention's names before diffusers 0.12. */
const OLD_ATTENTION_NAMES: Readonly<Record<string, string>> = {
  to_q: 'query',
  to_k: 'key',
  to_v: 'value',
  'to_out.0': 'proj_attn',
};

/** The same numbers in older files: under other names, and as weights of 1×1 convolutions. */
function attentionAliases({ tensor, shape }: RecipeSource): RecipeSource[] {
  const match = /^(.*\.attentions\.0)\.(to_q|to_k|to_v|to_out\.0)\.(weight|bias)$/.exec(tensor);
  if (!match) return [];
  const [, attention, part = '', kind] = match;
  const names = [tensor, `${attention}.${OLD_ATTENTION_NAMES[part]}.${kind}`];
  const shapes = kind === 'weight' ? [shape, [...shape, 1, 1]] : [shape];
  return names
    .flatMap((name) => shapes.map((shape) => ({ tensor: name, shape })))
    .filter((alias) => alias.tensor !== tensor || alias.shape !== shape);
}

/** Only these rows of one layer's weight and bias. */
function rowsOf(
  recipes: readonly WeightRecipe[],
  layer: string,
  [start, end]: readonly [start: number, end: number],
): WeightRecipe[] {
  return recipes.map((recipe) => {
    if (recipe.name !== `${layer}.weight` && recipe.name !== `${layer}.bias`) return recipe;
    return {
      ...recipe,
      dims: [end - start, ...recipe.dims.slice(1)],
      sources: recipe.sources.map((source) => ({ ...source, rows: [start, end] as const })),
    };
  });
}

function exact(recipe: WeightRecipe): WeightRecipe {
  return { ...recipe, kind: recipe.kind === 'transposed' ? 'exactTransposed' : 'exact' };
}
