import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { activationMemory } from './activationMemory.ts';
import { decodeModel } from './decodeModel.ts';
import type { Provider } from './imageLayers.ts';
import { inferShapes } from './shapeInference.ts';
import { planWeights } from './storedLayout.ts';
import { buildUnet, type UnetSizes } from './unet.ts';
import { parseUnetConfig } from './unetConfig.ts';
import { unetRecipes } from './unetWeights.ts';
import { consumedTensors } from './weightRecipe.ts';
import type { Precision } from './weights.ts';

/** What diffusers makes of the published configs (reference/unet_full_size.py). */
interface PublishedUnet {
  readonly config: Record<string, unknown>;
  readonly parameters: number;
  readonly tensors: number;
  /** SHA-256 of the sorted lines `name [dims]` of every top-level module. */
  readonly digests: Record<string, string>;
}
const UNETS: Record<string, PublishedUnet> = JSON.parse(
  readFileSync(new URL('../../reference/fixtures/unet_full_size.json', import.meta.url), 'utf8'),
);

/** `GREFINE_GRAPHS=folder` writes graphs and shapes there, for reference/check_shapes.py. */
const GRAPHS = process.env.GREFINE_GRAPHS;

/** GiB in fp32 and fp16, for a batch of one and of two; most of it the inner feed-forward layers of the first attention. */
const PEAKS = {
  '1': [
    [0.31, 0.16],
    [0.61, 0.3],
  ],
  xl: [
    [0.21, 0.11],
    [0.4, 0.2],
  ],
};

const elements = (shape: readonly number[]) => shape.reduce((product, dim) => product * dim, 1);
const latents = (pixels: number) => ({ height: pixels / 8, width: pixels / 8, tokens: 77 });
const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`;

describe.each(Object.entries(UNETS))('%s, from its config alone', (name, { config, ...published }) => {
  const unet = parseUnetConfig(config);
  const recipes = unetRecipes(unet);
  const build = (precision: Precision, sizes: UnetSizes) =>
    decodeModel(buildUnet(unet, planWeights(recipes, precision), sizes));

  it('consumes exactly the tensors of the state dict, in their shapes', () => {
    const consumed = [...consumedTensors(recipes)].sort(([a], [b]) => (a < b ? -1 : 1));
    const hashes = new Map<string, ReturnType<typeof createHash>>();
    for (const [tensor, shape] of consumed) {
      const module = tensor.split('.')[0] as string;
      if (!hashes.has(module)) hashes.set(module, createHash('sha256'));
      hashes.get(module)?.update(`${tensor} [${shape}]\n`);
    }
    const digests = Object.fromEntries([...hashes].map(([module, hash]) => [module, hash.digest('hex')]));
    expect(digests).toEqual(published.digests);
    expect(consumed.length).toBe(published.tensors);
    expect(consumed.reduce((sum, [, shape]) => sum + elements(shape), 0)).toBe(published.parameters);
  });

  it.each<Provider>(['webgpu', 'wasm'])('has fitting shapes at 512, 768 and 1024 pixels on %s', (provider) => {
    for (const pixels of [512, 768, 1024]) {
      for (const precision of ['fp32', 'fp16', 'q8', 'q4'] as const) {
        const model = build(precision, { provider, batch: 2, ...latents(pixels) });
        const shapes = inferShapes(model);
        expect(shapes.get('prediction')?.dims).toEqual([2, 4, pixels / 8, pixels / 8]);
        if (!GRAPHS || pixels !== 768 || precision === 'fp32') continue;
        mkdirSync(GRAPHS, { recursive: true });
        const file = `${GRAPHS}/${name}.${provider}.${precision}`;
        const sizes = { provider, batch: 2, ...latents(pixels) };
        writeFileSync(`${file}.onnx`, buildUnet(unet, planWeights(recipes, precision), sizes));
        writeFileSync(`${file}.json`, JSON.stringify(Object.fromEntries(shapes)));
      }
    }
  });

  it.each<Precision>(['fp32', 'q4'])('uses every weight it stores in %s', (precision) => {
    const model = build(precision, { provider: 'webgpu', batch: 1, ...latents(512) });
    const used = new Set(model.nodes.flatMap((node) => node.inputs));
    expect(Object.keys(planWeights(recipes, precision)).filter((weight) => !used.has(weight))).toEqual([]);
  });

  it('computes attention in float32 where the config asks for it, and nothing else', () => {
    const upcast = parseUnetConfig({ ...config, upcast_attention: true });
    const sizes = { provider: 'webgpu', batch: 1, ...latents(512) } as const;
    const model = decodeModel(buildUnet(upcast, planWeights(recipes, 'fp16'), sizes));
    const shapes = inferShapes(model);
    const typesInto = (isMeant: (op: string) => boolean) =>
      new Set(
        model.nodes.flatMap(({ op, inputs }) =>
          isMeant(op) ? inputs.flatMap((name) => shapes.get(name)?.type ?? []) : [],
        ),
      );
    expect(typesInto((op) => op === 'MultiHeadAttention')).toEqual(new Set(['float32']));
    expect(typesInto((op) => /Gemm|Conv|Norm/.test(op))).toEqual(new Set(['float16']));
  });

  it('refuses latents that the levels cannot halve', () => {
    expect(() => build('fp16', { provider: 'webgpu', batch: 1, tokens: 77, height: 64, width: 66 })).toThrow(
      new RangeError(`Latents of 66×64 are not whole multiples of ${2 ** (unet.levels.length - 1)}`),
    );
  });

  it.each([1, 2])('needs the memory written here for activations at 1024 pixels, batch %i', (batch) => {
    const measured = (['fp32', 'fp16'] as const).map((precision) => {
      const memory = activationMemory(build(precision, { provider: 'webgpu', batch, ...latents(1024) }));
      const numbers = `${gibibytes(memory.peakBytes)} at ${memory.peakNode}, the largest ${gibibytes(memory.largestBytes)}`;
      console.log(`Activations of ${name} at 1024², batch ${batch}, ${precision}: ${numbers}`);
      return Number((memory.peakBytes / 2 ** 30).toFixed(2));
    });
    expect(measured).toEqual(PEAKS[unet.addedEmbedding ? 'xl' : '1'][batch - 1]);
  });
});
