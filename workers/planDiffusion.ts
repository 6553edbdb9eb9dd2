import type { ByteSource, HubFolder } from '../src/checkpoint/byteSource.ts';
import type { Checkpoint } from '../src/checkpoint/checkpoint.ts';
import { openDiffusionParts } from '../src/checkpoint/diffusionParts.ts';
import type { JsonObject } from '../src/checkpoint/readJson.ts';
import { UserError } from '../src/errors.ts';
import { parseAutoencoderConfig } from '../src/graph/autoencoderConfig.ts';
import { autoencoderRecipes } from '../src/graph/autoencoderWeights.ts';
import { compileWeights } from '../src/graph/compileWeights.ts';
import { parseControlNetConfig } from '../src/graph/controlNetConfig.ts';
import { controlNetRecipes } from '../src/graph/controlNetWeights.ts';
import { checkPasdPair, isPasdUnet, type PasdUnetConfig, parsePasdUnetConfig } from '../src/graph/pasdUnetConfig.ts';
import { pasdUnetRecipes } from '../src/graph/pasdUnetWeights.ts';
import { planWeights } from '../src/graph/storedLayout.ts';
import { parseTextEncoderConfig } from '../src/graph/textEncoderConfig.ts';
import { textEncoderRecipes } from '../src/graph/textEncoderWeights.ts';
import { parseUnetConfig } from '../src/graph/unetConfig.ts';
import { unetRecipes } from '../src/graph/unetWeights.ts';
import type { WeightRecipe } from '../src/graph/weightRecipe.ts';
import type { Precision } from '../src/graph/weights.ts';
import type { DiffusionPartName } from '../src/runtime/diffusionPack.ts';
import { type PackPlan, type PartPlan, publishedBytes, publishedPaths } from './packPlan.ts';

/** Channels that an inpainting UNet reads: latents, mask, latents of the masked image. */
const INPAINTING_CHANNELS = 9;

/**
 * Reads a diffusion model: an inpainting model (Stable Diffusion 1.x or XL) in diffusers' layout or in a single file, or PASD's
 * `unet` and `controlnet` together with the `vae`, `text_encoder`, `tokenizer` and `scheduler` of the Stable Diffusion 1.5 it
 * was trained on, which may lie elsewhere in the same folder.
 * @param options `tokenizer`: files of an installed CLIP's tokenizer, by name, for a model that comes without one
 * @throws {UserError} `CheckpointError`, `UnsupportedModelError`
 */
export async function planDiffusion(
  folder: HubFolder,
  precision: Precision,
  { tokenizer = null }: { tokenizer?: HubFolder | null } = {},
): Promise<PackPlan> {
  const model = openDiffusionParts(folder, { tokenizer });
  const { isRestoration } = model;
  const files = new Map<string, ByteSource>();
  const parts: PartPlan[] = [];
  const add = async (
    name: DiffusionPartName,
    stored: Precision,
    recipesOf: (config: JsonObject, checkpoint: Checkpoint) => readonly WeightRecipe[],
  ) => {
    const { config, configFile, checkpoint } = await model.part(name);
    const recipes = recipesOf(config, checkpoint);
    files.set(`${name}/config.json`, configFile);
    parts.push({
      name,
      byteLength: publishedBytes(checkpoint),
      sources: publishedPaths(checkpoint),
      planned: planWeights(recipes, stored),
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
  const addText = async (name: 'text_encoder' | 'text_encoder_2', tokenizerName: 'tokenizer' | 'tokenizer_2') => {
    let vocabularySize = 0;
    await add(name, textPrecision, (config) => {
      const encoder = parseTextEncoderConfig(config, `${name}/config.json`);
      vocabularySize = encoder.text.vocabularySize;
      return textEncoderRecipes(encoder);
    });
    for (const [file, source] of await model.tokenizer(tokenizerName, { vocabularySize })) {
      files.set(`${tokenizerName}/${file}`, source);
    }
  };
  await addText('text_encoder', 'tokenizer');
  if (isXl) await addText('text_encoder_2', 'tokenizer_2');
  files.set('scheduler/scheduler_config.json', await model.schedulerConfig());
  if (model.index) files.set('model_index.json', model.index);

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
