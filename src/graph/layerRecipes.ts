import type { RecipeSource, WeightRecipe } from './weightRecipe.ts';

/** Recipes of the layers that models are made of, under torch's names: `x.weight`, `x.bias`. */

/** One tensor, stored as it is. */
export function plainRecipe(name: string, source: RecipeSource): WeightRecipe {
  return { name, dims: source.shape, sources: [source] };
}

/** A normalisation over `width` features or channels: `name.scale` and `name.bias`. */
export function normRecipes(name: string, { layer, width }: { layer: string; width: number }): WeightRecipe[] {
  return [
    plainRecipe(`${name}.scale`, { tensor: `${layer}.weight`, shape: [width] }),
    plainRecipe(`${name}.bias`, { tensor: `${layer}.bias`, shape: [width] }),
  ];
}

/** A linear layer `[outputs, inputs]`, or several of the same input stacked into one; the sizes are those of each. */
export function linearRecipes(
  name: string,
  {
    layers,
    outputs,
    inputs,
    bias = true,
  }: { layers: readonly string[]; outputs: number; inputs: number; bias?: boolean },
): WeightRecipe[] {
  const weight: WeightRecipe = {
    name: `${name}.weight`,
    dims: [layers.length * outputs, inputs],
    sources: layers.map((layer) => ({ tensor: `${layer}.weight`, shape: [outputs, inputs] })),
    kind: 'linear',
  };
  if (!bias) return [weight];
  return [
    weight,
    {
      name: `${name}.bias`,
      dims: [layers.length * outputs],
      sources: layers.map((layer) => ({ tensor: `${layer}.bias`, shape: [outputs] })),
    },
  ];
}

/** A convolution `[outputs, inputs, kernel, kernel]` with its bias. */
export function convRecipes(
  name: string,
  { layer, outputs, inputs, kernel }: { layer: string; outputs: number; inputs: number; kernel: number },
): WeightRecipe[] {
  return [
    plainRecipe(`${name}.weight`, { tensor: `${layer}.weight`, shape: [outputs, inputs, kernel, kernel] }),
    plainRecipe(`${name}.bias`, { tensor: `${layer}.bias`, shape: [outputs] }),
  ];
}
