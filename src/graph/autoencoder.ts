import { type AutoencoderConfig, autoencoderDownscale } from './autoencoderConfig.ts';
import { type AutoencoderHalf, autoencoderLevels, type ResnetShape } from './autoencoderWeights.ts';
import { GraphBuilder, type Value } from './builder.ts';
import {
  addImages,
  conv2d,
  fromChannelsFirst,
  fromImageRows,
  groupNorm,
  type ImageValue,
  imageRows,
  type Provider,
  toChannelsFirst,
  upsampleNearest,
} from './imageLayers.ts';
import { activationType, attention, cast, linear, rows, splitColumns } from './layers.ts';
import type { WeightIndex } from './weights.ts';

/** Options of {@link buildAutoencoderEncoder} and {@link buildAutoencoderDecoder}. */
export interface AutoencoderOptions {
  readonly provider: Provider;
  /** The encoder's in pixels, multiples of the downscale; the decoder's in latents. */
  readonly height: number;
  readonly width: number;
  /**
   * Blocks, by diffusers' names (`encoder.down_blocks.0`, `decoder.mid_block`), whose outputs the graph gives as well,
   * float32 `[1, channels, height, width]` under those names: for comparing block by block.
   */
  readonly alsoGive?: readonly string[];
}

/** Of every group normalisation in the class. */
const EPSILON = 1e-6;
/** The encoder pads at the right and below only before it halves. */
const HALVING = { stride: 2, padding: [0, 0, 1, 1] } as const;
/**
 * Most attention scores at once: 2²⁶ in float32 are 256 MiB. At 1024² all of them would be a gigabyte, which few adapters
 * bind.
 */
const MAX_SCORES = 2 ** 26;

/**
 * An autoencoder's encoder (diffusers AutoencoderKL.encode, the posterior's mean).
 *
 * Input `pixels` float32 `[1, 3, height, width]`, −1..1. Output `latents` float32 `[1, channels, height / 8, width / 8]` as
 * the denoiser wants them: shifted and scaled.
 * @throws {RangeError} the size is not a multiple of the downscale
 */
export function buildAutoencoderEncoder(
  config: AutoencoderConfig,
  weights: WeightIndex,
  { provider, height, width, alsoGive }: AutoencoderOptions,
): Uint8Array<ArrayBuffer> {
  const downscale = autoencoderDownscale(config);
  if (height % downscale !== 0 || width % downscale !== 0) {
    throw new RangeError(`${width}×${height} pixels are not multiples of ${downscale}`);
  }
  const half = new HalfBuilder({ config, weights, half: 'encoder', alsoGive });
  const { g } = half;
  const pixels = g.input('pixels', 'float32', [1, 3, height, width]);
  let x = half.convIn(half.image(pixels, { provider, batch: 1, channels: 3, height, width }));
  x = half.convOut(half.middle(half.levels(x, (x, name) => conv2d(g, x, { name, ...HALVING }))));
  if (config.quantConv) x = conv2d(g, x, { name: 'quant_conv' });
  const mean = half.floats(x);
  const shifted =
    config.shiftFactor === 0 ? mean : g.node('Sub', [mean, scalar(g, 'shift_factor', config.shiftFactor)]);
  g.output('latents', g.node('Mul', [shifted, scalar(g, 'scaling_factor', config.scalingFactor)]), {
    type: 'float32',
    dims: [1, config.latentChannels, x.height, x.width],
  });
  return g.toBytes();
}

/**
 * An autoencoder's decoder (diffusers AutoencoderKL.decode).
 *
 * Input `latents` float32 `[1, channels, height, width]`, as the denoiser has them. Output `pixels` float32 `[1, 3, 8 · height,
 * 8 · width]`, about −1..1, not clamped.
 */
export function buildAutoencoderDecoder(
  config: AutoencoderConfig,
  weights: WeightIndex,
  { provider, height, width, alsoGive }: AutoencoderOptions,
): Uint8Array<ArrayBuffer> {
  const half = new HalfBuilder({ config, weights, half: 'decoder', alsoGive });
  const { g } = half;
  const channels = config.latentChannels;
  const latents = g.input('latents', 'float32', [1, channels, height, width]);
  const unscaled = g.node('Mul', [latents, scalar(g, 'inverse_scaling', 1 / config.scalingFactor)]);
  const shifted =
    config.shiftFactor === 0 ? unscaled : g.node('Add', [unscaled, scalar(g, 'shift_factor', config.shiftFactor)]);
  let x = half.image(shifted, { provider, batch: 1, channels, height, width });
  if (config.postQuantConv) x = conv2d(g, x, { name: 'post_quant_conv' });
  x = half.middle(half.convIn(x));
  x = half.convOut(half.levels(x, (x, name) => conv2d(g, upsampleNearest(g, x), { name })));
  g.output('pixels', half.floats(x), { type: 'float32', dims: [1, 3, x.height, x.width] });
  return g.toBytes();
}

/** The layers both halves have. */
class HalfBuilder {
  readonly g: GraphBuilder;
  readonly #config: AutoencoderConfig;
  readonly #half: AutoencoderHalf;
  readonly #type: 'float32' | 'float16';
  readonly #alsoGive: ReadonlySet<string>;

  constructor({
    config,
    weights,
    half,
    alsoGive = [],
  }: {
    config: AutoencoderConfig;
    weights: WeightIndex;
    half: AutoencoderHalf;
    alsoGive: readonly string[] | undefined;
  }) {
    this.g = new GraphBuilder(`autoencoder_${half}`, weights);
    this.#config = config;
    this.#half = half;
    this.#type = activationType(this.g, `${half}.conv_in.bias`);
    this.#alsoGive = new Set(alsoGive);
  }

  /** An image of float32 values, in the type the layers compute in. */
  image(value: Value, shape: Omit<ImageValue, 'value'>): ImageValue {
    return fromChannelsFirst(this.g, cast(this.g, value, { from: 'float32', to: this.#type }), shape);
  }

  /** The values of an image, float32, channels first. */
  floats(x: ImageValue): Value {
    return cast(this.g, toChannelsFirst(this.g, x), { from: this.#type, to: 'float32' });
  }

  convIn(x: ImageValue): ImageValue {
    return this.#block(conv2d(this.g, x, { name: `${this.#half}.conv_in` }), 'conv_in');
  }

  levels(x: ImageValue, resize: (x: ImageValue, name: string) => ImageValue): ImageValue {
    let image = x;
    autoencoderLevels(this.#config, this.#half).forEach((level, i) => {
      for (const shape of level.resnets) image = this.#resnet(image, shape);
      if (level.resize !== null) image = resize(image, level.resize);
      image = this.#block(image, `${this.#half === 'encoder' ? 'down' : 'up'}_blocks.${i}`);
    });
    return image;
  }

  /** diffusers UNetMidBlock2D: a residual block, attention of one head over all pixels, a residual block. */
  middle(x: ImageValue): ImageValue {
    const name = `${this.#half}.mid_block`;
    const shape = { inputs: x.channels, outputs: x.channels };
    let image = this.#resnet(x, { name: `${name}.resnets.0`, ...shape });
    if (this.#config.midAttention) image = this.#attention(image, `${name}.attentions.0`);
    return this.#block(this.#resnet(image, { name: `${name}.resnets.1`, ...shape }), 'mid_block');
  }

  convOut(x: ImageValue): ImageValue {
    return conv2d(this.g, this.#norm(x, `${this.#half}.conv_norm_out`, { silu: true }), {
      name: `${this.#half}.conv_out`,
    });
  }

  /** diffusers ResnetBlock2D without time. */
  #resnet(x: ImageValue, { name, inputs, outputs }: ResnetShape): ImageValue {
    const { g } = this;
    const first = conv2d(g, this.#norm(x, `${name}.norm1`, { silu: true }), { name: `${name}.conv1` });
    const second = conv2d(g, this.#norm(first, `${name}.norm2`, { silu: true }), { name: `${name}.conv2` });
    return addImages(g, inputs === outputs ? x : conv2d(g, x, { name: `${name}.conv_shortcut` }), second);
  }

  /** Scores are sums over all channels and the softmax goes over thousands of pixels: in float32 whatever the type. */
  #attention(x: ImageValue, name: string): ImageValue {
    const { g } = this;
    const width = x.channels;
    const pixels = x.height * x.width;
    const normed = imageRows(g, this.#norm(x, `${name}.group_norm`, { silu: false }));
    const qkv = cast(g, linear(g, normed, { name: `${name}.qkv`, inputs: width }), { from: this.#type, to: 'float32' });
    const [queries, keys, values] = splitColumns(g, qkv, 3) as [Value, Value, Value];
    const asBatch = (value: Value) => g.node('Reshape', [value, g.int64s(1, -1, width)]);
    const [k, v] = [asBatch(keys), asBatch(values)];
    const step = Math.max(1, Math.floor(MAX_SCORES / pixels));
    const parts: Value[] = [];
    for (let start = 0; start < pixels; start += step) {
      const some = step >= pixels ? queries : rows(g, queries, [start, Math.min(start + step, pixels)]);
      parts.push(attention(g, [asBatch(some), k, v], { heads: 1 }));
    }
    const mixed = parts.length === 1 ? (parts[0] as Value) : g.node('Concat', parts, { attributes: { axis: 1 } });
    const mixedRows = cast(g, g.node('Reshape', [mixed, g.int64s(-1, width)]), { from: 'float32', to: this.#type });
    const attended = linear(g, mixedRows, { name: `${name}.to_out.0`, inputs: width });
    return addImages(g, x, fromImageRows(g, attended, x));
  }

  #norm(x: ImageValue, name: string, { silu }: { silu: boolean }): ImageValue {
    return groupNorm(this.g, x, { name, groups: this.#config.groups, epsilon: EPSILON, silu });
  }

  #block(x: ImageValue, name: string): ImageValue {
    const full = `${this.#half}.${name}`;
    if (this.#alsoGive.has(full)) {
      // A node of its own, for the value itself goes on under its own name.
      const { g } = this;
      const dims = [x.batch, x.channels, x.height, x.width];
      g.output(full, g.node('Reshape', [this.floats(x), g.int64s(...dims)]), { type: 'float32', dims });
    }
    return x;
  }
}

function scalar(g: GraphBuilder, name: string, value: number): Value {
  return g.constant(name, { type: 'float32', dims: [], data: new Uint8Array(Float32Array.of(value).buffer) });
}
