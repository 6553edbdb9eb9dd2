import type { Precision, WeightIndex } from '../graph/weights.ts';

/** What a pack is for. A refinement uses one of each kind. */
export type PackKind = 'maps' | 'inpainting' | 'restoration';

/** An installed pack as the interface shows it. */
export interface PackSummary {
  readonly id: string;
  readonly kind: PackKind;
  /** Name of the folder it came from. */
  readonly name: string;
  /** What the model is, e.g. `ViT-B/16, 512-d` or `Stable Diffusion XL inpainting`. */
  readonly description: string;
  readonly precision: Precision;
  /** `maps`: square input sizes in pixels it was compiled for, ascending; else empty. */
  readonly imageSizes: readonly number[];
  /** Bytes on disk. */
  readonly byteLength: number;
  /** `maps`: whether the authors' learned quality contexts are in it and fit it; else false. */
  readonly hasLearnedContexts: boolean;
  /** Milliseconds since 1970. */
  readonly installedAt: number;
}

/** Version of the layout below; a pack of another version is not listed and has to be compiled again. */
export const PACK_FORMAT = 2;

/**
 * `pack.json`: written last, so that a folder without it is an unfinished pack. Beside it lie the shards named in
 * `parts` and the published files named in `files`, byte for byte as they came.
 */
export interface PackManifest {
  readonly format: typeof PACK_FORMAT;
  readonly summary: PackSummary;
  /** Weights by part: `clip` in a `maps` pack, else diffusers' names of folders (`unet`, `vae`, `text_encoder`, …). */
  readonly parts: Readonly<Record<string, WeightIndex>>;
  /** Published files kept in the pack, by their path in the model's folder: configs, tokenizers, learned contexts. */
  readonly files: readonly string[];
}

/** Name of a kept file in the pack's flat folder. */
export function storedName(path: string): string {
  return path.replaceAll('/', '~');
}
