import { type ByteSource, bytesSource } from '../../src/checkpoint/byteSource.ts';
import { tensorAsFloat32 } from '../../src/checkpoint/dtypes.ts';
import { openCheckpoint } from '../../src/checkpoint/hubFolder.ts';
import { type JsonObject, readJson } from '../../src/checkpoint/readJson.ts';
import { openSafetensors } from '../../src/checkpoint/safetensors.ts';
import { buildAutoencoderDecoder, buildAutoencoderEncoder } from '../../src/graph/autoencoder.ts';
import { parseAutoencoderConfig } from '../../src/graph/autoencoderConfig.ts';
import { autoencoderRecipes } from '../../src/graph/autoencoderWeights.ts';
import { endPosition, endRows } from '../../src/graph/clipText.ts';
import { compileWeights } from '../../src/graph/compileWeights.ts';
import type { Provider } from '../../src/graph/imageLayers.ts';
import { buildTextEncoder } from '../../src/graph/textEncoder.ts';
import { parseTextEncoderConfig } from '../../src/graph/textEncoderConfig.ts';
import { textEncoderRecipes } from '../../src/graph/textEncoderWeights.ts';
import type { WeightRecipe } from '../../src/graph/weightRecipe.ts';
import type { Precision, WeightIndex } from '../../src/graph/weights.ts';
import type { TensorData } from '../../src/runtime/session.ts';
import { type Comparison, compare, type ReadFixture, type SessionFactory } from '../clip/clipComparison.ts';
import { MemorySink } from '../clip/memorySink.ts';

/**
 * What carries text and images into and out of diffusion models: compiles the autoencoders and text encoders of the tiny
 * pipelines in reference/fixtures, runs them in whatever runtime is handed in, and compares with what diffusers and
 * transformers computed. Runs in Node and in a page.
 */

/** Folders of the parts, and the file each has its weights in. */
export const AUTOENCODERS = {
  'sd-inpainting-tiny': 'diffusion_pytorch_model.safetensors',
  'sdxl-inpainting-tiny': 'diffusion_pytorch_model.fp16.safetensors',
  'pasd-tiny': 'diffusion_pytorch_model.safetensors',
  'autoencoder-tiny': 'diffusion_pytorch_model.safetensors',
} as const;
export type TinyAutoencoder = keyof typeof AUTOENCODERS;

export const TEXT_ENCODERS = {
  'sd-inpainting-tiny/text_encoder': 'model.safetensors',
  'sdxl-inpainting-tiny/text_encoder': 'model.fp16.safetensors',
  'sdxl-inpainting-tiny/text_encoder_2': 'model.fp16.safetensors',
  'pasd-tiny/text_encoder': 'model.safetensors',
} as const;
export type TinyTextEncoder = keyof typeof TEXT_ENCODERS;

export interface CodecOptions {
  readonly precision: Precision;
  readonly provider: Provider;
  readonly readFixture: ReadFixture;
  readonly createSession: SessionFactory;
}

/** Blocks whose outputs the goldens of `sd-inpainting-tiny` have. */
const ENCODER_BLOCKS = ['conv_in', ...[0, 1, 2, 3].map((i) => `down_blocks.${i}`), 'mid_block'];
const DECODER_BLOCKS = ['conv_in', 'mid_block', ...[0, 1, 2, 3].map((i) => `up_blocks.${i}`)];

/** Encodes a picture and decodes latents; block by block where there are goldens of them. */
export async function compareAutoencoder(name: TinyAutoencoder, options: CodecOptions): Promise<Comparison[]> {
  const { readFixture, provider, createSession } = options;
  const file = AUTOENCODERS[name];
  const compiled = await compilePart(
    { folder: `${name}/vae`, file, parse: parseAutoencoderConfig, recipes: autoencoderRecipes },
    options,
  );
  const golden = await openGoldens('golden/autoencoders.safetensors', readFixture);
  const pixels = golden('pixels');
  const isLater = name === 'autoencoder-tiny';
  const sample = golden(isLater ? `${name}.sample` : 'sample');
  // Fewer than there are, so that its attention goes in several parts.
  const maxScores = isLater ? { maxScores: 100_000 } : {};
  const size = ({ dims }: TensorData) => ({ height: dims[2] as number, width: dims[3] as number });
  const alsoGive = (blocks: readonly string[], half: string) =>
    name === 'sd-inpainting-tiny' ? blocks.map((block) => `${half}.${block}`) : [];

  const comparisons: Comparison[] = [];
  const run = async (model: Uint8Array, feeds: Record<string, TensorData>, outputs: Record<string, string>) => {
    const session = await createSession(model, compiled.shards);
    try {
      const found = await session.run(feeds);
      for (const [output, goldenName] of Object.entries(outputs)) {
        const { data, dims } = golden(`${name}.${goldenName}`);
        const actual = found[output];
        if (actual?.dims.join() !== dims.join()) throw new RangeError(`${output} is [${actual?.dims}], not [${dims}]`);
        const dim = dims[3] as number;
        comparisons.push(compare(`${name}.${output}`, actual.data, { golden: data as Float32Array, dim }));
      }
    } finally {
      await session.dispose();
    }
  };
  const same = (names: readonly string[]) => Object.fromEntries(names.map((block) => [block, block]));
  const encoderBlocks = alsoGive(ENCODER_BLOCKS, 'encoder');
  const decoderBlocks = alsoGive(DECODER_BLOCKS, 'decoder');
  await run(
    buildAutoencoderEncoder(compiled.config, compiled.weights, {
      provider,
      ...size(pixels),
      ...maxScores,
      alsoGive: encoderBlocks,
    }),
    { pixels },
    { ...same(encoderBlocks), latents: 'latents' },
  );
  await run(
    buildAutoencoderDecoder(compiled.config, compiled.weights, {
      provider,
      ...size(sample),
      ...maxScores,
      alsoGive: decoderBlocks,
    }),
    { latents: sample },
    { ...same(decoderBlocks), pixels: 'decoded' },
  );
  return comparisons;
}

/** Encodes texts as its pipeline does, and with one block more left out (diffusers' clip_skip 1). */
export async function compareTextEncoder(name: TinyTextEncoder, options: CodecOptions): Promise<Comparison[]> {
  const { readFixture, createSession } = options;
  const compiled = await compilePart(
    { folder: name, file: TEXT_ENCODERS[name], parse: parseTextEncoderConfig, recipes: textEncoderRecipes },
    options,
  );
  const { config, weights, shards } = compiled;
  const golden = await openGoldens('golden/text-encoders.safetensors', readFixture);
  const { contextLength, endToken, width } = config.text;
  const { dims, data } = golden(`${name}.ids`);
  const ids = Int32Array.from(data as Float32Array);
  const batch = dims[0] as number;
  const ends = Array.from({ length: batch }, (_, i) =>
    endPosition(ids.subarray(i * contextLength, (i + 1) * contextLength), endToken),
  );
  const rows = endRows(ends, contextLength);

  const comparisons: Comparison[] = [];
  for (const clipSkip of [0, 1]) {
    const hidden = name.startsWith('sdxl') ? 'penultimate' : 'last';
    const session = await createSession(buildTextEncoder(config, weights, { batch, hidden, clipSkip }), shards);
    try {
      const outputs = await session.run({ ids: { dims, data: ids }, end_rows: { dims: [batch], data: rows } });
      const states = golden(`${name}.${clipSkip === 0 ? 'hidden' : 'skipped'}`).data as Float32Array;
      const skipped = `${name} skipping ${clipSkip}`;
      comparisons.push(compare(`${skipped}: hidden`, outputs.hidden?.data, { golden: states, dim: width }));
      if (config.projectionDim === null) continue;
      const pooled = golden(`${name}.pooled`).data as Float32Array;
      comparisons.push(
        compare(`${skipped}: pooled`, outputs.pooled?.data, { golden: pooled, dim: config.projectionDim }),
      );
    } finally {
      await session.dispose();
    }
  }
  return comparisons;
}

async function compilePart<Config>(
  {
    folder,
    file,
    parse,
    recipes,
  }: {
    folder: string;
    file: string;
    parse: (json: JsonObject) => Config;
    recipes: (config: Config) => readonly WeightRecipe[];
  },
  { precision, readFixture }: CodecOptions,
): Promise<{ config: Config; weights: WeightIndex; shards: ReadonlyMap<string, Uint8Array> }> {
  const files = new Map<string, ByteSource>();
  for (const name of ['config.json', file]) {
    files.set(name, bytesSource(name, await readFixture(`${folder}/${name}`)));
  }
  const config = parse(await readJson(files, 'config.json'));
  const sink = new MemorySink();
  const checkpoint = await openCheckpoint(files);
  const weights = await compileWeights({ checkpoint, recipes: recipes(config) }, { precision, sink });
  return { config, weights, shards: sink.shards };
}

async function openGoldens(path: string, readFixture: ReadFixture): Promise<(name: string) => TensorData> {
  const { tensors } = await openSafetensors(bytesSource(path, await readFixture(path)));
  const values = new Map<string, TensorData>();
  for (const [name, tensor] of tensors) {
    values.set(name, { dims: tensor.shape, data: await tensorAsFloat32(tensor) });
  }
  return (name) => {
    const value = values.get(name);
    if (!value) throw new RangeError(`No golden "${name}"`);
    return value;
  };
}
