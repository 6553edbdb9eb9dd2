import type { ByteSource, HubFolder } from '../src/checkpoint/byteSource.ts';
import type { Checkpoint } from '../src/checkpoint/checkpoint.ts';
import { checkpointError } from '../src/checkpoint/checkpointError.ts';
import { openCheckpoint } from '../src/checkpoint/hubFolder.ts';
import { findModelDirectory } from '../src/checkpoint/modelDirectory.ts';
import { type JsonObject, readJson } from '../src/checkpoint/readJson.ts';
import { UserError } from '../src/errors.ts';
import { parseAutoencoderConfig } from '../src/graph/autoencoderConfig.ts';
import { autoencoderRecipes } from '../src/graph/autoencoderWeights.ts';
import { compileWeights } from '../src/graph/compileWeights.ts';
import { parseControlNetConfig } from '../src/graph/controlNetConfig.ts';
import { controlNetRecipes } from '../src/graph/controlNetWeights.ts';
import { checkPasdPair, isPasdUnet, type PasdUnetConfig, parsePasdUnetConfig } from '../src/graph/pasdUnetConfig.ts';
import { pasdUnetRecipes } from '../src/graph/pasdUnetWeights.ts';
import { parseTextEncoderConfig } from '../src/graph/textEncoderConfig.ts';
import { textEncoderRecipes } from '../src/graph/textEncoderWeights.ts';
import { parseUnetConfig } from '../src/graph/unetConfig.ts';
import { unetRecipes } from '../src/graph/unetWeights.ts';
import type { WeightRecipe } from '../src/graph/weightRecipe.ts';
import type { Precision } from '../src/graph/weights.ts';
import type { DiffusionPartName } from '../src/runtime/diffusionPack.ts';
import { type PackPlan, type PartPlan, publishedBytes } from './packPlan.ts';

/** Channels that an inpainting UNet reads: latents, mask, latents of the masked image. */
const INPAINTING_CHANNELS = 9;

/** Published files beside the weights that are kept where the folder has them. */
const TOKENIZER_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'vocab.json',
  'merges.txt',
];

/** Whether a folder holds a diffusion model (diffusers' layout) rather than a CLIP. */
export function isDiffusionFolder(folder: HubFolder): boolean {
  return [...folder.keys()].some((path) => /(^|\/)(model_index\.json|unet\/config\.json)$/.test(path));
}

/**
 * Reads a folder in diffusers' layout: an inpainting model (Stable Diffusion 1.x or XL), or PASD's `unet` and `controlnet`
 * together with the `vae`, `text_encoder`, `tokenizer` and `scheduler` of the Stable Diffusion 1.5 it was trained on, which
 * may lie elsewhere in the same folder.
 * @throws {UserError} `CheckpointError`, `UnsupportedModelError`
 */
export async function planDiffusion(folder: HubFolder, precision: Precision): Promise<PackPlan> {
  const isRestoration = [...folder.keys()].some((path) => /(^|\/)controlnet\/config\.json$/.test(path));
  // PASD's two networks lie side by side; a whole Stable Diffusion in the same folder has a `unet` of its own.
  const anchor = findModelDirectory(folder, { directory: isRestoration ? 'controlnet' : 'unet' });
  const base = anchor.replace(/[^/]+\/$/, '');
  const locate = (part: string) =>
    folder.has(`${base}${part}/config.json`) ? `${base}${part}/` : findModelDirectory(folder, { directory: part });

  const files = new Map<string, ByteSource>();
  const keep = (path: string, from: string) => {
    const source = folder.get(from);
    if (source) files.set(path, source);
  };
  const parts: PartPlan[] = [];
  const add = async (
    name: DiffusionPartName,
    stored: Precision,
    recipesOf: (config: JsonObject, checkpoint: Checkpoint) => readonly WeightRecipe[],
  ) => {
    const directory = locate(name);
    const config = await readJson(folder, `${directory}config.json`);
    const checkpoint = await openCheckpoint(folder, { directory });
    const recipes = recipesOf(config, checkpoint);
    keep(`${name}/config.json`, `${directory}config.json`);
    parts.push({
      name,
      byteLength: publishedBytes(checkpoint),
      compile: (options) => compileWeights({ checkpoint, recipes }, { ...options, precision: stored }),
    });
  };

  let isXl = false;
  let pasdUnet: PasdUnetConfig | null = null;
  await add('unet', precision, (config, checkpoint) => {
    if (isRestoration) {
      if (!isPasdUnet(checkpoint.tensors.keys())) throw noPasd();
      pasdUnet = parsePasdUnetConfig(config);
      return pasdUnetRecipes(pasdUnet);
    }
    const unet = parseUnetConfig(config);
    if (unet.inChannels !== INPAINTING_CHANNELS) throw noInpaintingModel(unet.inChannels);
    isXl = unet.addedEmbedding !== null;
    return unetRecipes(unet);
  });
  if (isRestoration) {
    await add('controlnet', precision, (config) => {
      const controlNet = parseControlNetConfig(config);
      checkPasdPair(pasdUnet as PasdUnetConfig, controlNet);
      return controlNetRecipes(controlNet);
    });
  }
  await add('vae', precision, (config) => autoencoderRecipes(parseAutoencoderConfig(config)));
  // Four bits lose too much of the words; text encoders are a small part of the whole.
  const textPrecision = precision === 'q4' ? 'q8' : precision;
  for (const name of isXl ? (['text_encoder', 'text_encoder_2'] as const) : (['text_encoder'] as const)) {
    await add(name, textPrecision, (config) => textEncoderRecipes(parseTextEncoderConfig(config)));
  }
  for (const tokenizer of isXl ? ['tokenizer', 'tokenizer_2'] : ['tokenizer']) {
    const directory = sharedDirectory(folder, { base, name: tokenizer, marker: /(vocab|tokenizer)\.json$/ });
    for (const file of TOKENIZER_FILES) keep(`${tokenizer}/${file}`, `${directory}${file}`);
  }
  const scheduler = sharedDirectory(folder, { base, name: 'scheduler', marker: /scheduler_config\.json$/ });
  keep('scheduler/scheduler_config.json', `${scheduler}scheduler_config.json`);
  keep('model_index.json', `${base}model_index.json`);

  return {
    kind: isRestoration ? 'restoration' : 'inpainting',
    description: isRestoration ? 'PASD restoration' : `Stable Diffusion ${isXl ? 'XL' : '1.x'} inpainting`,
    precision,
    imageSizes: [],
    hasLearnedContexts: false,
    parts,
    files,
  };
}

/** Directory of something without weights, beside the model or anywhere in the dropped folder. */
function sharedDirectory(
  folder: HubFolder,
  { base, name, marker }: { base: string; name: string; marker: RegExp },
): string {
  const directories = [...folder.keys()]
    .filter((path) => marker.test(path) && `/${path}`.replace(/[^/]*$/, '').endsWith(`/${name}/`))
    .map((path) => path.replace(/[^/]*$/, ''));
  const own = directories.find((directory) => directory === `${base}${name}/`);
  const found = own ?? directories.sort((a, b) => a.length - b.length)[0];
  if (found === undefined) {
    throw checkpointError(
      `${name}/`,
      'it is not in the folder; put it there from the Stable Diffusion the model belongs to, as its authors publish it',
    );
  }
  return found;
}

function noInpaintingModel(channels: number): UserError {
  return new UserError(
    'UnsupportedModelError',
    `This is no inpainting model: its UNet reads ${channels} channels, expected ${INPAINTING_CHANNELS}. Choose one whose name says inpainting, for example stable-diffusion-inpainting.`,
  );
}

function noPasd(): UserError {
  return new UserError(
    'UnsupportedModelError',
    'The UNet beside this ControlNet has no pixel-aware attention, so it is not PASD. Choose the folder with the unet and controlnet of one PASD checkpoint.',
  );
}
