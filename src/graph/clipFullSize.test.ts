import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseClipConfig } from './clipConfig.ts';
import { buildClipText } from './clipText.ts';
import { buildClipUnpositioned } from './clipUnpositioned.ts';
import { buildClipVision } from './clipVision.ts';
import { CLIP_IMAGE_SIZES, clipRecipes } from './clipWeights.ts';
import { planClip } from './compileClip.ts';
import { consumedTensors } from './weightRecipe.ts';
import type { Precision } from './weights.ts';

interface PublishedModel {
  readonly config: Record<string, unknown>;
  readonly parameters: number;
  readonly tensors: Record<string, number[]>;
}
const MODELS: Record<string, PublishedModel> = JSON.parse(
  readFileSync(new URL('../../reference/fixtures/clip_full_size.json', import.meta.url), 'utf8'),
);

const elements = (shape: readonly number[]) => shape.reduce((product, dim) => product * dim, 1);

describe.each(Object.entries(MODELS))('%s, from its config alone', (_name, { config, parameters, tensors }) => {
  const clip = parseClipConfig(config);

  it('consumes exactly the tensors of the state dict, in their shapes', () => {
    expect(Object.fromEntries([...consumedTensors(clipRecipes(clip))].sort())).toEqual(
      Object.fromEntries(Object.entries(tensors).sort()),
    );
  });

  it('has as many parameters as the model', () => {
    const shapes = [...consumedTensors(clipRecipes(clip)).values()];
    expect(shapes.reduce((sum, shape) => sum + elements(shape), 0)).toBe(parameters);
  });

  it.each<Precision>(['fp32', 'fp16', 'q8', 'q4'])(
    'builds all graphs in %s, and they use every weight',
    (precision) => {
      const weights = planClip(clip, precision);
      const graphs = [
        ...CLIP_IMAGE_SIZES.map((imageSize) => buildClipVision(clip, weights, { imageSize })),
        buildClipUnpositioned(clip, weights, { across: 32, down: 20 }),
        buildClipText(clip, weights, { input: 'ids' }),
        buildClipText(clip, weights, { input: 'embeddings' }),
      ].map((bytes) => new TextDecoder('latin1').decode(bytes));
      const unused = Object.keys(weights).filter((name) => !graphs.some((graph) => graph.includes(name)));
      // The runtime reads this one itself.
      expect(unused).toEqual(['logit_scale']);
      // Weights are outside: a graph is its nodes and names.
      expect(Math.max(...graphs.map((graph) => graph.length))).toBeLessThan(150_000);
    },
  );
});
