import { type ByteSource, bytesSource } from '../../src/checkpoint/byteSource.ts';
import { readJson } from '../../src/checkpoint/readJson.ts';
import type { Precision, StoredTensor } from '../../src/graph/weights.ts';
import type { DiffusionPack, DiffusionPart, DiffusionPartName } from '../../src/runtime/diffusionPack.ts';
import { planDiffusion } from '../../workers/planDiffusion.ts';
import { MemorySink } from '../clip/memorySink.ts';

const TOKENIZER = ['vocab.json', 'merges.txt', 'tokenizer_config.json', 'special_tokens_map.json'];
const tokenizer = (directory: string) => TOKENIZER.map((file) => `${directory}/${file}`);

/** The tiny pipelines of reference/fixtures and their files. */
const FILES = {
  'sd-inpainting-tiny': [
    'model_index.json',
    'scheduler/scheduler_config.json',
    ...tokenizer('tokenizer'),
    ...['unet', 'vae'].flatMap((part) => [`${part}/config.json`, `${part}/diffusion_pytorch_model.safetensors`]),
    ...['text_encoder/config.json', 'text_encoder/model.safetensors'],
  ],
  'sdxl-inpainting-tiny': [
    'model_index.json',
    'scheduler/scheduler_config.json',
    ...tokenizer('tokenizer'),
    ...tokenizer('tokenizer_2'),
    ...['unet/config.json', 'unet/diffusion_pytorch_model.safetensors'],
    ...['vae/config.json', 'vae/diffusion_pytorch_model.fp16.safetensors'],
    ...['text_encoder', 'text_encoder_2'].flatMap((part) => [`${part}/config.json`, `${part}/model.fp16.safetensors`]),
  ],
  'pasd-tiny': [
    'model_index.json',
    'scheduler/scheduler_config.json',
    ...tokenizer('tokenizer'),
    ...['unet', 'controlnet', 'vae'].flatMap((part) => [
      `${part}/config.json`,
      `${part}/diffusion_pytorch_model.safetensors`,
    ]),
    ...['text_encoder/config.json', 'text_encoder/model.safetensors'],
  ],
} as const;
export type TinyPipeline = keyof typeof FILES;

/** Compiles a tiny pipeline as the compile worker does, into memory. */
export async function compileTinyPack(
  name: TinyPipeline,
  { precision, readFixture }: { precision: Precision; readFixture: (path: string) => Promise<Uint8Array> },
): Promise<DiffusionPack> {
  const sources = new Map<string, ByteSource>();
  for (const file of FILES[name]) {
    const bytes = (await readFixture(`${name}/${file}`)) as Uint8Array<ArrayBuffer>;
    sources.set(file, bytesSource(file, bytes));
  }
  const plan = await planDiffusion(sources, precision);
  if (plan.kind === 'maps') throw new TypeError(`${name} is no diffusion model`);
  const shards = new Map<string, Blob>();
  const parts: Partial<Record<DiffusionPartName, DiffusionPart>> = {};
  for (const part of plan.parts) {
    const sink = new MemorySink({ limit: 400_000 });
    const compiled = await part.compile({ sink });
    const weights: Record<string, StoredTensor> = {};
    for (const [weight, tensor] of Object.entries(compiled)) {
      weights[weight] = { ...tensor, shard: `${part.name}/${tensor.shard}` };
    }
    for (const [shard, bytes] of sink.shards) shards.set(`${part.name}/${shard}`, new Blob([bytes]));
    parts[part.name as DiffusionPartName] = { weights, config: await readJson(sources, `${part.name}/config.json`) };
  }
  return {
    modelName: name,
    task: plan.kind,
    parts,
    folder: sources,
    shard: async (shard) => {
      const blob = shards.get(shard);
      if (!blob) throw new RangeError(`No shard "${shard}"`);
      return blob;
    },
  };
}
