import type { ClipConfig, ClipTowerConfig, ClipVisionConfig } from './clipConfig.ts';
import { resizePositions } from './positionEmbedding.ts';
import type { WeightRecipe } from './weightRecipe.ts';

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
    ...layerNorm('vision.pre_norm', 'vision_model.pre_layrnorm', vision.width),
    ...blocks('vision', vision),
    surgeryBias(vision),
    ...layerNorm('vision.post_norm', 'vision_model.post_layernorm', vision.width),
    projection('vision.projection.weight', 'visual_projection.weight', [dim, vision.width]),

    plain('text.token_embedding', 'text_model.embeddings.token_embedding.weight', [text.vocabularySize, text.width]),
    plain('text.positions', 'text_model.embeddings.position_embedding.weight', [text.contextLength, text.width]),
    ...blocks('text', text),
    ...layerNorm('text.final_norm', 'text_model.final_layer_norm', text.width),
    projection('text.projection.weight', 'text_projection.weight', [dim, text.width]),

    // Read by the runtime, not by a graph; exp is not yet applied.
    { ...plain('logit_scale', 'logit_scale', []), kind: 'exact' },
  ];
}

/**
 * The class token with its position is one constant row, whatever the image; the patches' positions are stored once per
 * image size. The embeddings stay unquantised: they are few bytes, and every feature passes them.
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

function blocks(tower: 'vision' | 'text', config: ClipTowerConfig): WeightRecipe[] {
  return Array.from({ length: config.blocks }, (_, i) => {
    // The last vision block computes a query for the class token only, so its query is stored apart.
    const split = tower === 'vision' && i === config.blocks - 1;
    return block(`${tower}.blocks.${i}`, `${tower}_model.encoder.layers.${i}`, { config, split });
  }).flat();
}

function block(
  name: string,
  tensor: string,
  { config: { width, feedForwardWidth }, split }: { config: ClipTowerConfig; split: boolean },
): WeightRecipe[] {
  const attention = (stored: string, ...parts: string[]) =>
    linear(
      `${name}.${stored}`,
      parts.map((part) => `${tensor}.self_attn.${part}_proj`),
      [width, width],
    );
  return [
    ...layerNorm(`${name}.attention_norm`, `${tensor}.layer_norm1`, width),
    ...(split ? [...attention('query', 'q'), ...attention('key_value', 'k', 'v')] : attention('qkv', 'q', 'k', 'v')),
    ...attention('attention_out', 'out'),
    ...layerNorm(`${name}.feed_forward_norm`, `${tensor}.layer_norm2`, width),
    ...linear(`${name}.feed_forward_in`, [`${tensor}.mlp.fc1`], [feedForwardWidth, width]),
    ...linear(`${name}.feed_forward_out`, [`${tensor}.mlp.fc2`], [width, feedForwardWidth]),
  ];
}

/** A linear layer, or several of the same input stacked into one; `[out, in]` is the shape of each. */
function linear(name: string, layers: readonly string[], [out, inputs]: readonly [number, number]): WeightRecipe[] {
  return [
    {
      name: `${name}.weight`,
      dims: [layers.length * out, inputs],
      sources: layers.map((layer) => ({ tensor: `${layer}.weight`, shape: [out, inputs] })),
      kind: 'linear',
    },
    {
      name: `${name}.bias`,
      dims: [layers.length * out],
      sources: layers.map((layer) => ({ tensor: `${layer}.bias`, shape: [out] })),
    },
  ];
}

function layerNorm(name: string, tensor: string, width: number): WeightRecipe[] {
  return [plain(`${name}.scale`, `${tensor}.weight`, [width]), plain(`${name}.bias`, `${tensor}.bias`, [width])];
}

/** A projection into the common space; every feature passes it and it has few weights, so it is never quantised. */
function projection(name: string, tensor: string, shape: readonly number[]): WeightRecipe {
  return { ...plain(name, tensor, shape), kind: 'transposed' };
}

function plain(name: string, tensor: string, shape: readonly number[]): WeightRecipe {
  return { name, dims: shape, sources: [{ tensor, shape }] };
}
