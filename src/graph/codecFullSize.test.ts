import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../checkpoint/readJson.ts';
import { type ActivationMemory, activationMemory } from './activationMemory.ts';
import { type AutoencoderOptions, buildAutoencoderDecoder, buildAutoencoderEncoder } from './autoencoder.ts';
import { parseAutoencoderConfig } from './autoencoderConfig.ts';
import { autoencoderRecipes } from './autoencoderWeights.ts';
import { decodeModel } from './decodeModel.ts';
import type { Provider } from './imageLayers.ts';
import { inferShapes } from './shapeInference.ts';
import { planWeights } from './storedLayout.ts';
import { buildTextEncoder } from './textEncoder.ts';
import { parseTextEncoderConfig } from './textEncoderConfig.ts';
import { textEncoderRecipes } from './textEncoderWeights.ts';
import { consumedTensors, type WeightRecipe } from './weightRecipe.ts';
import type { Precision } from './weights.ts';

/** What diffusers and transformers make of the published configs (reference/codec_full_size.py). */
interface PublishedModel {
  readonly config: JsonObject;
  readonly parameters: number;
  readonly tensors: number;
  /** SHA-256 of the sorted lines `name [dims]` of every top-level module. */
  readonly digests: Record<string, string>;
}
const MODELS: Record<string, PublishedModel> = JSON.parse(
  readFileSync(new URL('../../reference/fixtures/codec_full_size.json', import.meta.url), 'utf8'),
);
const AUTOENCODERS = Object.entries(MODELS).filter(([, { config }]) => config._class_name === 'AutoencoderKL');
const TEXT_ENCODERS = Object.entries(MODELS).filter(([, { config }]) => config.model_type === 'clip_text_model');

/**
 * GiB of encoder and decoder: in all, and of the largest value. The decoder's peak is where its finest level begins.
 */
const IN_FLOATS = [
  [1.5, 0.5],
  [2.5, 1],
];
const IN_HALVES = [
  [0.75, 0.25],
  [1.25, 0.5],
];

const gibibytes = (bytes: number) => Number((bytes / 2 ** 30).toFixed(2));

function expectSameTensors(recipes: readonly WeightRecipe[], published: PublishedModel): void {
  const consumed = [...consumedTensors(recipes)].sort(([a], [b]) => (a < b ? -1 : 1));
  const lines: Record<string, string> = {};
  let parameters = 0;
  for (const [tensor, shape] of consumed) {
    const module = tensor.split('.')[0] as string;
    lines[module] = `${lines[module] ?? ''}${tensor} [${shape}]\n`;
    parameters += shape.reduce((product, dim) => product * dim, 1);
  }
  const digests = Object.entries(lines).map(([module, text]) => {
    return [module, createHash('sha256').update(text).digest('hex')];
  });
  expect(Object.fromEntries(digests)).toEqual(published.digests);
  expect([consumed.length, parameters]).toEqual([published.tensors, published.parameters]);
}

describe.each(AUTOENCODERS)('%s, from its config alone', (name, published) => {
  const config = parseAutoencoderConfig(published.config);
  const recipes = autoencoderRecipes(config);
  const halves = (precision: Precision, { provider, pixels }: { provider: Provider; pixels: number }) => {
    const weights = planWeights(recipes, precision);
    const build = (of: typeof buildAutoencoderEncoder, side: number, options: Partial<AutoencoderOptions> = {}) =>
      decodeModel(of(config, weights, { provider, height: side, width: side, ...options }));
    return { encoder: build(buildAutoencoderEncoder, pixels), decoder: build(buildAutoencoderDecoder, pixels / 8) };
  };

  it('consumes exactly the tensors of the state dict, in their shapes', () => expectSameTensors(recipes, published));

  it.each<Provider>(['webgpu', 'wasm'])('has fitting shapes at 512, 768 and 1024 pixels on %s', (provider) => {
    for (const pixels of [512, 768, 1024]) {
      for (const precision of ['fp32', 'fp16'] as const) {
        const { encoder, decoder } = halves(precision, { provider, pixels });
        expect(inferShapes(encoder).get('latents')?.dims).toEqual([1, 4, pixels / 8, pixels / 8]);
        expect(inferShapes(decoder).get('pixels')?.dims).toEqual([1, 3, pixels, pixels]);
      }
    }
  });

  it.each<Precision>(['fp32', 'q4'])('uses every weight it stores in %s', (precision) => {
    const { encoder, decoder } = halves(precision, { provider: 'webgpu', pixels: 512 });
    const used = new Set([encoder, decoder].flatMap(({ nodes }) => nodes.flatMap((node) => node.inputs)));
    expect(Object.keys(planWeights(recipes, precision)).filter((weight) => !used.has(weight))).toEqual([]);
  });

  it('stores and computes halves only where they do not overflow', () => {
    const types = new Set(Object.values(planWeights(recipes, 'fp16')).map(({ type }) => type));
    expect([...types]).toEqual([name === 'stable-diffusion-xl-base-1.0/vae' ? 'float32' : 'float16']);
  });

  it('needs the memory written here for activations at 1024 pixels', () => {
    const peaks = (['fp32', 'fp16'] as const).map((precision) => {
      const { encoder, decoder } = halves(precision, { provider: 'webgpu', pixels: 1024 });
      return [encoder, decoder].map((half, i) => {
        const memory: ActivationMemory = activationMemory(half);
        const numbers = `${gibibytes(memory.peakBytes)} GiB at ${memory.peakNode}, the largest ${gibibytes(memory.largestBytes)} GiB`;
        console.log(`Activations of ${name} ${i === 0 ? 'encoder' : 'decoder'} at 1024², ${precision}: ${numbers}`);
        return [gibibytes(memory.peakBytes), gibibytes(memory.largestBytes)];
      });
    });
    expect(peaks).toEqual([IN_FLOATS, config.forceUpcast ? IN_FLOATS : IN_HALVES]);
  });
});

describe.each(TEXT_ENCODERS)('%s, from its config alone', (_name, published) => {
  const config = parseTextEncoderConfig(published.config);
  const recipes = textEncoderRecipes(config);

  it('consumes exactly the tensors of the state dict, in their shapes', () => expectSameTensors(recipes, published));

  it.each<Precision>(['fp32', 'fp16', 'q8', 'q4'])('has fitting shapes in %s, and uses its weights', (precision) => {
    const weights = planWeights(recipes, precision);
    const models = (['last', 'penultimate'] as const).map((hidden) =>
      decodeModel(buildTextEncoder(config, weights, { batch: 2, hidden })),
    );
    for (const model of models) {
      const shapes = inferShapes(model);
      expect(shapes.get('hidden')?.dims).toEqual([2, 77, config.text.width]);
      if (config.projectionDim !== null) expect(shapes.get('pooled')?.dims).toEqual([2, config.projectionDim]);
    }
    const used = new Set(models.flatMap(({ nodes }) => nodes.flatMap((node) => node.inputs)));
    expect(Object.keys(weights).filter((weight) => !used.has(weight))).toEqual([]);
  });
});
