import type { GraphBuilder, Value } from './builder.ts';

/**
 * Layers over images that diffusion models share: UNet, autoencoder, ControlNet. Operators are those the provider runs
 * itself and runs well, so they differ by provider, and so does the order of an image's axes. Take and give {@link ImageValue},
 * and neither is seen.
 */

const CONTRIB = 'com.microsoft';

/** What will run the graph: onnxruntime's provider on the GPU, or the one in WebAssembly. */
export type Provider = 'webgpu' | 'wasm';

/**
 * A batch of images in a graph, and its shape. On WebGPU channels lie last (`[batch, height, width, channels]`): that is
 * what onnxruntime's convolution computes in there, so the transpositions it and {@link conv2d} insert cancel out, and
 * normalisation and the rows of attention come without any. In WebAssembly channels lie first.
 */
export interface ImageValue {
  readonly value: Value;
  readonly provider: Provider;
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** An image from a tensor `[batch, channels, height, width]`, as graphs take them. */
export function fromChannelsFirst(g: GraphBuilder, value: Value, shape: Omit<ImageValue, 'value'>): ImageValue {
  return { ...shape, value: channelsLast(shape) ? transposed(g, value, TO_LAST) : value };
}

/** The image as a tensor `[batch, channels, height, width]`, as graphs give them. */
export function toChannelsFirst(g: GraphBuilder, x: ImageValue): Value {
  return channelsLast(x) ? transposed(g, x.value, TO_FIRST) : x.value;
}

/** Rows or columns of zeros added at each side. */
export type Padding = readonly [top: number, left: number, bottom: number, right: number];

/**
 * 2-D convolution with the weight `[out, in, k, k]` and, where stored, the bias of `name`.
 * @param stride of both axes; 1 by default
 * @param padding by default as much as keeps the size at stride 1 with an odd kernel, so nothing for 1×1
 * @throws {RangeError} the image has other channels than the weight, or a number of them that WebGPU's kernel gets wrong
 */
export function conv2d(
  g: GraphBuilder,
  x: ImageValue,
  { name, stride = 1, padding }: { name: string; stride?: number; padding?: Padding },
): ImageValue {
  const [channels = 0, inputs = 0, kernel = 0] = g.stored(`${name}.weight`).dims;
  if (inputs !== x.channels) throw new RangeError(`"${name}" takes ${inputs} channels, not ${x.channels}`);
  if (x.provider === 'webgpu' && inputs > 3 && inputs % 3 === 0 && inputs % 4 !== 0) {
    // 6 and 9 channels tried (1.31.0-dev.20260914): wrong numbers. Its kernel reads three channels at a time then.
    throw new RangeError(
      `"${name}" takes ${inputs} channels, which onnxruntime computes wrongly; fill them up to fours`,
    );
  }
  const around = (kernel - 1) / 2;
  const [top, left, bottom, right] = padding ?? [around, around, around, around];
  const bias = g.hasWeight(`${name}.bias`) ? [g.weight(`${name}.bias`)] : [];
  const convolved = g.node('Conv', [toChannelsFirst(g, x), g.weight(`${name}.weight`), ...bias], {
    attributes: { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [top, left, bottom, right] },
  });
  return fromChannelsFirst(g, convolved, {
    provider: x.provider,
    batch: x.batch,
    channels,
    height: Math.floor((x.height + top + bottom - kernel) / stride) + 1,
    width: Math.floor((x.width + left + right - kernel) / stride) + 1,
  });
}

/** How {@link groupNorm} normalises. */
export interface GroupNormOptions {
  /** The layer's, before `.scale` and `.bias` (both `[channels]`). */
  readonly name: string;
  readonly groups: number;
  readonly epsilon: number;
  /** Whether SiLU follows. */
  readonly silu?: boolean;
  /** Added to every pixel of an image before: `[batch, channels]`. */
  readonly shift?: Value;
}

/**
 * Group normalisation, with what may come before and after it in the same kernels on WebGPU. Statistics in float32
 * whatever the type of `x`.
 */
export function groupNorm(g: GraphBuilder, x: ImageValue, options: GroupNormOptions): ImageValue {
  return { ...x, value: channelsLast(x) ? fusedGroupNorm(g, x, options) : plainGroupNorm(g, x, options) };
}

/** onnxruntime's own operator, which its WebGPU provider alone has, for channels that lie last. */
function fusedGroupNorm(
  g: GraphBuilder,
  x: ImageValue,
  { name, groups, epsilon, silu = false, shift }: GroupNormOptions,
): Value {
  const inputs = [x.value, g.weight(`${name}.scale`), g.weight(`${name}.bias`)];
  return g.node(shift ? 'SkipGroupNorm' : 'GroupNorm', shift ? [...inputs, shift] : inputs, {
    domain: CONTRIB,
    attributes: { groups, epsilon: { float: epsilon }, activation: silu ? 1 : 0, channels_last: 1 },
  });
}

/**
 * In the WebAssembly provider: every group as one channel of an instance normalisation, which it computes in float32. The mean
 * is taken away beforehand, because that operator multiplies first: a group of nearly one colour, as the grey of a masked
 * image gives, would lose three digits.
 */
function plainGroupNorm(
  g: GraphBuilder,
  { value, batch, channels, height, width }: ImageValue,
  { name, groups, epsilon, silu: activate = false, shift }: GroupNormOptions,
): Value {
  const { type } = g.stored(`${name}.bias`);
  const shifted = shift ? g.node('Add', [value, g.node('Reshape', [shift, g.int64s(batch, channels, 1, 1)])]) : value;
  const fill = (number: number) => {
    const floats = new Float32Array(groups).fill(number);
    // 0x3c00 is 1 in half precision.
    const data = type === 'float32' ? floats : new Uint16Array(groups).fill(number === 0 ? 0 : 0x3c00);
    const tensorType = type === 'float32' ? 'float32' : 'float16';
    return g.constant(`${groups} times ${number}`, {
      type: tensorType,
      dims: [groups],
      data: new Uint8Array(data.buffer),
    });
  };
  const grouped = g.node('Reshape', [shifted, g.int64s(batch, groups, -1)]);
  const mean = g.node('ReduceMean', [grouped, g.int64s(-1)], { attributes: { keepdims: 1 } });
  const centred = g.node('Sub', [grouped, mean]);
  const normed = g.node('InstanceNormalization', [centred, fill(1), fill(0)], {
    attributes: { epsilon: { float: epsilon } },
  });
  const perChannel = (weight: Value) => g.node('Reshape', [weight, g.int64s(channels, 1, 1)]);
  const scaled = g.node('Mul', [
    g.node('Reshape', [normed, g.int64s(batch, channels, height, width)]),
    perChannel(g.weight(`${name}.scale`)),
  ]);
  const result = g.node('Add', [scaled, perChannel(g.weight(`${name}.bias`))]);
  return activate ? silu(g, result) : result;
}

/** `x · sigmoid(x)`. */
export function silu(g: GraphBuilder, x: Value): Value {
  return g.node('QuickGelu', [x], { domain: CONTRIB, attributes: { alpha: { float: 1 } } });
}

/** Sum of two images of one shape, or of every image of a batch and one. */
export function addImages(g: GraphBuilder, a: ImageValue, b: ImageValue): ImageValue {
  return { ...a, value: g.node('Add', [a.value, b.value]), batch: Math.max(a.batch, b.batch) };
}

/** The channels of all images, one after the other; a single image beside a batch is repeated. */
export function concatChannels(g: GraphBuilder, images: readonly [ImageValue, ...ImageValue[]]): ImageValue {
  const [first] = images;
  const batch = Math.max(...images.map((image) => image.batch));
  const values = images.map((image) => repeatImage(g, image, batch).value);
  return {
    ...first,
    value: g.node('Concat', values, { attributes: { axis: channelsLast(first) ? 3 : 1 } }),
    batch,
    channels: images.reduce((sum, { channels }) => sum + channels, 0),
  };
}

/** A single image as a batch of it; a batch as it is. */
export function repeatImage(g: GraphBuilder, x: ImageValue, batch: number): ImageValue {
  if (x.batch === batch) return x;
  if (x.batch !== 1) throw new RangeError(`A batch of ${x.batch} cannot become one of ${batch}`);
  const { channels, height, width } = x;
  const dims = channelsLast(x) ? [batch, height, width, channels] : [batch, channels, height, width];
  return { ...x, value: g.node('Expand', [x.value, g.int64s(...dims)]), batch };
}

/** Twice as high and wide, every pixel four times. */
export function upsampleNearest(g: GraphBuilder, x: ImageValue): ImageValue {
  const { batch, channels, height, width } = x;
  const [split, repeated, joined] = channelsLast(x)
    ? [
        [batch, height, 1, width, 1, channels],
        [batch, height, 2, width, 2, channels],
        [batch, 2 * height, 2 * width, channels],
      ]
    : [
        [batch, channels, height, 1, width, 1],
        [batch, channels, height, 2, width, 2],
        [batch, channels, 2 * height, 2 * width],
      ];
  const pixels = g.node('Reshape', [x.value, g.int64s(...split)]);
  const value = g.node('Reshape', [g.node('Expand', [pixels, g.int64s(...repeated)]), g.int64s(...joined)]);
  return { ...x, value, height: 2 * height, width: 2 * width };
}

/** The pixels as rows, images one after the other: `[batch · height · width, channels]`. */
export function imageRows(g: GraphBuilder, x: ImageValue): Value {
  const pixels = channelsLast(x) ? x.value : transposed(g, x.value, TO_LAST);
  return g.node('Reshape', [pixels, g.int64s(-1, x.channels)]);
}

/** An image from what {@link imageRows} gives. */
export function fromImageRows(g: GraphBuilder, rows: Value, shape: Omit<ImageValue, 'value'>): ImageValue {
  const { batch, channels, height, width } = shape;
  const pixels = g.node('Reshape', [rows, g.int64s(batch, height, width, channels)]);
  return { ...shape, value: channelsLast(shape) ? pixels : transposed(g, pixels, TO_FIRST) };
}

/** How diffusers' `Timesteps` embeds. */
export interface SinusoidOptions {
  /** Length of an embedding, even. */
  readonly dim: number;
  /** diffusers' `flip_sin_to_cos`: cosines first. */
  readonly cosinesFirst: boolean;
  /** diffusers' `freq_shift`. */
  readonly frequencyShift: number;
}

/** Longest period, in timesteps over 2π, of the slowest wave. */
const MAX_PERIOD = 10_000;

/**
 * Sines and cosines of numbers at falling frequencies (diffusers `get_timestep_embedding`), in float32.
 *
 * The angle is counted in turns and its whole turns dropped: WGSL promises a precise sine from −π to π only, and timesteps
 * reach 1000 radians. A cosine is a sine a quarter of a turn on.
 * @param numbers float32 `[rows, 1]`
 * @returns `[rows, dim]`
 */
export function sinusoidEmbedding(
  g: GraphBuilder,
  numbers: Value,
  { dim, cosinesFirst, frequencyShift }: SinusoidOptions,
): Value {
  const half = dim / 2;
  const isCosine = (i: number) => i < half === cosinesFirst;
  const column = (i: number) => Math.exp((-Math.log(MAX_PERIOD) * (i % half)) / (half - frequencyShift));
  const constant = (name: string, of: (i: number) => number, length = dim) =>
    g.constant(`sinusoid.${dim}.${cosinesFirst}.${frequencyShift}.${name}`, {
      type: 'float32',
      dims: [length],
      data: new Uint8Array(Float32Array.from({ length }, (_, i) => of(i)).buffer),
    });
  const turnsPerStep = constant('frequencies', (i) => column(i) / (2 * Math.PI));
  const quarter = constant('phases', (i) => (isCosine(i) ? 0.25 : 0));
  const turns = g.node('Add', [g.node('Mul', [numbers, turnsPerStep]), quarter]);
  const nearest = g.node('Floor', [g.node('Add', [turns, constant('rounding', () => 0.5, 1)])]);
  const fraction = g.node('Sub', [turns, nearest]);
  return g.node('Sin', [g.node('Mul', [fraction, constant('turn', () => 2 * Math.PI, 1)])]);
}

const TO_LAST = [0, 2, 3, 1];
const TO_FIRST = [0, 3, 1, 2];

function transposed(g: GraphBuilder, value: Value, perm: readonly number[]): Value {
  return g.node('Transpose', [value], { attributes: { perm } });
}

function channelsLast({ provider }: Pick<ImageValue, 'provider'>): boolean {
  return provider === 'webgpu';
}
