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
import { activationType, cast, linear, rows, splitColumns } from './layers.ts';
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
  /**
   * Most attention scores at once. The default, 2²⁵, takes 128 MiB, twice; at 1024² all of them would be a gigabyte, which
   * few adapters bind.
   */
  readonly maxScores?: number;
}

/** Of every group normalisation in the class. */
const EPSILON = 1e-6;
/** The encoder pads at the right and below only before it halves. */
const HALVING = { stride: 2, padding: [0, 0, 1, 1] } as const;
const MAX_SCORES = 2 ** 25;

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
  options: AutoencoderOptions,
): Uint8Array<ArrayBuffer> {
  const { provider, height, width } = options;
  const downscale = autoencoderDownscale(config);
  if (height % downscale !== 0 || width % downscale !== 0) {
    throw new RangeError(`${width}×${height} pixels are not multiples of ${downscale}`);
  }
  const part = halfOf('encoder', { config, weights, options });
  const { g } = part;
  const pixels = g.input('pixels', 'float32', [1, 3, height, width]);
  let x = convIn(part, imageOf(part, pixels, { provider, batch: 1, channels: 3, height, width }));
  x = levels(part, x, (x, name) => conv2d(g, x, { name, ...HALVING }));
  x = convOut(part, middle(part, x));
  if (config.quantConv) x = conv2d(g, x, { name: 'quant_conv' });
  const mean = floatsOf(part, x);
  const { shiftFactor, scalingFactor } = config;
  const shifted = shiftFactor === 0 ? mean : g.node('Sub', [mean, scalar(g, 'shift_factor', shiftFactor)]);
  g.output('latents', g.node('Mul', [shifted, scalar(g, 'scaling_factor', scalingFactor)]), {
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
  options: AutoencoderOptions,
): Uint8Array<ArrayBuffer> {
  const { provider, height, width } = options;
  const part = halfOf('decoder', { config, weights, options });
  const { g } = part;
  const { latentChannels: channels, shiftFactor, scalingFactor } = config;
  const latents = g.input('latents', 'float32', [1, channels, height, width]);
  const unscaled = g.node('Mul', [latents, scalar(g, 'inverse_scaling', 1 / scalingFactor)]);
  const shifted = shiftFactor === 0 ? unscaled : g.node('Add', [unscaled, scalar(g, 'shift_factor', shiftFactor)]);
  let x = imageOf(part, shifted, { provider, batch: 1, channels, height, width });
  if (config.postQuantConv) x = conv2d(g, x, { name: 'post_quant_conv' });
  x = middle(part, convIn(part, x));
  x = convOut(
    part,
    levels(part, x, (x, name) => conv2d(g, upsampleNearest(g, x), { name })),
  );
  g.output('pixels', floatsOf(part, x), { type: 'float32', dims: [1, 3, x.height, x.width] });
  return g.toBytes();
}

/** One half in the making. */
interface Half {
  readonly g: GraphBuilder;
  readonly half: AutoencoderHalf;
  readonly config: AutoencoderConfig;
  /** What the layers compute in. */
  readonly type: 'float32' | 'float16';
  readonly alsoGive: ReadonlySet<string>;
  readonly maxScores: number;
}

function halfOf(
  half: AutoencoderHalf,
  { config, weights, options }: { config: AutoencoderConfig; weights: WeightIndex; options: AutoencoderOptions },
): Half {
  const g = new GraphBuilder(`autoencoder_${half}`, weights);
  return {
    g,
    half,
    config,
    type: activationType(g, `${half}.conv_in.bias`),
    alsoGive: new Set(options.alsoGive),
    maxScores: options.maxScores ?? MAX_SCORES,
  };
}

/** An image of float32 values, in the type the layers compute in. */
function imageOf({ g, type }: Half, value: Value, shape: Omit<ImageValue, 'value'>): ImageValue {
  return fromChannelsFirst(g, cast(g, value, { from: 'float32', to: type }), shape);
}

/** The values of an image, float32, channels first. */
function floatsOf({ g, type }: Half, x: ImageValue): Value {
  return cast(g, toChannelsFirst(g, x), { from: type, to: 'float32' });
}

function convIn(part: Half, x: ImageValue): ImageValue {
  return finished(part, conv2d(part.g, x, { name: `${part.half}.conv_in` }), 'conv_in');
}

function levels(part: Half, x: ImageValue, resize: (x: ImageValue, name: string) => ImageValue): ImageValue {
  let image = x;
  autoencoderLevels(part.config, part.half).forEach((level, i) => {
    for (const shape of level.resnets) image = resnet(part, image, shape);
    if (level.resize !== null) image = resize(image, level.resize);
    image = finished(part, image, `${part.half === 'encoder' ? 'down' : 'up'}_blocks.${i}`);
  });
  return image;
}

/** diffusers UNetMidBlock2D: a residual block, attention of one head over all pixels, a residual block. */
function middle(part: Half, x: ImageValue): ImageValue {
  const name = `${part.half}.mid_block`;
  const shape = { inputs: x.channels, outputs: x.channels };
  let image = resnet(part, x, { name: `${name}.resnets.0`, ...shape });
  if (part.config.midAttention) image = pixelAttention(part, image, `${name}.attentions.0`);
  return finished(part, resnet(part, image, { name: `${name}.resnets.1`, ...shape }), 'mid_block');
}

function convOut(part: Half, x: ImageValue): ImageValue {
  const { g, half } = part;
  return conv2d(g, normed(part, x, { name: `${half}.conv_norm_out`, silu: true }), { name: `${half}.conv_out` });
}

/** diffusers ResnetBlock2D without time. */
function resnet(part: Half, x: ImageValue, { name, inputs, outputs }: ResnetShape): ImageValue {
  const { g } = part;
  const first = conv2d(g, normed(part, x, { name: `${name}.norm1`, silu: true }), { name: `${name}.conv1` });
  const second = conv2d(g, normed(part, first, { name: `${name}.norm2`, silu: true }), { name: `${name}.conv2` });
  return addImages(g, inputs === outputs ? x : conv2d(g, x, { name: `${name}.conv_shortcut` }), second);
}

/**
 * Every pixel attends to all, in one head. Scores are sums over all channels and the softmax goes over thousands of
 * pixels: in float32 whatever the type. Two products and a softmax: for one head as wide as this, three to four times as
 * fast on WebGPU as onnxruntime's MultiHeadAttention.
 */
function pixelAttention(part: Half, x: ImageValue, name: string): ImageValue {
  const { g, type, maxScores } = part;
  const width = x.channels;
  const pixels = x.height * x.width;
  const pixelRows = imageRows(g, normed(part, x, { name: `${name}.group_norm`, silu: false }));
  const projected = linear(g, pixelRows, { name: `${name}.qkv`, inputs: width });
  const parts = splitColumns(g, cast(g, projected, { from: type, to: 'float32' }), 3);
  const [queries, keys, values] = parts as [Value, Value, Value];
  const attend = (some: Value) => {
    const scores = g.node('Gemm', [some, keys], { attributes: { transB: 1, alpha: { float: 1 / Math.sqrt(width) } } });
    return g.node('Gemm', [g.node('Softmax', [scores], { attributes: { axis: -1 } }), values]);
  };
  const step = Math.max(1, Math.floor(maxScores / pixels));
  const mixed: Value[] = [];
  for (let start = 0; start < pixels; start += step) {
    const some = step >= pixels ? queries : rows(g, queries, [start, Math.min(start + step, pixels)]);
    mixed.push(attend(some));
  }
  const joined = mixed.length === 1 ? (mixed[0] as Value) : g.node('Concat', mixed, { attributes: { axis: 0 } });
  const attended = linear(g, cast(g, joined, { from: 'float32', to: type }), {
    name: `${name}.to_out.0`,
    inputs: width,
  });
  return addImages(g, x, fromImageRows(g, attended, x));
}

function normed({ g, config }: Half, x: ImageValue, options: { name: string; silu: boolean }): ImageValue {
  return groupNorm(g, x, { ...options, groups: config.groups, epsilon: EPSILON });
}

/** A block's output: given as well where it was asked for. */
function finished(part: Half, x: ImageValue, block: string): ImageValue {
  const { g, half, alsoGive } = part;
  const name = `${half}.${block}`;
  if (alsoGive.has(name)) {
    const dims = [x.batch, x.channels, x.height, x.width];
    // A node of its own: the value itself goes on under its own name.
    g.output(name, g.node('Reshape', [floatsOf(part, x), g.int64s(...dims)]), { type: 'float32', dims });
  }
  return x;
}

function scalar(g: GraphBuilder, name: string, value: number): Value {
  return g.constant(name, { type: 'float32', dims: [], data: new Uint8Array(Float32Array.of(value).buffer) });
}
