import type { HubFolder } from '../checkpoint/byteSource.ts';
import type { JsonObject } from '../checkpoint/readJson.ts';
import type { WeightIndex } from '../graph/weights.ts';

/** Parts of a diffusion model, named as diffusers names their folders. */
export type DiffusionPartName = 'unet' | 'controlnet' | 'vae' | 'text_encoder' | 'text_encoder_2';

/** One compiled part. */
export interface DiffusionPart {
  /** Where each weight lies; shards are named as {@link DiffusionPack.shard} knows them. */
  readonly weights: WeightIndex;
  /** The part's published `config.json`. */
  readonly config: JsonObject;
}

/**
 * A compiled diffusion model as it is kept.
 *
 * `inpainting`: a UNet of nine channels (SD 1.x or SDXL), `vae`, `text_encoder`, and `text_encoder_2` for SDXL.
 * `restoration`: PASD's `unet` and `controlnet`, `vae` and `text_encoder` of SD 1.5.
 */
export interface DiffusionPack {
  /** Identifies the checkpoint; shown and written into records. */
  readonly modelName: string;
  readonly task: 'inpainting' | 'restoration';
  readonly parts: Readonly<Partial<Record<DiffusionPartName, DiffusionPart>>>;
  /** Opens a shard of the weights by name. */
  readonly shard: (name: string) => Promise<Blob>;
  /**
   * The published files beside the weights, by their path in the model's folder: `scheduler/scheduler_config.json`, and
   * `tokenizer/vocab.json`, `tokenizer/merges.txt` or `tokenizer/tokenizer.json`, with `tokenizer/tokenizer_config.json`;
   * the same in `tokenizer_2/` for SDXL.
   */
  readonly folder: HubFolder;
}
