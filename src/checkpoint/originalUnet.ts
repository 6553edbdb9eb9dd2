import type { CheckpointTensor } from './checkpoint.ts';
import { headsOf64, normGroups, type OriginalPart, type OriginalTensors } from './originalPart.ts';
import { renamedTensor } from './tensorViews.ts';

/** Names outside of the blocks. */
const PLACES = {
  'time_embed.0': 'time_embedding.linear_1',
  'time_embed.2': 'time_embedding.linear_2',
  'label_emb.0.0': 'add_embedding.linear_1',
  'label_emb.0.2': 'add_embedding.linear_2',
  'input_blocks.0.0': 'conv_in',
  'middle_block.0': 'mid_block.resnets.0',
  'middle_block.1': 'mid_block.attentions.0',
  'middle_block.2': 'mid_block.resnets.1',
  'out.0': 'conv_norm_out',
  'out.2': 'conv_out',
};
/** Names inside a residual block; those inside a transformer are the same in both layouts. */
const RESNET_LAYERS: Readonly<Record<string, string>> = {
  'in_layers.0': 'norm1',
  'in_layers.2': 'conv1',
  'emb_layers.1': 'time_emb_proj',
  'out_layers.0': 'norm2',
  'out_layers.3': 'conv2',
  skip_connection: 'conv_shortcut',
};
const RESNET_LAYER = /^(in_layers\.[02]|emb_layers\.1|out_layers\.[03]|skip_connection)(?=\.)/;
/** What comes before the name of a layer inside a block. */
const BLOCK =
  /^(?:(?:in|out)put_blocks\.\d+\.\d+(?:\.(?:op|conv))?|middle_block\.\d|time_embed\.\d|label_emb\.0\.\d|out\.\d)(?=\.)/;

/** SDXL's: the length of the sinusoids of each of six sizes, where the text encoder that would tell is not in the file. */
const SIZE_DIM = 256;
const TIME_IDS = 6;
/** Heads of an attention in Stable Diffusion 1, whatever its width. */
const SD1_HEADS = 8;

/** One resolution: its residual blocks, and the transformer blocks after each of them. */
interface Level {
  readonly resnets: string[];
  readonly transformers: number;
}

/**
 * The UNet of a single file (LDM's and SGM's `openaimodel.UNetModel`, names without `model.diffusion_model.`) as diffusers'
 * UNet2DConditionModel. Widths, depths and kinds of layers are read off the shapes. What shapes do not tell is as published: 32
 * groups, 8 heads in Stable Diffusion 1, heads of 64 channels in XL.
 * @param options `pooledWidth`: length of XL's pooled text; null where the file lacks the encoder that makes it
 * @throws {UserError} `CheckpointError`: it lacks what its shape is read off
 */
export function readOriginalUnet(
  unet: OriginalTensors,
  { pooledWidth }: { pooledWidth: number | null },
): OriginalPart & { readonly crossWidth: number } {
  const places = new Map<string, string>(Object.entries(PLACES));
  const down = walkDown(unet, places);
  const up = walkUp(unet, places);
  const channels = down.map(
    ({ resnets: [first = 'input_blocks.1.0'] }) => unet.shape(`${first}.out_layers.3.weight`, { rank: 4 })[0] ?? 0,
  );
  const crossWidth = unet.shape('middle_block.1.transformer_blocks.0.attn2.to_k.weight', { rank: 2 })[1] ?? 0;
  const isXl = unet.has('label_emb.0.0.weight');
  const middle = transformersAt(unet, 'middle_block.1');
  const heads = isXl ? headsOf64 : (width: number) => (width % SD1_HEADS === 0 ? SD1_HEADS : 1);

  const config = {
    _class_name: 'UNet2DConditionModel',
    act_fn: 'silu',
    attention_head_dim: channels.map(heads),
    block_out_channels: channels,
    center_input_sample: false,
    cross_attention_dim: crossWidth,
    down_block_types: down.map(({ transformers }) => (transformers > 0 ? 'CrossAttnDownBlock2D' : 'DownBlock2D')),
    downsample_padding: 1,
    flip_sin_to_cos: true,
    freq_shift: 0,
    in_channels: unet.shape('input_blocks.0.0.weight', { rank: 4 })[1],
    layers_per_block: down.map(({ resnets }) => resnets.length),
    mid_block_scale_factor: 1,
    norm_eps: 1e-5,
    norm_num_groups: normGroups(channels),
    out_channels: unet.shape('out.2.weight', { rank: 4 })[0],
    sample_size: isXl ? 128 : 64,
    // The middle has as many as the last level, where that has attention; a level without has one by convention.
    transformer_layers_per_block: down.map(({ transformers }, i) =>
      transformers > 0 ? transformers : i === down.length - 1 ? middle : 1,
    ),
    up_block_types: up.map(({ transformers }) => (transformers > 0 ? 'CrossAttnUpBlock2D' : 'UpBlock2D')),
    use_linear_projection: unet.tensors.get('middle_block.1.proj_in.weight')?.shape.length === 2,
    ...(isXl ? addedEmbedding(unet, pooledWidth) : {}),
  };
  return { config, checkpoint: { tensors: renamed(unet, places) }, crossWidth };
}

/** The way down: a resolution ends with `op`, the convolution that halves it. */
function walkDown(unet: OriginalTensors, places: Map<string, string>): Level[] {
  const levels: Level[] = [{ resnets: [], transformers: 0 }];
  for (let i = 1; ; i++) {
    const block = `input_blocks.${i}`;
    const level = levels.length - 1;
    if (unet.has(`${block}.0.op.weight`)) {
      places.set(`${block}.0.op`, `down_blocks.${level}.downsamplers.0.conv`);
      levels.push({ resnets: [], transformers: 0 });
    } else if (unet.has(`${block}.0.in_layers.0.weight`)) {
      addLayer(unet, { places, levels, block, name: `down_blocks.${level}` });
    } else {
      return levels;
    }
  }
}

/** The way up: a resolution ends with a convolution after the last of its layers, behind its attention if it has one. */
function walkUp(unet: OriginalTensors, places: Map<string, string>): Level[] {
  const levels: Level[] = [{ resnets: [], transformers: 0 }];
  for (let i = 0; ; i++) {
    const block = `output_blocks.${i}`;
    const name = `up_blocks.${levels.length - 1}`;
    if (!unet.has(`${block}.0.in_layers.0.weight`)) return levels;
    addLayer(unet, { places, levels, block, name });
    const upsampler = [1, 2].find((at) => unet.has(`${block}.${at}.conv.weight`));
    if (upsampler === undefined) continue;
    places.set(`${block}.${upsampler}.conv`, `${name}.upsamplers.0.conv`);
    levels.push({ resnets: [], transformers: 0 });
  }
}

/** A residual block, and the transformer that may follow it, at the last level so far. */
function addLayer(
  unet: OriginalTensors,
  { places, levels, block, name }: { places: Map<string, string>; levels: Level[]; block: string; name: string },
): void {
  const { resnets, transformers } = levels.pop() as Level;
  places.set(`${block}.0`, `${name}.resnets.${resnets.length}`);
  places.set(`${block}.1`, `${name}.attentions.${resnets.length}`);
  levels.push({
    resnets: [...resnets, `${block}.0`],
    transformers: Math.max(transformers, transformersAt(unet, `${block}.1`)),
  });
}

function transformersAt(unet: OriginalTensors, attention: string): number {
  return unet.count((i) => `${attention}.transformer_blocks.${i}.norm1.weight`);
}

/** What SDXL adds to the time embedding: six sizes and the pooled text, which share one width. */
function addedEmbedding(unet: OriginalTensors, pooledWidth: number | null) {
  const width = unet.shape('label_emb.0.0.weight', { rank: 2 })[1] ?? 0;
  return {
    addition_embed_type: 'text_time',
    addition_time_embed_dim: pooledWidth === null ? SIZE_DIM : (width - pooledWidth) / TIME_IDS,
    projection_class_embeddings_input_dim: width,
  };
}

/** A name without a place stays, so that whoever compares names with the config reports it. */
function renamed(unet: OriginalTensors, places: ReadonlyMap<string, string>): Map<string, CheckpointTensor> {
  const tensors = new Map<string, CheckpointTensor>();
  for (const [original, tensor] of unet.tensors) {
    const block = BLOCK.exec(original)?.[0] ?? '';
    const place = places.get(block);
    const layer = original.slice(block.length + 1).replace(RESNET_LAYER, (found) => RESNET_LAYERS[found] as string);
    const name = place === undefined ? original : `${place}.${layer}`;
    tensors.set(name, renamedTensor(tensor, name));
  }
  return tensors;
}
