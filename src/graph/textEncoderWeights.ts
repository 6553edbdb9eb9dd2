import { textRecipes } from './clipBlockWeights.ts';
import { plainRecipe } from './layerRecipes.ts';
import type { TextEncoderConfig } from './textEncoderConfig.ts';
import { type WeightRecipe, withAliases } from './weightRecipe.ts';

/**
 * All weights of a text encoder and how {@link buildTextEncoder} wants them stored. Names are those of published files,
 * `text_model.…`; transformers 5 writes CLIPTextModel without that prefix.
 */
export function textEncoderRecipes({ text, projectionDim }: TextEncoderConfig): WeightRecipe[] {
  const transformer = withAliases(textRecipes(text), ({ tensor, shape }) => [
    { tensor: tensor.replace(/^text_model\./, ''), shape },
  ]);
  if (projectionDim === null) return transformer;
  // One row a prompt passes it, and all of its picture depends on that row: never quantised.
  const projection = plainRecipe('text.projection.weight', {
    tensor: 'text_projection.weight',
    shape: [projectionDim, text.width],
  });
  return [...transformer, { ...projection, kind: 'transposed' }];
}
