import type { JsonObject } from '../checkpoint/readJson.ts';
import { readJson } from '../checkpoint/readJson.ts';
import { parseSchedulerConfig } from '../diffusion/parseSchedulerConfig.ts';
import type { SchedulerConfig } from '../diffusion/schedulerConfig.ts';
import { UserError } from '../errors.ts';
import { type AutoencoderConfig, autoencoderDownscale, parseAutoencoderConfig } from '../graph/autoencoderConfig.ts';
import { type ControlNetConfig, parseControlNetConfig } from '../graph/controlNetConfig.ts';
import { type PasdUnetConfig, parsePasdUnetConfig } from '../graph/pasdUnetConfig.ts';
import { parseTextEncoderConfig, type TextEncoderConfig } from '../graph/textEncoderConfig.ts';
import { parseUnetConfig, type UnetConfig } from '../graph/unetConfig.ts';
import type { DiffusionPack, DiffusionPart, DiffusionPartName } from './diffusionPack.ts';
import { TierWeights } from './tierWeights.ts';

/** What predicts: a UNet, or PASD's UNet with its ControlNet. */
export type DenoisingNetwork =
  | { readonly kind: 'unet'; readonly config: UnetConfig; readonly weights: TierWeights }
  | {
      readonly kind: 'pasd';
      readonly config: PasdUnetConfig;
      readonly weights: TierWeights;
      readonly controlNet: { readonly config: ControlNetConfig; readonly weights: TierWeights };
    };

/** A text encoder and where its tokenizer lies. */
export interface TextEncoderPart {
  readonly name: 'text_encoder' | 'text_encoder_2';
  readonly config: TextEncoderConfig;
  readonly weights: TierWeights;
  /** With its trailing slash. */
  readonly tokenizerDirectory: string;
}

/** A compiled diffusion model whose configurations are read and fit each other. */
export interface DiffusionFolder {
  readonly network: DenoisingNetwork;
  readonly autoencoder: { readonly config: AutoencoderConfig; readonly weights: TierWeights };
  /** One; two for SDXL. */
  readonly textEncoders: readonly TextEncoderPart[];
  readonly scheduler: SchedulerConfig;
  /** Side in pixels the network was trained at. */
  readonly nativeSize: number;
  /** Whether an empty negative prompt is zeros rather than an encoded empty text (diffusers' `force_zeros_for_empty_prompt`). */
  readonly emptyIsZero: boolean;
}

/** diffusers' UNet2DConditionModel without `sample_size`, in latents: the sides of SD 1.x and of SDXL. */
const DEFAULT_SIDES = { sd: 64, sdxl: 128 } as const;

/**
 * Reads the configurations of a pack and opens its shards; no weight is read.
 * @throws {UserError} `CheckpointError`, `UnsupportedModelError`; whatever `shard` throws
 */
export async function readDiffusionFolder(pack: DiffusionPack): Promise<DiffusionFolder> {
  const open = (name: DiffusionPartName) => openPart(pack, name);
  const [unet, vae, text] = await Promise.all([open('unet'), open('vae'), open('text_encoder')]);
  const network = await readNetwork(pack, unet);
  const isXl = network.config.addedEmbedding !== null;
  const textEncoders: TextEncoderPart[] = [
    {
      name: 'text_encoder',
      config: parseTextEncoderConfig(text.config),
      weights: text.weights,
      tokenizerDirectory: 'tokenizer/',
    },
  ];
  if (isXl) {
    const second = await open('text_encoder_2');
    textEncoders.push({
      name: 'text_encoder_2',
      config: parseTextEncoderConfig(second.config, 'text_encoder_2/config.json'),
      weights: second.weights,
      tokenizerDirectory: 'tokenizer_2/',
    });
  }
  checkFit(pack, network, textEncoders);
  const index = pack.folder.has('model_index.json') ? await readJson(pack.folder, 'model_index.json') : {};
  const autoencoder = parseAutoencoderConfig(vae.config);
  if (autoencoder.latentChannels !== network.config.outChannels) {
    throw unsupported(
      pack,
      `its vae has ${autoencoder.latentChannels} latent channels, its unet ${network.config.outChannels}; they belong to different models`,
    );
  }
  return {
    network,
    textEncoders,
    autoencoder: { config: autoencoder, weights: vae.weights },
    scheduler: parseSchedulerConfig(await readJson(pack.folder, 'scheduler/scheduler_config.json')),
    nativeSize:
      autoencoderDownscale(autoencoder) * trainedSide(unet.config, isXl ? DEFAULT_SIDES.sdxl : DEFAULT_SIDES.sd),
    emptyIsZero: isXl && index.force_zeros_for_empty_prompt !== false,
  };
}

async function openPart(
  { parts, shard, modelName }: DiffusionPack,
  name: DiffusionPartName,
): Promise<{ config: JsonObject; weights: TierWeights }> {
  const part: DiffusionPart | undefined = parts[name];
  if (!part) {
    throw new UserError('CheckpointError', `"${modelName}" lacks its ${name}; add its whole folder again`);
  }
  const shards = new Map<string, Blob>();
  for (const file of new Set(Object.values(part.weights).map((tensor) => tensor.shard))) {
    shards.set(file, await shard(file));
  }
  return { config: part.config, weights: new TierWeights({ index: part.weights, shards }) };
}

async function readNetwork(
  pack: DiffusionPack,
  unet: { config: JsonObject; weights: TierWeights },
): Promise<DenoisingNetwork> {
  if (pack.task === 'restoration') {
    const controlNet = await openPart(pack, 'controlnet');
    return {
      kind: 'pasd',
      config: parsePasdUnetConfig(unet.config),
      weights: unet.weights,
      controlNet: { config: parseControlNetConfig(controlNet.config), weights: controlNet.weights },
    };
  }
  const config = parseUnetConfig(unet.config);
  if (config.inChannels !== 9) {
    throw unsupported(pack, `its unet has ${config.inChannels} input channels, expected 9; it is no inpainting model`);
  }
  return { kind: 'unet', config, weights: unet.weights };
}

/** @throws {UserError} `UnsupportedModelError`: parts of different models */
function checkFit(pack: DiffusionPack, { config }: DenoisingNetwork, encoders: readonly TextEncoderPart[]): void {
  const width = encoders.reduce((sum, encoder) => sum + encoder.config.text.width, 0);
  if (width !== config.crossWidth) {
    throw unsupported(
      pack,
      `its text encoders give ${width} numbers a token, its unet takes ${config.crossWidth}; they belong to different models`,
    );
  }
  const pooled = encoders.at(-1)?.config.projectionDim ?? null;
  if (config.addedEmbedding && pooled !== config.addedEmbedding.pooledWidth) {
    throw unsupported(
      pack,
      `its text_encoder_2 gives a pooled text of ${pooled ?? 0} numbers, its unet takes ${config.addedEmbedding.pooledWidth}; they belong to different models`,
    );
  }
}

function trainedSide({ sample_size: side }: JsonObject, standard: number): number {
  if (side === undefined || side === null) return standard;
  if (!Number.isInteger(side) || (side as number) < 1) {
    throw new UserError('CheckpointError', `Cannot read "unet/config.json": sample_size is ${JSON.stringify(side)}`);
  }
  return side as number;
}

function unsupported({ modelName }: DiffusionPack, detail: string): UserError {
  return new UserError('UnsupportedModelError', `Cannot use "${modelName}": ${detail}`);
}
