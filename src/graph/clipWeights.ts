import { blockRecipes, textRecipes } from './clipBlockWeights.ts';
import type { ClipConfig, ClipVisionConfig } from './clipConfig.ts';
import { normRecipes, plainRecipe } from './layerRecipes.ts';
import { resizePositions } from './positionEmbedding.ts';
import type { RecipeSource, WeightRecipe } from './weightRecipe.ts';

/** The class token without its position. Packs that were compiled before CLIP-IQA was measured lack it. */
export const CLASS_EMBEDDING = 'vision.class_embedding';

/** Square image sizes in pixels that every CLIP is compiled for. */
export const CLIP_IMAGE_SIZES = [224, 336, 448, 512] as const;

/** Blocks at the end of the image encoder that the surgery path runs beside (CLIP Surgery's default; G-Refine eq. 1). */
export const SURGERY_BLOCKS = 6;

/** Patches on a side: the patch convolution drops what does not fill a patch. */
export function gridSide(imageSize: number, patchSize: number): number {
  return Math.floor(imageSize / patchSize);
}

/** All weights of a CLIP in transformers' naming (CLIPModel), and how our graphs store them. */
export function clipRecipes(config: ClipConfig): WeightRecipe[] {
  const { vision, text, dim } = config;
  return [
    ...visionEmbeddings(config),
    ...normRecipes('vision.pre_norm', { layer: 'vision_model.pre_layrnorm', width: vision.width }),
    // The last vision block computes a query for the class token only, so its query is stored apart.
    ...Array.from({ length: vision.blocks }, (_, i) =>
      blockRecipes(`vision.blocks.${i}`, {
        layer: `vision_model.encoder.layers.${i}`,
        config: vision,
        splitQuery: i === vision.blocks - 1,
      }),
    ).flat(),
    surgeryBias(vision),
    ...normRecipes('vision.post_norm', { layer: 'vision_model.post_layernorm', width: vision.width }),
    projection('vision.projection.weight', { tensor: 'visual_projection.weight', shape: [dim, vision.width] }),

    ...textRecipes(text),
    projection('text.projection.weight', { tensor: 'text_projection.weight', shape: [dim, text.width] }),

    // Read by the runtime, not by a graph; exp is not yet applied.
    { ...plainRecipe('logit_scale', { tensor: 'logit_scale', shape: [] }), kind: 'exact' },
  ];
}

/**
 * The class token with its position is one constant row, whatever the image; the patches' positions are stored once per
 * image size. The class token without its position is for images seen without positions. The embeddings stay unquantised: they are few bytes, and every feature passes them.
 */
function visionEmbeddings({ vision }: ClipConfig): WeightRecipe[] {
  const { width, patchSize } = vision;
  const trainedSide = gridSide(vision.imageSize, patchSize);
  const positions = {
    tensor: 'vision_model.embeddings.position_embedding.weight',
    shape: [trainedSide ** 2 + 1, width],
  };
  return [
    {
      name: 'vision.class_token',
      dims: [1, width],
      sources: [{ tensor: 'vision_model.embeddings.class_embedding', shape: [width] }, positions],
      derive: (classToken, all) => (classToken as Float32Array).map((value, c) => value + (all?.[c] as number)),
    },
    {
      name: CLASS_EMBEDDING,
      dims: [1, width],
      sources: [{ tensor: 'vision_model.embeddings.class_embedding', shape: [width] }],
    },
    {
      name: 'vision.patch_embedding.weight',
      kind: 'transposed',
      dims: [width, 3 * patchSize ** 2],
      sources: [{ tensor: 'vision_model.embeddings.patch_embedding.weight', shape: [width, 3, patchSize, patchSize] }],
    },
    ...CLIP_IMAGE_SIZES.map((imageSize): WeightRecipe => {
      const side = gridSide(imageSize, patchSize);
      return {
        name: `vision.positions.${imageSize}`,
        dims: [side ** 2, width],
        sources: [positions],
        derive: (all) =>
          resizePositions({ side: trainedSide, width, values: (all as Float32Array).subarray(width) }, side),
      };
    }),
  ];
}

/** The surgery path adds the attention outputs of its blocks and nothing reads it in between: their biases are one sum. */
function surgeryBias({ blocks, width }: ClipVisionConfig): WeightRecipe {
  const first = Math.max(0, blocks - SURGERY_BLOCKS);
  return {
    name: 'vision.surgery_bias',
    dims: [width],
    sources: Array.from({ length: blocks - first }, (_, i) => ({
      tensor: `vision_model.encoder.layers.${first + i}.self_attn.out_proj.bias`,
      shape: [width],
    })),
    derive: (...biases) =>
      Float32Array.from({ length: width }, (_, c) => biases.reduce((sum, b) => sum + (b[c] as number), 0)),
  };
}

/** A projection into the common space; every feature passes it and it has few weights, so it is never quantised. */
function projection(name: string, source: RecipeSource): WeightRecipe {
  return { ...plainRecipe(name, source), kind: 'transposed' };
}
