import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../checkpoint/readJson.ts';
import { activationMemory } from './activationMemory.ts';
import { prefixed } from './builder.ts';
import { buildControlNet } from './controlNet.ts';
import { parseControlNetConfig } from './controlNetConfig.ts';
import { controlNetRecipes } from './controlNetWeights.ts';
import { decodeModel } from './decodeModel.ts';
import type { Provider } from './imageLayers.ts';
import { buildPasd } from './pasdUnet.ts';
import { parsePasdUnetConfig } from './pasdUnetConfig.ts';
import { pasdUnetRecipes } from './pasdUnetWeights.ts';
import { inferShapes } from './shapeInference.ts';
import { planWeights } from './storedLayout.ts';
import type { UnetSizes } from './unet.ts';
import { consumedTensors } from './weightRecipe.ts';
import type { Precision } from './weights.ts';

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

const configOf = (name: string) => (MODELS[name] as PublishedModel).config;
const gibibytes = (bytes: number) => Number((bytes / 2 ** 30).toFixed(2));

interface Choice {
  readonly pixels: number;
  readonly precision: Precision;
  readonly provider?: Provider;
  readonly batch?: number;
}

/** Graphs of full size from the configs, and the names of the weights they have. */
const GRAPHS = {
  controlnet({ precision, ...choice }: Choice) {
    const config = parseControlNetConfig(configOf('controlnet'));
    const weights = planWeights(controlNetRecipes(config), precision);
    return { weights, model: decodeModel(buildControlNet(config, weights, sizes(choice))) };
  },
  pasd: (choice: Choice) => pasd('pasd/controlnet', choice),
  'pasd with dense blocks': (choice: Choice) => pasd('pasd-rrdb/controlnet', choice),
};

function pasd(name: string, { precision, ...choice }: Choice) {
  const unet = parsePasdUnetConfig(configOf('pasd/unet'));
  const controlNet = parseControlNetConfig(configOf(name));
  const models = {
    unet: { config: unet, weights: planWeights(pasdUnetRecipes(unet), precision) },
    controlNet: { config: controlNet, weights: planWeights(controlNetRecipes(controlNet), precision) },
  };
  const weights = { ...models.unet.weights, ...prefixed(models.controlNet.weights, 'controlnet.') };
  return { weights, model: decodeModel(buildPasd(models, sizes(choice))) };
}

function sizes({ pixels, provider = 'webgpu', batch = 2 }: Omit<Choice, 'precision'>): UnetSizes {
  return { provider, batch, height: pixels / 8, width: pixels / 8, tokens: 77 };
}

/** GiB of activations in fp16 with two texts, at 512, 768 and 1024 pixels. */
const PEAKS: Readonly<Record<keyof typeof GRAPHS, readonly number[]>> = {
  controlnet: [0.08, 0.17, 0.3],
  pasd: [0.1, 0.22, 0.39],
  'pasd with dense blocks': [0.1, 0.22, 0.39],
};

describe.each(Object.entries(GRAPHS))('%s of full size', (name, build) => {
  it.each<Provider>(['webgpu', 'wasm'])(
    'has fitting shapes at 512, 768 and 1024 pixels on %s',
    { timeout: 60_000 },
    (provider) => {
      const expectShapes = (pixels: number, precision: Precision) => {
        const shapes = inferShapes(build({ pixels, precision, provider }).model);
        const side = pixels / 8;
        if (name === 'controlnet') {
          expect(shapes.get('down_0')?.dims).toEqual([2, 320, side, side]);
          expect(shapes.get('down_11')?.dims).toEqual([2, 1280, side / 8, side / 8]);
          expect(shapes.get('mid')?.dims).toEqual([2, 1280, side / 8, side / 8]);
        } else expect(shapes.get('prediction')?.dims).toEqual([2, 4, side, side]);
      };
      for (const pixels of [512, 768, 1024]) expectShapes(pixels, 'fp16');
      for (const precision of ['fp32', 'q8', 'q4'] as const) expectShapes(768, precision);
    },
  );

  it.each<Precision>(['fp32', 'q4'])('uses every weight it stores in %s', (precision) => {
    const { model, weights } = build({ pixels: 512, precision });
    const used = new Set(model.nodes.flatMap((node) => node.inputs));
    expect(Object.keys(weights).filter((weight) => !used.has(weight))).toEqual([]);
  });

  it('needs the memory written here for activations in fp16', { timeout: 60_000 }, () => {
    const measured = [512, 768, 1024].map((pixels) => {
      const memory = activationMemory(build({ pixels, precision: 'fp16' }).model);
      const [peak, largest] = [gibibytes(memory.peakBytes), gibibytes(memory.largestBytes)];
      console.log(
        `Activations of ${name} at ${pixels}²: ${peak} GiB at ${memory.peakNode}, the largest ${largest} GiB`,
      );
      return peak;
    });
    expect(measured).toEqual(PEAKS[name as keyof typeof GRAPHS]);
  });
});
