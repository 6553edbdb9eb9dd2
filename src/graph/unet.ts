import { GraphBuilder, type Value } from './builder.ts';
import {
  addImages,
  concatChannels,
  conv2d,
  fromChannelsFirst,
  groupNorm,
  type ImageValue,
  type Provider,
  silu,
  sinusoidEmbedding,
  toChannelsFirst,
  upsampleNearest,
} from './imageLayers.ts';
import { activationType, cast, linear } from './layers.ts';
import { type RowsValue, resnetBlock, transformer, type UnetContext } from './unetBlocks.ts';
import { TIME_IDS, type UnetConfig, type UnetLevel, type UnetTrunkConfig } from './unetConfig.ts';
import { filledChannels, timeWidth } from './unetWeights.ts';
import type { WeightIndex } from './weights.ts';

/** Sizes a UNet's graph is built for. */
export interface UnetSizes {
  readonly provider: Provider;
  /** Of the latents; whole multiples of {@link latentMultiple}. */
  readonly height: number;
  readonly width: number;
  /** Texts; the latents are the same for all. 2 for classifier-free guidance in one run. */
  readonly batch: number;
  /** Tokens of a text. */
  readonly tokens: number;
}

/**
 * A diffusers UNet2DConditionModel as one graph of fixed sizes.
 *
 * Inputs, float32: `sample` `[1, 4, height, width]`, already scaled; `timestep` `[1]`; `encoder_hidden_states`
 * `[batch, tokens, crossWidth]`; with 9 channels `mask` `[1, 1, height, width]` and `masked_image_latents` as `sample`; with
 * an added embedding `text_embeds` `[batch, pooledWidth]` and `time_ids` `[batch, 6]`. Output, float32: `prediction`
 * `[batch, 4, height, width]`. Inside, activations have the type the weights are stored in.
 * @param weights what compiling `unetRecipes` gave
 * @returns an ONNX file whose weights are external data
 * @throws {RangeError} the sizes are not those of a graph
 */
export function buildUnet(config: UnetConfig, weights: WeightIndex, sizes: UnetSizes): Uint8Array<ArrayBuffer> {
  const g = new GraphBuilder(`unet_${sizes.width}x${sizes.height}`, weights);
  const { sample, context } = unetInputs(g, config, sizes);
  const prediction = unet(context, conv2d(g, sample, { name: 'conv_in' }), { config });
  unetOutput(g, prediction, sizes);
  return g.toBytes();
}

/** What the latents' height and width have to be whole multiples of, because every level but the last halves them. */
export function latentMultiple({ levels }: UnetTrunkConfig): number {
  return 2 ** (levels.length - 1);
}

/**
 * The inputs of a UNet's graph ({@link buildUnet}), made ready for its blocks.
 * @returns `sample`: what `conv_in` takes, one image
 */
export function unetInputs(
  g: GraphBuilder,
  config: UnetTrunkConfig,
  { provider, height, width, batch, tokens }: UnetSizes,
): { sample: ImageValue; context: UnetContext } {
  const multiple = latentMultiple(config);
  if (height % multiple !== 0 || width % multiple !== 0 || height < 1 || width < 1) {
    throw new RangeError(`Latents of ${width}×${height} are not whole multiples of ${multiple}`);
  }
  const type = activationType(g, 'conv_in.bias');
  const input = (name: string, dims: readonly number[]) =>
    cast(g, g.input(name, 'float32', dims), { from: 'float32', to: type });
  const image = (name: string, channels: number) => input(name, [1, channels, height, width]);
  const sampleShape = { provider, batch: 1, channels: filledChannels(config.inChannels), height, width };
  const sample = fromChannelsFirst(
    g,
    config.inChannels === 9 ? inpaintingPlanes(g, image) : image('sample', 4),
    sampleShape,
  );

  const text = g.node('Reshape', [
    input('encoder_hidden_states', [batch, tokens, config.crossWidth]),
    g.int64s(batch * tokens, config.crossWidth),
  ]);
  const time = timeEmbedding(g, config, { type, batch });
  return {
    sample,
    context: {
      g,
      type,
      normGroups: config.normGroups,
      normEpsilon: config.normEpsilon,
      time,
      batchTime:
        time.batch === batch ? time : { ...time, batch, value: g.node('Expand', [time.value, g.int64s(batch, 1)]) },
      text: { value: text, batch, width: config.crossWidth },
      upcastAttention: config.upcastAttention && type === 'float16',
    },
  };
}

/** What an inpainting UNet takes, one after the other. The channels that fill it up are the mask's; their weights are zero. */
function inpaintingPlanes(g: GraphBuilder, image: (name: string, channels: number) => Value): Value {
  const mask = image('mask', 1);
  const filling = Array.from({ length: filledChannels(9) - 9 }, () => mask);
  const parts = [image('sample', 4), mask, image('masked_image_latents', 4), ...filling];
  return g.node('Concat', parts, { attributes: { axis: 1 } });
}

/** Makes an image the output `prediction`. */
export function unetOutput(
  g: GraphBuilder,
  prediction: ImageValue,
  { batch, height, width }: Pick<UnetSizes, 'batch' | 'height' | 'width'>,
): void {
  const planes = toChannelsFirst(g, prediction);
  const wide = cast(g, planes, { from: activationType(g, 'conv_in.bias'), to: 'float32' });
  g.output('prediction', wide, { type: 'float32', dims: [batch, prediction.channels, height, width] });
}

/** SiLU of the time embedding, SDXL's additions included; every residual block starts from it. */
function timeEmbedding(
  g: GraphBuilder,
  config: UnetTrunkConfig,
  { type, batch }: { type: UnetContext['type']; batch: number },
): RowsValue {
  const { cosinesFirst, frequencyShift, addedEmbedding } = config;
  const width = timeWidth(config);
  const waves = (numbers: Value, dim: number) => sinusoidEmbedding(g, numbers, { dim, cosinesFirst, frequencyShift });
  const embed = (rows: Value, name: string, inputs: number) => {
    const inner = silu(
      g,
      linear(g, cast(g, rows, { from: 'float32', to: type }), { name: `${name}.linear_1`, inputs }),
    );
    return linear(g, inner, { name: `${name}.linear_2`, inputs: width });
  };
  const { channels } = config.levels[0] as UnetLevel;
  const timestep = g.node('Reshape', [g.input('timestep', 'float32', [1]), g.int64s(1, 1)]);
  const time = embed(waves(timestep, channels), 'time_embedding', channels);
  if (!addedEmbedding) return { value: silu(g, time), batch: 1, width };

  const { pooledWidth, sizeDim } = addedEmbedding;
  const pooled = g.input('text_embeds', 'float32', [batch, pooledWidth]);
  const sizes = g.node('Reshape', [g.input('time_ids', 'float32', [batch, TIME_IDS]), g.int64s(batch * TIME_IDS, 1)]);
  const sizeWaves = g.node('Reshape', [waves(sizes, sizeDim), g.int64s(batch, TIME_IDS * sizeDim)]);
  const both = g.node('Concat', [pooled, sizeWaves], { attributes: { axis: 1 } });
  const added = embed(both, 'add_embedding', pooledWidth + TIME_IDS * sizeDim);
  return { value: silu(g, g.node('Add', [time, added])), batch, width };
}

/** What the way down makes. */
export interface Trunk {
  /** What the way up takes from the end, `conv_in`'s result first. */
  readonly skips: readonly ImageValue[];
  readonly mid: ImageValue;
}

/**
 * The way down and the middle of a UNet or a ControlNet.
 * @param x what `conv_in` made, and what a ControlNet adds to it
 */
export function trunk(context: UnetContext, x: ImageValue, { config }: { config: UnetTrunkConfig }): Trunk {
  const { g } = context;
  const { levels, downsamplePadding: padding } = config;
  const skips = [x];
  let image = x;
  levels.forEach(({ layers, heads, downTransformers: blocks }, i) => {
    const name = `down_blocks.${i}`;
    for (let layer = 0; layer < layers; layer++) {
      image = resnetBlock(context, image, { name: `${name}.resnets.${layer}` });
      if (blocks > 0) image = transformer(context, image, { name: `${name}.attentions.${layer}`, heads, blocks });
      skips.push(image);
    }
    if (i === levels.length - 1) return;
    image = conv2d(g, image, {
      name: `${name}.downsamplers.0.conv`,
      stride: 2,
      padding: [padding, padding, 1, 1],
    });
    skips.push(image);
  });
  return { skips, mid: middle(context, image, { config }) };
}

/** The block at the smallest image (diffusers `UNetMidBlock2DCrossAttn`). */
export function middle(context: UnetContext, x: ImageValue, { config }: { config: UnetTrunkConfig }): ImageValue {
  const { heads } = config.levels.at(-1) as UnetLevel;
  const first = resnetBlock(context, x, { name: 'mid_block.resnets.0' });
  const attended = transformer(context, first, {
    name: 'mid_block.attentions.0',
    heads,
    blocks: config.midTransformers,
  });
  return resnetBlock(context, attended, { name: 'mid_block.resnets.1' });
}

/** What may be added to a UNet on its way up. */
export interface UnetExtras {
  /** A ControlNet's, as the trunk's: added to the skips and to the middle. */
  readonly residuals?: Trunk;
  /** Made of the image after every residual block of the way up and its transformer. */
  readonly afterLayer?: (x: ImageValue, at: UpLayer) => ImageValue;
}

/** A layer on the way up. */
export interface UpLayer {
  /** Number of the published `up_blocks`, from the smallest image, and of the layer in it. */
  readonly block: number;
  readonly layer: number;
  readonly level: UnetLevel;
}

/** All of a UNet after `conv_in`: the prediction. */
export function unet(
  context: UnetContext,
  x: ImageValue,
  { config, residuals, afterLayer }: UnetExtras & { config: UnetConfig },
): ImageValue {
  const { g, normGroups: groups, normEpsilon: epsilon } = context;
  const down = trunk(context, x, { config });
  const skips = down.skips.map((skip, i) => {
    const residual = residuals?.skips[i];
    return residual ? addImages(g, skip, residual) : skip;
  });
  let image = residuals ? addImages(g, down.mid, residuals.mid) : down.mid;
  config.levels.toReversed().forEach((level, block) => {
    const name = `up_blocks.${block}`;
    for (let layer = 0; layer <= level.layers; layer++) {
      image = concatChannels(g, [image, skips.pop() as ImageValue]);
      image = resnetBlock(context, image, { name: `${name}.resnets.${layer}` });
      const { heads, upTransformers: blocks } = level;
      if (blocks > 0) image = transformer(context, image, { name: `${name}.attentions.${layer}`, heads, blocks });
      if (afterLayer) image = afterLayer(image, { block, layer, level });
    }
    if (block === config.levels.length - 1) return;
    image = conv2d(g, upsampleNearest(g, image), { name: `${name}.upsamplers.0.conv` });
  });
  return conv2d(g, groupNorm(g, image, { name: 'conv_norm_out', groups, epsilon, silu: true }), { name: 'conv_out' });
}
