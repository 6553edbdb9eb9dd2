/** A tensor of the published checkpoint that a recipe uses, with the shape it must have. */
export interface RecipeSource {
  readonly tensor: string;
  readonly shape: readonly number[];
  /** Only rows `[start, end)` of its first axis are used; all by default. */
  readonly rows?: readonly [start: number, end: number];
  /**
   * What other versions of the libraries call the same numbers, in the same order; the shape may be written otherwise. The
   * first that a checkpoint has is taken.
   */
  readonly aliases?: readonly Omit<RecipeSource, 'aliases'>[];
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
   * weight that is never quantised. `exact`, `exactTransposed`: float32 in every precision.
   */
  readonly kind?: 'linear' | 'transposed' | 'exact' | 'exactTransposed';
  /** Makes the stored values from all sources at once; for small tensors only. */
  readonly derive?: (...sources: Float32Array[]) => Float32Array;
}

/** Names of all published tensors that recipes use, each once. */
export function consumedTensors(recipes: readonly WeightRecipe[]): Map<string, readonly number[]> {
  const consumed = new Map<string, readonly number[]>();
  for (const { sources } of recipes) for (const { tensor, shape } of sources) consumed.set(tensor, shape);
  return consumed;
}

/** The recipes with further names for their sources: those that `aliasesOf` gives for a source, after those it has. */
export function withAliases(
  recipes: readonly WeightRecipe[],
  aliasesOf: (source: RecipeSource) => readonly Omit<RecipeSource, 'aliases'>[],
): WeightRecipe[] {
  return recipes.map((recipe) => ({
    ...recipe,
    sources: recipe.sources.map((source) => {
      const aliases = [...(source.aliases ?? []), ...aliasesOf(source)];
      return aliases.length === 0 ? source : { ...source, aliases };
    }),
  }));
}
