import type { ByteSource } from './byteSource.ts';
import { checkpointError } from './checkpointError.ts';
import { noCheckpoint, refuseOtherKinds, unsupported } from './originalKinds.ts';
import { type OriginalPart, OriginalTensors } from './originalPart.ts';
import { readOriginalClip, readOriginalOpenClip } from './originalTextEncoders.ts';
import { readOriginalUnet } from './originalUnet.ts';
import { readOriginalVae } from './originalVae.ts';
import type { JsonObject } from './readJson.ts';
import { openSafetensors } from './safetensors.ts';
import { openTorchFile } from './torchFile.ts';

/** What the names of a part begin with: Stable Diffusion 1's (LDM's), and XL's (SGM's) where they differ. */
const PREFIXES = {
  unet: ['model.diffusion_model.'],
  vae: ['first_stage_model.'],
  text_encoder: ['cond_stage_model.transformer.', 'conditioner.embedders.0.transformer.'],
  text_encoder_2: ['conditioner.embedders.1.model.'],
} as const;

/** Parts that a single file may hold, named as diffusers names their folders. */
export type OriginalPartName = keyof typeof PREFIXES;

/** Width of the text that Stable Diffusion 2 reads. */
const SD2_TEXT_WIDTH = 1024;

/** What a part does, and what its lack is called, for error messages. */
const WORDS: Readonly<Record<OriginalPartName, string>> = {
  unet: 'UNet (the part that paints)',
  vae: 'VAE (the part that turns latents into pixels)',
  text_encoder: 'text encoder (the part that reads the prompt)',
  text_encoder_2: 'second text encoder (a part that reads the prompt)',
};

/** A whole model in one file, in the layout of the original Stable Diffusion programs, which A1111 and ComfyUI use. */
export interface OriginalModel {
  readonly isXl: boolean;
  /** As the model is published with; files do not say it. */
  readonly schedulerConfig: JsonObject;
  /**
   * A part in diffusers' terms. Nothing of its weights is read.
   * @throws {UserError} `CheckpointError`: it is not in the file; `UnsupportedModelError`: it is of another kind of model
   */
  part(name: OriginalPartName): OriginalPart;
}

/**
 * Opens a single-file checkpoint (`.safetensors`, or a file of `torch.save`) of Stable Diffusion 1 or XL. Names outside of the
 * parts, averages of the weights (`model_ema.`) among them, are passed over.
 * @throws {UserError} `UnsupportedModelError` for other kinds of files people keep beside them; `CheckpointError` for bytes that
 *   are neither
 */
export async function openOriginalLayout(source: ByteSource): Promise<OriginalModel> {
  const file = source.name;
  const isSafetensors = /\.safetensors$/i.test(file);
  const { tensors } = await (isSafetensors ? openSafetensors : openTorchFile)(source);
  refuseOtherKinds(tensors.keys(), file);
  const prefixOf = (name: OriginalPartName) =>
    PREFIXES[name].find((prefix) => [...tensors.keys()].some((tensor) => tensor.startsWith(prefix)));
  const names = Object.keys(PREFIXES) as OriginalPartName[];
  if (!names.some(prefixOf)) throw noCheckpoint(tensors.keys(), file);

  const isXl = prefixOf('text_encoder_2') !== undefined || tensors.has('model.diffusion_model.label_emb.0.0.weight');
  const part = (name: OriginalPartName): OriginalPart => {
    const prefix = prefixOf(name);
    if (prefix === undefined) throw missing(file, name);
    const own = new OriginalTensors(tensors, { file, prefix });
    switch (name) {
      case 'unet': {
        const pooledWidth = prefixOf('text_encoder_2') ? openClip().projectionWidth : null;
        const unet = readOriginalUnet(own, { pooledWidth });
        if (!isXl && unet.crossWidth === SD2_TEXT_WIDTH) {
          throw unsupported(file, 'it is Stable Diffusion 2; use an inpainting model of Stable Diffusion 1.5 or XL');
        }
        return unet;
      }
      case 'vae':
        return readOriginalVae(own, { isXl });
      case 'text_encoder':
        return readOriginalClip(own);
      case 'text_encoder_2':
        return readOriginalOpenClip(own);
    }
  };
  const openClip = () =>
    readOriginalOpenClip(new OriginalTensors(tensors, { file, prefix: PREFIXES.text_encoder_2[0] }));
  return { isXl, schedulerConfig: schedulerConfig({ isXl, predictsV: tensors.has('v_pred') }), part };
}

/** Those of stable-diffusion-inpainting and stable-diffusion-xl-1.0-inpainting-0.1. */
function schedulerConfig({ isXl, predictsV }: { isXl: boolean; predictsV: boolean }): JsonObject {
  return {
    _class_name: isXl ? 'EulerDiscreteScheduler' : 'DDIMScheduler',
    beta_end: 0.012,
    beta_schedule: 'scaled_linear',
    beta_start: 0.00085,
    clip_sample: false,
    num_train_timesteps: 1000,
    prediction_type: predictsV ? 'v_prediction' : 'epsilon',
    set_alpha_to_one: false,
    skip_prk_steps: true,
    steps_offset: 1,
    ...(isXl ? { interpolation_type: 'linear', timestep_spacing: 'leading', use_karras_sigmas: false } : {}),
  };
}

function missing(file: string, name: OriginalPartName): Error {
  return checkpointError(
    file,
    `it has no ${WORDS[name]}: no tensor is named "${PREFIXES[name][0]}…"; use the full version of this checkpoint, or put the folder "${name}" of the Stable Diffusion it was made from beside it`,
  );
}
