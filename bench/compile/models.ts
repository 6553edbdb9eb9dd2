import codecs from '../../reference/fixtures/codec_full_size.json' with { type: 'json' };
import unets from '../../reference/fixtures/unet_full_size.json' with { type: 'json' };
import { parseTextEncoderConfig } from '../../src/graph/textEncoderConfig.ts';
import { textEncoderRecipes } from '../../src/graph/textEncoderWeights.ts';
import { parseUnetConfig } from '../../src/graph/unetConfig.ts';
import { unetRecipes } from '../../src/graph/unetWeights.ts';
import { consumedTensors, type WeightRecipe } from '../../src/graph/weightRecipe.ts';
import type { BenchModel } from './benchRequest.ts';

/** One published file, by the shapes of its tensors, and what is made of it. */
export interface ModelFile {
  readonly name: string;
  readonly tensors: ReadonlyMap<string, readonly number[]>;
  readonly recipes: readonly WeightRecipe[];
}

/** Files that are compiled one after another, as they are published in their full size. */
export function modelFiles(model: BenchModel): ModelFile[] {
  if (model === 'sd15') return [unet('stable-diffusion-inpainting')];
  if (model === 'text') return [textEncoder('stable-diffusion-v1-5/text_encoder')];
  return [unet('stable-diffusion-xl-1.0-inpainting-0.1'), textEncoder('stable-diffusion-xl-base-1.0/text_encoder_2')];
}

function unet(name: keyof typeof unets): ModelFile {
  return modelFile(name, unetRecipes(parseUnetConfig(unets[name].config)));
}

function textEncoder(name: keyof typeof codecs): ModelFile {
  return modelFile(name.replaceAll('/', '-'), textEncoderRecipes(parseTextEncoderConfig(codecs[name].config)));
}

function modelFile(name: string, recipes: readonly WeightRecipe[]): ModelFile {
  // In the order of their names, as the safetensors library writes them.
  const tensors = new Map([...consumedTensors(recipes)].sort(([a], [b]) => (a < b ? -1 : 1)));
  return { name, tensors, recipes };
}
