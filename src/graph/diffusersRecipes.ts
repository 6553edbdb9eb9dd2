import { convRecipes, linearRecipes, normRecipes, plainRecipe } from './layerRecipes.ts';
import type { WeightRecipe } from './weightRecipe.ts';

/**
 * Recipes of the layers that diffusers' UNets are made of. Stored under the published names, but for the weight of a
 * normalisation, which is its `scale`, and the two halves of a gated feed-forward layer.
 */

/** A linear layer, with a bias unless told otherwise. */
export function linear(
  layer: string,
  [outputs, inputs]: readonly [outputs: number, inputs: number],
  { bias = true }: { bias?: boolean } = {},
): WeightRecipe[] {
  return linearRecipes(layer, { layers: [layer], outputs, inputs, bias });
}

/** A linear layer that is never quantised: few weights that everything depends on. */
export function exactLinear(layer: string, shape: readonly [outputs: number, inputs: number]): WeightRecipe[] {
  return linear(layer, shape).map((recipe) => (recipe.kind === 'linear' ? { ...recipe, kind: 'transposed' } : recipe));
}

/** A 1×1 convolution that our graphs compute as a linear layer; never quantised, as no convolution is. */
export function pointwise(
  layer: string,
  [outputs, inputs]: readonly [outputs: number, inputs: number],
): WeightRecipe[] {
  const weight = { tensor: `${layer}.weight`, shape: [outputs, inputs, 1, 1] };
  return [
    { name: `${layer}.weight`, dims: [outputs, inputs], sources: [weight], kind: 'transposed' },
    plainRecipe(`${layer}.bias`, { tensor: `${layer}.bias`, shape: [outputs] }),
  ];
}

/** A 2-D convolution with a square kernel and a bias. */
export function conv(
  layer: string,
  [outputs, inputs, kernel]: readonly [outputs: number, inputs: number, kernel: number],
): WeightRecipe[] {
  return convRecipes(layer, { layer, outputs, inputs, kernel });
}

/** A layer or group normalisation with scale and bias. */
export function norm(layer: string, width: number): WeightRecipe[] {
  return normRecipes(layer, { layer, width });
}

/**
 * The first layer of a gated feed-forward network (diffusers `GEGLU`): published as one, stored as `.value` and `.gate`,
 * because two products need no kernel that splits what one product gives.
 */
export function gated(layer: string, [inner, inputs]: readonly [inner: number, inputs: number]): WeightRecipe[] {
  return (['value', 'gate'] as const).flatMap((part, i): WeightRecipe[] => {
    const rows = [i * inner, (i + 1) * inner] as const;
    const weight = { tensor: `${layer}.weight`, shape: [2 * inner, inputs], rows };
    const bias = { tensor: `${layer}.bias`, shape: [2 * inner], rows };
    return [
      { name: `${layer}.${part}.weight`, dims: [inner, inputs], sources: [weight], kind: 'linear' },
      { name: `${layer}.${part}.bias`, dims: [inner], sources: [bias] },
    ];
  });
}
