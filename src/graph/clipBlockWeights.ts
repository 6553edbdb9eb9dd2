import type { ClipTextConfig, ClipTowerConfig } from './clipConfig.ts';
import { linearRecipes, normRecipes, plainRecipe } from './layerRecipes.ts';
import type { WeightRecipe } from './weightRecipe.ts';

/** Everything of CLIP's text transformer but a projection, in the naming of published files: `text_model.…`. */
export function textRecipes(text: ClipTextConfig): WeightRecipe[] {
  const { width, vocabularySize, contextLength } = text;
  const embedding = (stored: string, tensor: string, count: number) =>
    plainRecipe(stored, { tensor: `text_model.embeddings.${tensor}.weight`, shape: [count, width] });
  return [
    embedding('text.token_embedding', 'token_embedding', vocabularySize),
    embedding('text.positions', 'position_embedding', contextLength),
    ...Array.from({ length: text.blocks }, (_, i) =>
      blockRecipes(`text.blocks.${i}`, { layer: `text_model.encoder.layers.${i}`, config: text }),
    ).flat(),
    ...normRecipes('text.final_norm', { layer: 'text_model.final_layer_norm', width }),
  ];
}

/**
 * One transformer block of CLIP.
 * @param splitQuery stores `query` and `key_value` instead of `qkv`
 */
export function blockRecipes(
  name: string,
  {
    layer,
    config: { width, feedForwardWidth },
    splitQuery = false,
  }: { layer: string; config: ClipTowerConfig; splitQuery?: boolean },
): WeightRecipe[] {
  const attention = (stored: string, ...parts: string[]) =>
    linearRecipes(`${name}.${stored}`, {
      layers: parts.map((part) => `${layer}.self_attn.${part}_proj`),
      outputs: width,
      inputs: width,
    });
  return [
    ...normRecipes(`${name}.attention_norm`, { layer: `${layer}.layer_norm1`, width }),
    ...(splitQuery
      ? [...attention('query', 'q'), ...attention('key_value', 'k', 'v')]
      : attention('qkv', 'q', 'k', 'v')),
    ...attention('attention_out', 'out'),
    ...normRecipes(`${name}.feed_forward_norm`, { layer: `${layer}.layer_norm2`, width }),
    ...linearRecipes(`${name}.feed_forward_in`, {
      layers: [`${layer}.mlp.fc1`],
      outputs: feedForwardWidth,
      inputs: width,
    }),
    ...linearRecipes(`${name}.feed_forward_out`, {
      layers: [`${layer}.mlp.fc2`],
      outputs: width,
      inputs: feedForwardWidth,
    }),
  ];
}
