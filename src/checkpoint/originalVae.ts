import type { CheckpointTensor } from './checkpoint.ts';
import { normGroups, type OriginalPart, type OriginalTensors } from './originalPart.ts';
import { renamedTensor } from './tensorViews.ts';

/** Parts of the attention of the middle. */
const ATTENTION: Readonly<Record<string, string>> = {
  norm: 'group_norm',
  q: 'to_q',
  k: 'to_k',
  v: 'to_v',
  proj_out: 'to_out.0',
};
/** What only its training used: the discriminator, and averages of the weights. */
const TRAINING = /^(loss|model_ema)\./;

/**
 * The autoencoder of a single file (LDM's AutoencoderKL, names without `first_stage_model.`) as diffusers' AutoencoderKL. The
 * attention's 1×1 convolutions stay what they are: diffusers' older files have them too.
 * @param options `isXl`: SDXL's scaling; and half precision overflows in it. A repaired one can't be told from its shapes, so
 *   it is computed in float32 as well
 * @throws {UserError} `CheckpointError`: it lacks what its shape is read off
 */
export function readOriginalVae(vae: OriginalTensors, { isXl }: { isXl: boolean }): OriginalPart {
  const depth = vae.count((i) => `encoder.down.${i}.block.0.conv1.weight`);
  const channels = Array.from(
    { length: depth },
    (_, i) => vae.shape(`encoder.down.${i}.block.0.conv1.weight`, { rank: 4 })[0] ?? 0,
  );
  const config = {
    _class_name: 'AutoencoderKL',
    act_fn: 'silu',
    block_out_channels: channels,
    down_block_types: channels.map(() => 'DownEncoderBlock2D'),
    force_upcast: isXl,
    in_channels: vae.shape('encoder.conv_in.weight', { rank: 4 })[1],
    latent_channels: vae.shape('decoder.conv_in.weight', { rank: 4 })[1],
    layers_per_block: vae.count((i) => `encoder.down.0.block.${i}.conv1.weight`),
    norm_num_groups: normGroups(channels),
    out_channels: vae.shape('decoder.conv_out.weight', { rank: 4 })[0],
    sample_size: isXl ? 1024 : 512,
    scaling_factor: isXl ? 0.13025 : 0.18215,
    up_block_types: channels.map(() => 'UpDecoderBlock2D'),
  };
  const tensors = new Map<string, CheckpointTensor>();
  for (const [original, tensor] of vae.tensors) {
    if (TRAINING.test(original)) continue;
    const name = diffusersName(original, depth);
    tensors.set(name, renamedTensor(tensor, name));
  }
  return { config, checkpoint: { tensors } };
}

/** The original numbers the levels of the decoder from the finest, diffusers in the order they are computed. */
function diffusersName(original: string, depth: number): string {
  return original
    .replace(/^((?:en|de)coder)\.norm_out\./, '$1.conv_norm_out.')
    .replace(/^((?:en|de)coder)\.mid\.block_([12])\./, (_, half, n) => `${half}.mid_block.resnets.${Number(n) - 1}.`)
    .replace(
      /^((?:en|de)coder)\.mid\.attn_1\.(norm|q|k|v|proj_out)\./,
      (_, half, part) => `${half}.mid_block.attentions.0.${ATTENTION[part]}.`,
    )
    .replace(/^encoder\.down\.(\d+)\.block\./, 'encoder.down_blocks.$1.resnets.')
    .replace(/^encoder\.down\.(\d+)\.downsample\./, 'encoder.down_blocks.$1.downsamplers.0.')
    .replace(/^decoder\.up\.(\d+)\.block\./, (_, level) => `decoder.up_blocks.${depth - 1 - Number(level)}.resnets.`)
    .replace(
      /^decoder\.up\.(\d+)\.upsample\./,
      (_, level) => `decoder.up_blocks.${depth - 1 - Number(level)}.upsamplers.0.`,
    )
    .replace('.nin_shortcut.', '.conv_shortcut.');
}
