import { GraphBuilder, type Value } from './builder.ts';
import type { ControlNetConfig } from './controlNetConfig.ts';
import { CONDITION_EMBEDDING, DENSE_BLOCKS_IN_RESIDUAL, DENSE_CONVOLUTIONS } from './controlNetWeights.ts';
import {
  addImages,
  concatChannels,
  conv2d,
  fromChannelsFirst,
  fromImageRows,
  type ImageValue,
  imageRows,
  repeatImage,
  silu,
  toChannelsFirst,
} from './imageLayers.ts';
import { cast, linear } from './layers.ts';
import { type Trunk, trunk, type UnetSizes, unetInputs } from './unet.ts';
import type { UnetContext } from './unetBlocks.ts';
import type { WeightIndex } from './weights.ts';

/** Pixels of the condition per latent. */
const DOWNSCALE = 8;
/** ESRGAN's: what a dense block finds is added to what it reads by this much, and falls below zero by that. */
const DENSE_SCALE = 0.2;
const DENSE_SLOPE = 0.2;

/**
 * A diffusers ControlNetModel as one graph of fixed sizes.
 *
 * Inputs, float32: `sample`, `timestep`, `encoder_hidden_states` and, with an added embedding, `text_embeds` and `time_ids`
 * as `buildUnet`; `condition` `[1, 3, 8 · height, 8 · width]`, RGB in 0..1; `conditioning_scale` `[1]`. Outputs, float32, multiplied
 * by the scale: `down_0` … `[batch, channels, h, w]`, in the order of the skips they are for, and `mid`.
 * @param weights what compiling `controlNetRecipes` gave
 * @returns an ONNX file whose weights are external data
 * @throws {RangeError} the sizes are not those of a graph
 */
export function buildControlNet(
  config: ControlNetConfig,
  weights: WeightIndex,
  sizes: UnetSizes,
): Uint8Array<ArrayBuffer> {
  const g = new GraphBuilder(`controlnet_${sizes.width}x${sizes.height}`, weights);
  const { sample, context } = unetInputs(g, config, sizes);
  const { skips, mid } = controlNet(context, sample, { config });
  [...skips, mid].forEach((residual, i) => {
    const { channels, height, width } = residual;
    const planes = toChannelsFirst(g, repeatImage(g, residual, sizes.batch));
    const dims = [sizes.batch, channels, height, width];
    const name = i < skips.length ? `down_${i}` : 'mid';
    g.output(name, cast(g, planes, { from: context.type, to: 'float32' }), { type: 'float32', dims });
  });
  return g.toBytes();
}

/**
 * The residuals of a ControlNet, multiplied by the scale. Adds the inputs `condition` and `conditioning_scale` to the graph
 * (see {@link buildControlNet}).
 * @param sample the latents, one image
 */
export function controlNet(context: UnetContext, sample: ImageValue, { config }: { config: ControlNetConfig }): Trunk {
  const { g, type } = context;
  const input = (name: string, dims: readonly number[]) =>
    cast(g, g.input(name, 'float32', dims), { from: 'float32', to: type });
  const { provider } = sample;
  const pixels = {
    provider,
    batch: 1,
    channels: 3,
    height: DOWNSCALE * sample.height,
    width: DOWNSCALE * sample.width,
  };
  const picture = input('condition', [1, pixels.channels, pixels.height, pixels.width]);
  const scale = input('conditioning_scale', [1]);

  const embedded = conditionEmbedding(g, fromChannelsFirst(g, picture, pixels), { config, type });
  const latents = addImages(g, conv2d(g, sample, { name: 'conv_in' }), embedded);
  const { skips, mid } = trunk(context, latents, { config });
  const residual = (x: ImageValue, name: string) => {
    const rows = linear(g, imageRows(g, x), { name, inputs: x.channels });
    return fromImageRows(g, g.node('Mul', [rows, scale]), x);
  };
  return {
    skips: skips.map((skip, i) => residual(skip, `controlnet_down_blocks.${i}`)),
    mid: residual(mid, 'controlnet_mid_block'),
  };
}

/**
 * The condition at the latents' size and first width (diffusers `ControlNetConditioningEmbedding`; PASD's with its dense
 * blocks). It does not depend on the timestep; it is a hundredth of a step's work (a seventh with dense blocks).
 * @param condition RGB in 0..1
 */
export function conditionEmbedding(
  g: GraphBuilder,
  condition: ImageValue,
  { config, type }: { config: ControlNetConfig; type: UnetContext['type'] },
): ImageValue {
  const layer = (x: ImageValue, name: string, stride = 1) => {
    const convolved = conv2d(g, x, { name: `${CONDITION_EMBEDDING}.${name}`, stride });
    return { ...convolved, value: silu(g, convolved.value) };
  };
  let x = layer(condition, 'conv_in');
  for (let block = 0; block < config.denseBlocks; block++) {
    x = residualDenseBlocks(g, x, { name: `${CONDITION_EMBEDDING}.preprocesser.${block}`, type });
  }
  for (let i = 0; i < config.conditionChannels.length - 1; i++) {
    x = layer(layer(x, `blocks.${2 * i}`), `blocks.${2 * i + 1}`, 2);
  }
  return conv2d(g, x, { name: `${CONDITION_EMBEDDING}.conv_out` });
}

/** A residual-in-residual dense block (ESRGAN, arXiv 1809.00219; basicsr `RRDB`). */
function residualDenseBlocks(
  g: GraphBuilder,
  x: ImageValue,
  { name, type }: { name: string; type: UnetContext['type'] },
): ImageValue {
  const addTo = (base: ImageValue, found: ImageValue) =>
    addImages(g, base, { ...found, value: g.node('Mul', [found.value, denseScale(g, type)]) });
  let inner = x;
  for (let dense = 1; dense <= DENSE_BLOCKS_IN_RESIDUAL; dense++) {
    const conv = (input: ImageValue, i: number) => conv2d(g, input, { name: `${name}.rdb${dense}.conv${i}` });
    let seen = inner;
    for (let i = 1; i < DENSE_CONVOLUTIONS; i++) {
      const found = conv(seen, i);
      const value = g.node('LeakyRelu', [found.value], { attributes: { alpha: { float: DENSE_SLOPE } } });
      seen = concatChannels(g, [seen, { ...found, value }]);
    }
    inner = addTo(inner, conv(seen, DENSE_CONVOLUTIONS));
  }
  return addTo(x, inner);
}

function denseScale(g: GraphBuilder, type: UnetContext['type']): Value {
  const float = g.constant('dense_scale', {
    type: 'float32',
    dims: [1],
    data: new Uint8Array(Float32Array.of(DENSE_SCALE).buffer),
  });
  return cast(g, float, { from: 'float32', to: type });
}
