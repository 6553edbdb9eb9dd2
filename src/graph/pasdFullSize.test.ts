import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../checkpoint/readJson.ts';
import { prefixed } from './builder.ts';
import { buildControlNet } from './controlNet.ts';
import { parseControlNetConfig } from './controlNetConfig.ts';
import { controlNetRecipes } from './controlNetWeights.ts';
import type { Provider } from './imageLayers.ts';
import { buildPasd } from './pasdUnet.ts';
import { parsePasdUnetConfig } from './pasdUnetConfig.ts';
import { pasdUnetRecipes } from './pasdUnetWeights.ts';
import { planWeights } from './storedLayout.ts';
import { consumedTensors } from './weightRecipe.ts';

interface PublishedModel {
  readonly config: JsonObject;
  readonly parameters: number;
  readonly tensors: Record<string, number[]>;
}
const MODELS: Record<string, PublishedModel> = JSON.parse(
  readFileSync(new URL('../../reference/fixtures/pasd_full_size.json', import.meta.url), 'utf8'),
);
/** Heads that only training reads. */
const UNREAD = /\.to_rgbs\./;

const elements = (shape: readonly number[]) => shape.reduce((product, dim) => product * dim, 1);

describe.each(Object.entries(MODELS))('%s, from its config alone', (name, { config, parameters, tensors }) => {
  const recipes = name.endsWith('unet')
    ? pasdUnetRecipes(parsePasdUnetConfig(config))
    : controlNetRecipes(parseControlNetConfig(config));
  const unread = Object.entries(tensors).filter(([tensor]) => UNREAD.test(tensor));

  it('consumes exactly the tensors of the state dict, in their shapes', () => {
    const read = Object.entries(tensors).filter(([tensor]) => !UNREAD.test(tensor));
    expect(Object.fromEntries([...consumedTensors(recipes)].sort())).toEqual(Object.fromEntries(read.sort()));
  });

  it('has as many parameters as the model', () => {
    const shapes = [...consumedTensors(recipes).values(), ...unread.map(([, shape]) => shape)];
    expect(shapes.reduce((sum, shape) => sum + elements(shape), 0)).toBe(parameters);
  });
});

const sizes = (pixels: number, provider: Provider = 'webgpu') => {
  return { provider, height: pixels / 8, width: pixels / 8, batch: 2, tokens: 77 } as const;
};
const configOf = (name: string) => (MODELS[name] as PublishedModel).config;

/** Graphs of full size in fp16, at some size in pixels. */
const GRAPHS = {
  controlnet(pixels: number, provider?: Provider) {
    const config = parseControlNetConfig(configOf('controlnet'));
    const weights = planWeights(controlNetRecipes(config), 'fp16');
    return { weights, model: buildControlNet(config, weights, sizes(pixels, provider)) };
  },
  pasd(pixels: number, provider?: Provider) {
    const unet = parsePasdUnetConfig(configOf('pasd/unet'));
    const controlNet = parseControlNetConfig(configOf('pasd/controlnet'));
    const models = {
      unet: { config: unet, weights: planWeights(pasdUnetRecipes(unet), 'fp16') },
      controlNet: { config: controlNet, weights: planWeights(controlNetRecipes(controlNet), 'fp16') },
    };
    const weights = { ...models.unet.weights, ...prefixed(models.controlNet.weights, 'controlnet.') };
    return { weights, model: buildPasd(models, sizes(pixels, provider)) };
  },
};

describe.each(Object.entries(GRAPHS))('%s of full size', (_name, build) => {
  it.each<Provider>(['webgpu', 'wasm'])('builds for %s and uses every weight', (provider) => {
    const { weights, model } = build(512, provider);
    const text = new TextDecoder('latin1').decode(model);
    expect(Object.keys(weights).filter((name) => !text.includes(name))).toEqual([]);
    // Weights are outside: a graph is its nodes and names.
    expect(model.length).toBeLessThan(1_500_000);
  });
});
