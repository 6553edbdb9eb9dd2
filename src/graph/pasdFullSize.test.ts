import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../checkpoint/readJson.ts';
import { parseControlNetConfig } from './controlNetConfig.ts';
import { controlNetRecipes } from './controlNetWeights.ts';
import { parsePasdUnetConfig } from './pasdUnetConfig.ts';
import { pasdUnetRecipes } from './pasdUnetWeights.ts';
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
