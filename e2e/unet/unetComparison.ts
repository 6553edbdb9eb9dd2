import { bytesSource } from '../../src/checkpoint/byteSource.ts';
import type { Checkpoint } from '../../src/checkpoint/checkpoint.ts';
import { tensorAsFloat32 } from '../../src/checkpoint/dtypes.ts';
import { openCheckpoint } from '../../src/checkpoint/hubFolder.ts';
import { readJson } from '../../src/checkpoint/readJson.ts';
import { openSafetensors } from '../../src/checkpoint/safetensors.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { compileWeights } from '../../src/graph/compileWeights.ts';
import {
  conv2d,
  fromChannelsFirst,
  type ImageValue,
  type Provider,
  toChannelsFirst,
  upsampleNearest,
} from '../../src/graph/imageLayers.ts';
import { cast } from '../../src/graph/layers.ts';
import { buildUnet, middle, type UnetSizes, unetInputs } from '../../src/graph/unet.ts';
import { resnetBlock, transformer, type UnetContext } from '../../src/graph/unetBlocks.ts';
import { parseUnetConfig, type UnetConfig, type UnetLevel } from '../../src/graph/unetConfig.ts';
import { unetRecipes } from '../../src/graph/unetWeights.ts';
import type { Precision, WeightIndex } from '../../src/graph/weights.ts';
import type { TensorData } from '../../src/runtime/session.ts';
import { type Comparison, compare, type ReadFixture, type SessionFactory } from '../clip/clipComparison.ts';
import { MemorySink } from '../clip/memorySink.ts';

/**
 * Compiles the tiny UNets of reference/fixtures, runs them in whatever runtime is handed in, and compares with what
 * diffusers computed (reference/unet_goldens.py). Runs in Node and in a page.
 */

export const TINY_UNETS = ['sd-inpainting-tiny', 'sdxl-inpainting-tiny'] as const;
export type TinyUnet = (typeof TINY_UNETS)[number];

export interface UnetComparisonOptions {
  readonly provider: Provider;
  readonly precision: Precision;
  readonly readFixture: ReadFixture;
  readonly createSession: SessionFactory;
  /** Whether blocks are compared too, each in a graph of its own, and a run of the first text alone. */
  readonly blocks: boolean;
}

/** Compares the whole UNet, and its blocks fed what diffusers fed them. */
export async function compareUnet(name: TinyUnet, options: UnetComparisonOptions): Promise<Comparison[]> {
  const { precision, readFixture, provider, createSession } = options;
  const { checkpoint, config } = await openTinyUnet(name, readFixture);
  const sink = new MemorySink();
  const weights = await compileWeights({ checkpoint, recipes: unetRecipes(config) }, { precision, sink });
  const file = `golden/${name}.unet.safetensors`;
  const goldens = await readAll(await openSafetensors(bytesSource(file, await readFixture(file))));
  const sizes: UnetSizes = { provider, height: 8, width: 16, batch: 2, tokens: 77 };
  const inputs = Object.fromEntries([...goldens].filter(([key]) => INPUTS.has(key)));

  const run = async (
    model: Uint8Array,
    { feeds, output, golden }: { feeds: Record<string, Golden>; output: string; golden: Golden },
  ): Promise<Comparison> => {
    const session = await createSession(model, sink.shards);
    try {
      const [found] = Object.values(await session.run(feeds));
      expectDims(output, found, golden);
      return compare(output, found?.data, { golden: golden.data, dim: golden.dims.at(-1) as number });
    } finally {
      await session.dispose();
    }
  };
  const golden = goldens.get('prediction') as Golden;
  const comparisons = [await run(buildUnet(config, weights, sizes), { feeds: inputs, output: 'prediction', golden })];
  if (!options.blocks) return comparisons;
  const alone = Object.fromEntries(Object.entries(inputs).map(([key, value]) => [key, firstOf(value)]));
  const single = buildUnet(config, weights, { ...sizes, batch: 1 });
  comparisons.push(await run(single, { feeds: alone, output: 'prediction of one text', golden: firstOf(golden) }));
  for (const key of goldens.keys()) {
    if (!key.endsWith('.in')) continue;
    const block = key.slice(0, -'.in'.length);
    const x = goldens.get(key) as Golden;
    const output = `${block}.out`;
    const model = buildBlock(block, { config, weights, sizes, dims: x.dims });
    comparisons.push(await run(model, { feeds: { ...inputs, x }, output, golden: goldens.get(output) as Golden }));
  }
  return comparisons;
}

/** The first of a batch of two; what is no batch stays as it is. */
function firstOf({ dims, data }: Golden): Golden {
  const [batch, ...rest] = dims;
  return batch === 2 ? { dims: [1, ...rest], data: data.slice(0, data.length / 2) } : { dims, data };
}

/** Opens a tiny UNet as a user's folder would be. */
export async function openTinyUnet(
  name: TinyUnet,
  readFixture: ReadFixture,
): Promise<{ checkpoint: Checkpoint; config: UnetConfig }> {
  const files = ['config.json', 'diffusion_pytorch_model.safetensors'];
  const folder = new Map(
    await Promise.all(
      files.map(async (file) => [file, bytesSource(file, await readFixture(`${name}/unet/${file}`))] as const),
    ),
  );
  return { checkpoint: await openCheckpoint(folder), config: parseUnetConfig(await readJson(folder, 'config.json')) };
}

const INPUTS = new Set([
  'sample',
  'mask',
  'masked_image_latents',
  'timestep',
  'encoder_hidden_states',
  'text_embeds',
  'time_ids',
]);

interface Golden {
  readonly dims: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

function expectDims(output: string, found: Golden | TensorData | undefined, golden: Golden): void {
  if (found?.dims.join() !== golden.dims.join()) {
    throw new RangeError(`${output} is [${found?.dims}], its golden [${golden.dims}]`);
  }
}

async function readAll({ tensors }: Checkpoint): Promise<Map<string, Golden>> {
  const read = new Map<string, Golden>();
  for (const [name, tensor] of tensors) {
    read.set(name, { dims: tensor.shape, data: await tensorAsFloat32(tensor) });
  }
  return read;
}

/** A graph of one block: its input `x` beside the UNet's own, of which it reads the time and the text. */
function buildBlock(
  name: string,
  {
    config,
    weights,
    sizes,
    dims,
  }: { config: UnetConfig; weights: WeightIndex; sizes: UnetSizes; dims: readonly number[] },
): Uint8Array {
  const [batch = 0, channels = 0, height = 0, width = 0] = dims;
  const g = new GraphBuilder(name, weights);
  const { context } = unetInputs(g, config, sizes);
  const { type } = context;
  const value = cast(g, g.input('x', 'float32', dims), { from: 'float32', to: type });
  const x = fromChannelsFirst(g, value, { provider: sizes.provider, batch, channels, height, width });
  const result = applyBlock(name, { context, x, config });
  const y = cast(g, toChannelsFirst(g, result), { from: type, to: 'float32' });
  g.output('y', y, { type: 'float32', dims: [result.batch, result.channels, result.height, result.width] });
  return g.toBytes();
}

function applyBlock(
  name: string,
  { context, x, config }: { context: UnetContext; x: ImageValue; config: UnetConfig },
): ImageValue {
  const { g } = context;
  const [side, block, kind] = name.split('.') as [string, string, string];
  if (side === 'mid_block') return middle(context, x, { config });
  const level = config.levels.at(side === 'down_blocks' ? Number(block) : -1 - Number(block)) as UnetLevel;
  switch (kind) {
    case 'resnets':
      return resnetBlock(context, x, { name });
    case 'attentions':
      return transformer(context, x, { name, heads: level.heads, blocks: level.downTransformers });
    case 'downsamplers':
      return conv2d(g, x, { name: `${name}.conv`, stride: 2 });
    case 'upsamplers':
      return conv2d(g, upsampleNearest(g, x), { name: `${name}.conv` });
    default:
      throw new RangeError(`"${name}" is no block of a UNet`);
  }
}
