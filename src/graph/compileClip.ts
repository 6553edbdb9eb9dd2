import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import type { ClipConfig } from './clipConfig.ts';
import { clipRecipes } from './clipWeights.ts';
import { type CompileOptions, compileWeights } from './compileWeights.ts';
import { planWeights } from './storedLayout.ts';
import type { Precision, WeightIndex } from './weights.ts';

/**
 * Stores all weights of a CLIP checkpoint (transformers' CLIPModel naming) for the graphs of `buildClipVision` and
 * `buildClipText`. Every change of layout and type happens here, so that onnxruntime copies the bytes to the GPU as they
 * are: fused query, key and value, position embeddings for every image size, casts, block quantisation.
 *
 * Besides the graphs' weights the index has `logit_scale` (float32, exp not yet applied) and `text.token_embedding`
 * (`[vocabulary, width]`).
 * @throws {UserError} `CheckpointError` as {@link compileWeights}
 */
export function compileClip(checkpoint: Checkpoint, config: ClipConfig, options: CompileOptions): Promise<WeightIndex> {
  return compileWeights({ checkpoint, recipes: clipRecipes(config) }, options);
}

/** The index {@link compileClip} will return (in one shard), from the config alone: for sizes beforehand and for tests. */
export function planClip(config: ClipConfig, precision: Precision): WeightIndex {
  return planWeights(clipRecipes(config), precision);
}
