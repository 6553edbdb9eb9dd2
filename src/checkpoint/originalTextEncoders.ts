import type { CheckpointTensor } from './checkpoint.ts';
import { headsOf64, type OriginalPart, type OriginalTensors } from './originalPart.ts';
import { renamedTensor, tensorRows, transposedTensor } from './tensorViews.ts';

/** What files carry beside a text encoder that guides nothing: scales and projections of its CLIP, attention's mask. */
const UNUSED_OF_CLIP = /^(logit_scale|text_projection(\.weight)?)$/;
const UNUSED_OF_OPEN_CLIP = /^(logit_scale|attn_mask)$/;

/** As in the published configs: the legacy ids that every CLIP of openai was published with, and so those of bigG. */
const PUBLISHED = {
  attention_dropout: 0,
  bos_token_id: 0,
  eos_token_id: 2,
  layer_norm_eps: 1e-5,
  model_type: 'clip_text_model',
  pad_token_id: 1,
};

/**
 * The text encoder of Stable Diffusion 1 and the first of XL, which is transformers' CLIPTextModel already (names without
 * `cond_stage_model.transformer.` or `conditioner.embedders.0.transformer.`). Heads have 64 channels.
 * @throws {UserError} `CheckpointError`: it lacks what its shape is read off
 */
export function readOriginalClip(clip: OriginalTensors): OriginalPart {
  // Written without the prefix by some versions of transformers, and of the programs that merge models.
  const prefix = clip.has('text_model.embeddings.token_embedding.weight') ? 'text_model.' : '';
  const tensors = new Map<string, CheckpointTensor>();
  for (const [original, tensor] of clip.tensors) {
    if (UNUSED_OF_CLIP.test(original)) continue;
    const name = `text_model.${original.slice(original.startsWith(prefix) ? prefix.length : 0)}`;
    tensors.set(name, renamedTensor(tensor, name));
  }
  const [vocabulary, width = 0] = clip.shape(`${prefix}embeddings.token_embedding.weight`, { rank: 2 });
  const layers = `${prefix}encoder.layers`;
  const config = {
    ...PUBLISHED,
    architectures: ['CLIPTextModel'],
    hidden_act: 'quick_gelu',
    hidden_size: width,
    intermediate_size: clip.shape(`${layers}.0.mlp.fc1.weight`, { rank: 2 })[0],
    max_position_embeddings: clip.shape(`${prefix}embeddings.position_embedding.weight`, { rank: 2 })[0],
    num_attention_heads: headsOf64(width),
    num_hidden_layers: clip.count((i) => `${layers}.${i}.layer_norm1.weight`),
    projection_dim: width,
    vocab_size: vocabulary,
  };
  return { config, checkpoint: { tensors } };
}

/** Names of OpenCLIP outside of its blocks, and inside. */
const OPEN_CLIP_NAMES: Readonly<Record<string, string>> = {
  positional_embedding: 'text_model.embeddings.position_embedding.weight',
  'token_embedding.weight': 'text_model.embeddings.token_embedding.weight',
  'ln_final.weight': 'text_model.final_layer_norm.weight',
  'ln_final.bias': 'text_model.final_layer_norm.bias',
};
const OPEN_CLIP_LAYERS: Readonly<Record<string, string>> = {
  ln_1: 'layer_norm1',
  ln_2: 'layer_norm2',
  'mlp.c_fc': 'mlp.fc1',
  'mlp.c_proj': 'mlp.fc2',
  'attn.out_proj': 'self_attn.out_proj',
};
const OPEN_CLIP_LAYER = /^transformer\.resblocks\.(\d+)\.(ln_1|ln_2|mlp\.c_fc|mlp\.c_proj|attn\.out_proj)\./;
const FUSED = /^transformer\.resblocks\.(\d{1,2})\.attn\.in_proj_(weight|bias)$/;

/**
 * The second text encoder of XL, OpenCLIP's bigG (names without `conditioner.embedders.1.model.`), as transformers'
 * CLIPTextModelWithProjection. Query, key and value are one matrix there and three here; the projection is a matrix that
 * is multiplied from the right, here a linear layer.
 * @throws {UserError} `CheckpointError`: it lacks what its shape is read off
 */
export function readOriginalOpenClip(clip: OriginalTensors): OriginalPart & { readonly projectionWidth: number } {
  const tensors = new Map<string, CheckpointTensor>();
  const add = (tensor: CheckpointTensor) => tensors.set(tensor.name, tensor);
  for (const [original, tensor] of clip.tensors) {
    if (UNUSED_OF_OPEN_CLIP.test(original)) continue;
    const fused = FUSED.exec(original);
    const rows = tensor.shape[0] ?? 0;
    if (fused && rows > 0 && rows % 3 === 0) {
      const layer = `text_model.encoder.layers.${fused[1]}.self_attn`;
      for (const [i, part] of ['q', 'k', 'v'].entries()) {
        const third = { start: (i * rows) / 3, end: ((i + 1) * rows) / 3 };
        add(tensorRows(tensor, `${layer}.${part}_proj.${fused[2]}`, third));
      }
    } else if (original === 'text_projection' && tensor.shape.length === 2) {
      add(transposedTensor(tensor, 'text_projection.weight'));
    } else {
      add(renamedTensor(tensor, openClipName(original)));
    }
  }
  const [vocabulary, width = 0] = clip.shape('token_embedding.weight', { rank: 2 });
  const [projectionWidth = 0] = tensors.get('text_projection.weight')?.shape ?? [width];
  const config = {
    ...PUBLISHED,
    architectures: ['CLIPTextModelWithProjection'],
    hidden_act: 'gelu',
    hidden_size: width,
    intermediate_size: clip.shape('transformer.resblocks.0.mlp.c_fc.weight', { rank: 2 })[0],
    max_position_embeddings: clip.shape('positional_embedding', { rank: 2 })[0],
    num_attention_heads: headsOf64(width),
    num_hidden_layers: clip.count((i) => `transformer.resblocks.${i}.ln_1.weight`),
    projection_dim: projectionWidth,
    vocab_size: vocabulary,
  };
  return { config, checkpoint: { tensors }, projectionWidth };
}

function openClipName(original: string): string {
  return (
    (Object.hasOwn(OPEN_CLIP_NAMES, original) ? OPEN_CLIP_NAMES[original] : undefined) ??
    original.replace(
      OPEN_CLIP_LAYER,
      (_, block, layer) => `text_model.encoder.layers.${block}.${OPEN_CLIP_LAYERS[layer]}.`,
    )
  );
}
