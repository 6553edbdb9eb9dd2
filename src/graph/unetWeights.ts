import { conv, exactLinear, gated, linear, norm, pointwise } from './diffusersRecipes.ts';
import { FEED_FORWARD_FACTOR, TIME_IDS, type UnetConfig, type UnetLevel, type UnetTrunkConfig } from './unetConfig.ts';
import type { WeightRecipe } from './weightRecipe.ts';

/** The time embedding is this many times as wide as the first level. */
const TIME_FACTOR = 4;
/** All weights of a diffusers UNet2DConditionModel, and how our graphs store them. */
export function unetRecipes(config: UnetConfig): WeightRecipe[] {
  const [first] = config.levels as [UnetLevel];
  return [
    ...trunkRecipes(config),
    ...config.levels.flatMap((_, i) => upLevelRecipes(config, i)),
    ...norm('conv_norm_out', first.channels),
    ...conv('conv_out', [config.outChannels, first.channels, 3]),
  ];
}

/** Embeddings, the way down and the middle: what a UNet and a ControlNet share. */
export function trunkRecipes(config: UnetTrunkConfig): WeightRecipe[] {
  const { levels, inChannels, addedEmbedding } = config;
  const first = levels[0] as UnetLevel;
  const last = levels.at(-1) as UnetLevel;
  const time = timeWidth(config);
  return [
    ...filledConv('conv_in', [first.channels, inChannels, 3]),
    ...embeddingRecipes('time_embedding', [time, first.channels]),
    ...(addedEmbedding
      ? embeddingRecipes('add_embedding', [time, addedEmbedding.pooledWidth + TIME_IDS * addedEmbedding.sizeDim])
      : []),
    ...levels.flatMap((level, i) => {
      const name = `down_blocks.${i}`;
      const inputs = levels[Math.max(0, i - 1)] as UnetLevel;
      return [
        ...Array.from({ length: level.layers }, (_, layer) => [
          ...resnetRecipes(`${name}.resnets.${layer}`, [
            layer === 0 ? inputs.channels : level.channels,
            level.channels,
            time,
          ]),
          ...transformerRecipes(`${name}.attentions.${layer}`, config, {
            channels: level.channels,
            blocks: level.downTransformers,
          }),
        ]).flat(),
        ...(i < levels.length - 1 ? conv(`${name}.downsamplers.0.conv`, [level.channels, level.channels, 3]) : []),
      ];
    }),
    ...resnetRecipes('mid_block.resnets.0', [last.channels, last.channels, time]),
    ...transformerRecipes('mid_block.attentions.0', config, {
      channels: last.channels,
      blocks: config.midTransformers,
    }),
    ...resnetRecipes('mid_block.resnets.1', [last.channels, last.channels, time]),
  ];
}

/** Channels that the graph's `conv_in` takes: as the UNet's, filled up to whole fours. */
export function filledChannels(channels: number): number {
  return Math.ceil(channels / 4) * 4;
}

/**
 * A convolution whose input is filled up to whole fours of channels, with weights of zero. onnxruntime's WebGPU kernel reads
 * four at a time then; for 6 or 9 it reads three at a time and gives wrong numbers (1.31.0-dev.20260914).
 */
function filledConv(
  name: string,
  [outputs, inputs, kernel]: readonly [outputs: number, inputs: number, kernel: number],
): WeightRecipe[] {
  const filled = filledChannels(inputs);
  if (filled === inputs) return conv(name, [outputs, inputs, kernel]);
  const fill = (weight: Float32Array) => {
    const [from, to] = [inputs * kernel ** 2, filled * kernel ** 2];
    const whole = new Float32Array(outputs * to);
    for (let o = 0; o < outputs; o++) whole.set(weight.subarray(o * from, (o + 1) * from), o * to);
    return whole;
  };
  return conv(name, [outputs, inputs, kernel]).map((recipe) =>
    recipe.dims.length === 4
      ? { ...recipe, dims: [outputs, filled, kernel, kernel], derive: (weight) => fill(weight as Float32Array) }
      : recipe,
  );
}

/** Length of the time embedding. */
export function timeWidth({ levels }: UnetTrunkConfig): number {
  return TIME_FACTOR * (levels[0] as UnetLevel).channels;
}

/** Channels of the skips, in the order the way down makes them; the way up takes them from the end. */
export function skipChannels({ levels }: UnetTrunkConfig): number[] {
  const [first] = levels as [UnetLevel];
  return [
    first.channels,
    ...levels.flatMap(({ channels, layers }, i) =>
      Array.from({ length: layers + (i < levels.length - 1 ? 1 : 0) }, () => channels),
    ),
  ];
}

/** The way up at a level; the published blocks are numbered from the smallest image. */
function upLevelRecipes(config: UnetConfig, block: number): WeightRecipe[] {
  const { levels } = config;
  const at = levels.length - 1 - block;
  const level = levels[at] as UnetLevel;
  const below = levels[Math.min(at + 1, levels.length - 1)] as UnetLevel;
  const name = `up_blocks.${block}`;
  const skips = skipChannels(config);
  const taken = levels.slice(at + 1).reduce((sum, { layers }) => sum + layers + 1, 0);
  return [
    ...Array.from({ length: level.layers + 1 }, (_, layer) => [
      ...resnetRecipes(`${name}.resnets.${layer}`, [
        (layer === 0 ? below.channels : level.channels) + (skips[skips.length - 1 - taken - layer] as number),
        level.channels,
        timeWidth(config),
      ]),
      ...transformerRecipes(`${name}.attentions.${layer}`, config, {
        channels: level.channels,
        blocks: level.upTransformers,
      }),
    ]).flat(),
    ...(at > 0 ? conv(`${name}.upsamplers.0.conv`, [level.channels, level.channels, 3]) : []),
  ];
}

/** Two linear layers with SiLU between them (diffusers `TimestepEmbedding`). */
function embeddingRecipes(name: string, [width, inputs]: readonly [width: number, inputs: number]): WeightRecipe[] {
  return [...exactLinear(`${name}.linear_1`, [width, inputs]), ...exactLinear(`${name}.linear_2`, [width, width])];
}

/** diffusers `ResnetBlock2D`. */
export function resnetRecipes(
  name: string,
  [inputs, channels, time]: readonly [inputs: number, channels: number, time: number],
): WeightRecipe[] {
  return [
    ...norm(`${name}.norm1`, inputs),
    ...conv(`${name}.conv1`, [channels, inputs, 3]),
    ...linear(`${name}.time_emb_proj`, [channels, time]),
    ...norm(`${name}.norm2`, channels),
    ...conv(`${name}.conv2`, [channels, channels, 3]),
    ...(inputs === channels ? [] : conv(`${name}.conv_shortcut`, [channels, inputs, 1])),
  ];
}

/** diffusers `Transformer2DModel`; nothing where it has no blocks. */
export function transformerRecipes(
  name: string,
  { crossWidth, linearProjection }: Pick<UnetTrunkConfig, 'crossWidth' | 'linearProjection'>,
  { channels, blocks }: { channels: number; blocks: number },
): WeightRecipe[] {
  if (blocks === 0) return [];
  const project = linearProjection ? linear : pointwise;
  return [
    ...norm(`${name}.norm`, channels),
    ...project(`${name}.proj_in`, [channels, channels]),
    ...Array.from({ length: blocks }, (_, i) => {
      const block = `${name}.transformer_blocks.${i}`;
      return [
        ...norm(`${block}.norm1`, channels),
        ...attentionRecipes(`${block}.attn1`, [channels, channels]),
        ...norm(`${block}.norm2`, channels),
        ...attentionRecipes(`${block}.attn2`, [channels, crossWidth]),
        ...norm(`${block}.norm3`, channels),
        ...gated(`${block}.ff.net.0.proj`, [FEED_FORWARD_FACTOR * channels, channels]),
        ...linear(`${block}.ff.net.2`, [channels, FEED_FORWARD_FACTOR * channels]),
      ];
    }).flat(),
    ...project(`${name}.proj_out`, [channels, channels]),
  ];
}

function attentionRecipes(name: string, [width, context]: readonly [width: number, context: number]): WeightRecipe[] {
  return [
    ...linear(`${name}.to_q`, [width, width], { bias: false }),
    ...linear(`${name}.to_k`, [width, context], { bias: false }),
    ...linear(`${name}.to_v`, [width, context], { bias: false }),
    ...linear(`${name}.to_out.0`, [width, width]),
  ];
}
