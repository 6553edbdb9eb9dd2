import { UserError } from '../errors.ts';
import { quote } from './checkpointError.ts';

/** A kind of file that people keep beside checkpoints, known by a tensor's name. */
interface Kind {
  readonly sign: RegExp;
  /** What it is, after "it is". */
  readonly name: string;
  /** What to do instead, without a full stop; by default another model is to be used. */
  readonly remedy?: string;
}

const USE_SD = 'use an inpainting model of Stable Diffusion 1.5 or XL';
const CHOOSE_CHECKPOINT = 'choose the inpainting checkpoint itself';

/** Known wherever they occur; the more particular first. */
const KINDS: readonly Kind[] = [
  {
    sign: /^lora_|\.lora_(up|down|A|B|magnitude_vector)\b|\.(hada_w|lokr_w|oft_)|processor\..*_lora\./,
    name: 'a LoRA (LyCORIS), which changes a model and is none by itself',
    remedy: CHOOSE_CHECKPOINT,
  },
  {
    sign: /^(control_model|controlnet_cond_embedding|input_hint_block)\./,
    name: 'a ControlNet',
    remedy: CHOOSE_CHECKPOINT,
  },
  { sign: /(^|\.)(motion_modules|temporal_transformer)\./, name: 'a model for videos' },
  { sign: /(^|\.)joint_blocks\.\d/, name: 'Stable Diffusion 3' },
  { sign: /(^|\.)double_blocks\.\d/, name: 'Flux or one of its kin' },
  { sign: /^cond_stage_model\.model\./, name: 'Stable Diffusion 2' },
  { sign: /^conditioner\.embedders\.0\.model\./, name: 'the refiner of Stable Diffusion XL' },
  { sign: /^(emb_params|clip_[lg])$|^string_to_param\b/, name: 'a textual inversion', remedy: CHOOSE_CHECKPOINT },
  {
    sign: /^ztsnr$/,
    name: 'a model trained for noise without any signal ("ztsnr"), for which there is no sampler here',
  },
];

/** Known where nothing of a whole checkpoint was found. */
const PIECES: readonly Kind[] = [
  {
    sign: /^(encoder|decoder)\.(conv_in|mid|down|up)\b/,
    name: 'a VAE alone',
    remedy: CHOOSE_CHECKPOINT,
  },
  {
    sign: /^(down_blocks|up_blocks|mid_block|text_model|vision_model)\.|^encoder\.(down_blocks|mid_block)\./,
    name: "one part of a model in diffusers' layout",
    remedy: 'add the whole folder of the model, with its config.json files, as its authors publish it',
  },
  { sign: /^(input_blocks|output_blocks|diffusion_model)\./, name: 'a UNet alone', remedy: 'use the full checkpoint' },
  { sign: /^model_ema\./, name: 'averaged weights alone', remedy: 'use the pruned or the full checkpoint' },
  { sign: /(^|\.)(transformer_blocks|blocks|layers|single_blocks)\.\d/, name: 'another kind of model' },
];

/** @throws {UserError} `UnsupportedModelError` saying what it is, for the names of anything but Stable Diffusion 1 or XL */
export function refuseOtherKinds(names: Iterable<string>, file: string): void {
  refuse([...names], KINDS, file);
}

/** The error for a file without any part of Stable Diffusion 1 or XL. */
export function noCheckpoint(names: Iterable<string>, file: string): UserError {
  const all = [...names];
  refuse(all, PIECES, file);
  const some = all.slice(0, 3).map(quote).join(', ');
  return unsupported(file, `it is no checkpoint in the original layout of Stable Diffusion; it has ${some}; ${USE_SD}`);
}

function refuse(names: readonly string[], kinds: readonly Kind[], file: string): void {
  for (const { sign, name, remedy = USE_SD } of kinds) {
    if (names.some((found) => sign.test(found))) throw unsupported(file, `it is ${name}; ${remedy}`);
  }
}

/** @param detail what it is and what to do, without a full stop */
export function unsupported(file: string, detail: string): UserError {
  return new UserError('UnsupportedModelError', `Cannot load "${file}": ${detail}`);
}
