import { bytesSource } from '../../src/checkpoint/byteSource.ts';
import type { Checkpoint } from '../../src/checkpoint/checkpoint.ts';
import { tensorAsFloat32 } from '../../src/checkpoint/dtypes.ts';
import { openCheckpoint } from '../../src/checkpoint/hubFolder.ts';
import { type JsonObject, readJson } from '../../src/checkpoint/readJson.ts';
import { openSafetensors } from '../../src/checkpoint/safetensors.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { compileWeights } from '../../src/graph/compileWeights.ts';
import { buildControlNet, conditionEmbedding } from '../../src/graph/controlNet.ts';
import { type ControlNetConfig, parseControlNetConfig } from '../../src/graph/controlNetConfig.ts';
import { CONDITION_EMBEDDING, controlNetRecipes } from '../../src/graph/controlNetWeights.ts';
import { fromChannelsFirst, type ImageValue, type Provider, toChannelsFirst } from '../../src/graph/imageLayers.ts';
import { activationType, cast } from '../../src/graph/layers.ts';
import { buildPasd, type PasdModels, pixelAttention } from '../../src/graph/pasdUnet.ts';
import { parsePasdUnetConfig } from '../../src/graph/pasdUnetConfig.ts';
import { pasdUnetRecipes } from '../../src/graph/pasdUnetWeights.ts';
import { type UnetSizes, unetInputs } from '../../src/graph/unet.ts';
import type { UnetLevel } from '../../src/graph/unetConfig.ts';
import type { Precision, WeightIndex } from '../../src/graph/weights.ts';
import { type Comparison, compare, type ReadFixture, type SessionFactory } from '../clip/clipComparison.ts';
import { MemorySink } from '../clip/memorySink.ts';

/**
 * Compiles the tiny ControlNet and PASD of reference/fixtures, runs them in whatever runtime is handed in, and compares with
 * what diffusers and reference/pasd.py computed (reference/pasd_goldens.py). Runs in Node and in a page.
 */

export interface PasdComparisonOptions {
  readonly provider: Provider;
  readonly precision: Precision;
  readonly readFixture: ReadFixture;
  readonly createSession: SessionFactory;
  /** Texts at once; of the goldens, which have two, the first. */
  readonly batch: 1 | 2;
}

interface Golden {
  readonly dims: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}
type Goldens = ReadonlyMap<string, Golden>;

const SIZES = { height: 8, width: 12, tokens: 77 };
const INPUTS = ['sample', 'timestep', 'encoder_hidden_states', 'condition', 'conditioning_scale'];

/** Residuals of `controlnet-sd-tiny`, or of the ControlNet of `pasd-tiny`. */
export async function compareControlNet(
  name: 'controlnet-sd-tiny' | 'pasd-tiny',
  options: PasdComparisonOptions,
): Promise<Comparison[]> {
  const { precision, readFixture } = options;
  const folder = name === 'pasd-tiny' ? `${name}/controlnet` : name;
  const { checkpoint, json } = await openFolder(folder, readFixture);
  const config = parseControlNetConfig(json);
  const sink = new MemorySink();
  const weights = await compileWeights({ checkpoint, recipes: controlNetRecipes(config) }, { precision, sink });
  const goldens = await openGoldens(name, options);
  const model = buildControlNet(config, weights, { ...SIZES, ...options });
  const outputs = [...goldens.keys()].filter((key) => /^(down_\d+|mid)$/.test(key));
  return run({ model, sink, goldens, feeds: inputs(goldens), outputs }, options);
}

/** The prediction of `pasd-tiny`. */
export async function comparePasd(options: PasdComparisonOptions): Promise<Comparison[]> {
  const { models, sink } = await compilePasd(options);
  const goldens = await openGoldens('pasd-tiny', options);
  const model = buildPasd(models, { ...SIZES, ...options });
  return run({ model, sink, goldens, feeds: inputs(goldens), outputs: ['prediction'] }, options);
}

/** Every pixel attention of `pasd-tiny`, fed what the reference fed it; all in one graph. */
export async function comparePixelAttention(options: PasdComparisonOptions): Promise<Comparison[]> {
  const { models, sink } = await compilePasd(options);
  const { config, weights } = models.unet;
  const goldens = await openGoldens('pasd-tiny', options);
  const sizes: UnetSizes = { ...SIZES, ...options };
  const g = new GraphBuilder('pixel_attention', weights);
  const { context } = unetInputs(g, config, sizes);
  const names = [...goldens.keys()].filter((key) => key.endsWith('.in')).map((key) => key.slice(0, -'.in'.length));
  for (const name of names) {
    const [, block, , layer] = name.split('.').map(Number) as [number, number, number, number];
    const image = (key: string) => imageInput(g, key, { dims: (goldens.get(key) as Golden).dims, ...options });
    const level = config.levels.at(-1 - block) as UnetLevel;
    const [x, residual] = [image(`${name}.in`), image(`${name}.residual`)];
    const attended = pixelAttention(context, x, { config, at: { block, layer, level }, residual });
    imageOutput(g, `${name}.out`, attended);
  }
  const used = names.flatMap((name) => [`${name}.in`, `${name}.residual`]);
  const feeds = Object.fromEntries(used.map((key) => [key, goldens.get(key) as Golden]));
  const outputs = names.map((name) => `${name}.out`);
  const unused = { ...inputs(goldens), ...feeds };
  delete unused.condition;
  delete unused.conditioning_scale;
  return run({ model: g.toBytes(), sink, goldens, feeds: unused, outputs }, options);
}

/**
 * The condition's embedding of `pasd-tiny`; of `rrdb`, with dense blocks; and of `bgr`, where the colours of image and weights
 * are both in reverse order, so that the result is that of `pasd-tiny`.
 */
export async function compareConditionEmbedding(
  variant: 'pasd-tiny' | 'rrdb' | 'bgr',
  options: PasdComparisonOptions,
): Promise<Comparison[]> {
  const { precision, readFixture } = options;
  const { checkpoint, json } = await openFolder('pasd-tiny/controlnet', readFixture);
  const changes = { rrdb: { use_rrdb: true }, bgr: { controlnet_conditioning_channel_order: 'bgr' }, 'pasd-tiny': {} };
  const config = parseControlNetConfig({ ...json, ...changes[variant] });
  const isOwn = ({ name }: { name: string }) => name.startsWith(CONDITION_EMBEDDING);
  const recipes = controlNetRecipes(config).filter(isOwn);
  const goldens = await openGoldens('pasd-tiny', options);
  const published = variant === 'rrdb' ? await openRrdb(readFixture) : checkpoint;
  const own = new Map([...published.tensors].filter(([name]) => name.startsWith(CONDITION_EMBEDDING)));
  const sink = new MemorySink();
  const weights = await compileWeights({ checkpoint: { tensors: own }, recipes }, { precision, sink });

  const output = variant === 'rrdb' ? 'rrdb.output' : 'condition_embedding';
  const given = goldens.get(variant === 'rrdb' ? 'rrdb.condition' : 'condition') as Golden;
  const condition = variant === 'bgr' ? { ...given, data: reverseColours(given.data) } : given;
  const model = buildConditionEmbedding(config, { weights, dims: given.dims, output, ...options });
  return run({ model, sink, goldens, feeds: { condition }, outputs: [output] }, options);
}

function buildConditionEmbedding(
  config: ControlNetConfig,
  { weights, output, ...image }: { weights: WeightIndex; output: string; dims: readonly number[]; provider: Provider },
): Uint8Array {
  const g = new GraphBuilder('condition', weights);
  const type = activationType(g, `${CONDITION_EMBEDDING}.conv_out.bias`);
  const x = imageInput(g, 'condition', { ...image, type });
  imageOutput(g, output, conditionEmbedding(g, x, { config, type }), type);
  return g.toBytes();
}

function imageInput(
  g: GraphBuilder,
  name: string,
  {
    dims,
    provider,
    type = activationType(g, 'conv_in.bias'),
  }: {
    dims: readonly number[];
    provider: Provider;
    type?: 'float32' | 'float16';
  },
): ImageValue {
  const [batch = 0, channels = 0, height = 0, width = 0] = dims;
  const planes = cast(g, g.input(name, 'float32', dims), { from: 'float32', to: type });
  return fromChannelsFirst(g, planes, { provider, batch, channels, height, width });
}

function imageOutput(g: GraphBuilder, name: string, x: ImageValue, type = activationType(g, 'conv_in.bias')): void {
  const { batch, channels, height, width } = x;
  const planes = cast(g, toChannelsFirst(g, x), { from: type, to: 'float32' });
  g.output(name, planes, { type: 'float32', dims: [batch, channels, height, width] });
}

async function compilePasd({ precision, readFixture }: PasdComparisonOptions): Promise<{
  models: PasdModels;
  sink: MemorySink;
}> {
  const sink = new MemorySink();
  const unetFolder = await openFolder('pasd-tiny/unet', readFixture);
  const unet = parsePasdUnetConfig(unetFolder.json);
  const controlNetFolder = await openFolder('pasd-tiny/controlnet', readFixture);
  const controlNet = parseControlNetConfig(controlNetFolder.json);
  const compile = (checkpoint: Checkpoint, recipes: ReturnType<typeof pasdUnetRecipes>) =>
    compileWeights({ checkpoint, recipes }, { precision, sink });
  return {
    models: {
      unet: { config: unet, weights: await compile(unetFolder.checkpoint, pasdUnetRecipes(unet)) },
      controlNet: {
        config: controlNet,
        weights: await compile(controlNetFolder.checkpoint, controlNetRecipes(controlNet)),
      },
    },
    sink,
  };
}

async function run(
  {
    model,
    sink,
    goldens,
    feeds,
    outputs,
  }: {
    model: Uint8Array;
    sink: MemorySink;
    goldens: Goldens;
    feeds: Readonly<Record<string, Golden>>;
    outputs: readonly string[];
  },
  { createSession }: PasdComparisonOptions,
): Promise<Comparison[]> {
  const session = await createSession(model, sink.shards);
  try {
    const found = await session.run(feeds);
    return outputs.map((output) => {
      const golden = goldens.get(output) as Golden;
      const { dims, data } = found[output] ?? { dims: [], data: undefined };
      if (dims.join() !== golden.dims.join()) {
        throw new RangeError(`${output} is [${dims}], its golden [${golden.dims}]`);
      }
      return compare(output, data, { golden: golden.data, dim: golden.dims.at(-1) as number });
    });
  } finally {
    await session.dispose();
  }
}

function inputs(goldens: Goldens): Record<string, Golden> {
  return Object.fromEntries(INPUTS.map((name) => [name, goldens.get(name) as Golden]));
}

/** All golden tensors; those of two texts cut to the batch. */
async function openGoldens(
  name: 'controlnet-sd-tiny' | 'pasd-tiny',
  { readFixture, batch }: PasdComparisonOptions,
): Promise<Goldens> {
  const { tensors } = await openFile(`golden/${name}.safetensors`, readFixture);
  const goldens = new Map<string, Golden>();
  for (const [key, tensor] of tensors) {
    const [rows = 0, ...rest] = tensor.shape;
    const data = await tensorAsFloat32(tensor);
    const isBatch = rows === 2 && rest.length > 1;
    goldens.set(key, {
      dims: isBatch ? [batch, ...rest] : tensor.shape,
      data: isBatch ? data.slice(0, (data.length / 2) * batch) : data,
    });
  }
  return goldens;
}

async function openFile(path: string, readFixture: ReadFixture): Promise<Checkpoint> {
  return openSafetensors(bytesSource(path, await readFixture(path)));
}

async function openRrdb(readFixture: ReadFixture): Promise<Checkpoint> {
  const { tensors } = await openFile('golden/pasd-tiny.safetensors', readFixture);
  const renamed = [...tensors.values()].map((tensor) => ({ ...tensor, name: tensor.name.replace(/^rrdb\./, '') }));
  return { tensors: new Map(renamed.map((tensor) => [tensor.name, tensor])) };
}

/** Opens a model's folder as a user's would be. */
async function openFolder(
  folder: string,
  readFixture: ReadFixture,
): Promise<{ checkpoint: Checkpoint; json: JsonObject }> {
  const files = ['config.json', 'diffusion_pytorch_model.safetensors'];
  const sources = files.map(async (file) => {
    return [file, bytesSource(file, await readFixture(`${folder}/${file}`))] as const;
  });
  const hub = new Map(await Promise.all(sources));
  return { checkpoint: await openCheckpoint(hub), json: await readJson(hub, 'config.json') };
}

/** `[1, 3, height, width]` with the planes in reverse order. */
function reverseColours(pixels: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const area = pixels.length / 3;
  return Float32Array.from(pixels, (_, i) => pixels[(2 - Math.floor(i / area)) * area + (i % area)] as number);
}
