/** A tensor of the published checkpoint that a recipe uses, with the shape it must have. */
export interface RecipeSource {
  readonly tensor: string;
  readonly shape: readonly number[];
}

/**
 * How one stored weight is made from published tensors. An architecture lists its recipes from its config alone; the
 * list is also the statement of what a checkpoint must contain.
 */
export interface WeightRecipe {
  /** Name in the graph. */
  readonly name: string;
  /** Shape before any change of layout: of the sources stacked, or of what `derive` makes. */
  readonly dims: readonly number[];
  /** Published tensors, stacked along the first axis unless `derive` says otherwise. */
  readonly sources: readonly RecipeSource[];
  /**
   * `linear`: a weight `[out, in]`, block-quantised in `q8` and `q4`, stored `[in, out]` otherwise. `transposed`: such a
   * weight that is never quantised. `exact`: float32 in every precision.
   */
  readonly kind?: 'linear' | 'transposed' | 'exact';
  /** Makes the stored values from all sources at once; for small tensors only. */
  readonly derive?: (...sources: Float32Array[]) => Float32Array;
}

/** Names of all published tensors that recipes use, each once. */
export function consumedTensors(recipes: readonly WeightRecipe[]): Map<string, readonly number[]> {
  const consumed = new Map<string, readonly number[]>();
  for (const { sources } of recipes) for (const { tensor, shape } of sources) consumed.set(tensor, shape);
  return consumed;
}
