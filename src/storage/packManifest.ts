import type { Licence } from '../bundles/bundle.ts';
import type { Precision, WeightIndex } from '../graph/weights.ts';
import type { ResolvedFile } from '../hub/publishedFile.ts';
import type { PackChecksums } from './blockChecksums.ts';

/** What a pack is for. A refinement uses one of each kind. */
export type PackKind = 'maps' | 'inpainting' | 'restoration';

/** Where a pack came from, as the interface shows it. */
export type ShownOrigin =
  /** `name`: of the folder or checkpoint file on this machine. */
  | { readonly from: 'files'; readonly name: string }
  | {
      readonly from: 'hub';
      readonly repositories: readonly { readonly repository: string; readonly revision: string }[];
    };

/** An installed pack as the interface shows it. */
export interface PackSummary {
  readonly id: string;
  readonly kind: PackKind;
  /** As the user or the bundle named it. */
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
  readonly origin: ShownOrigin;
  /** As its authors name it; null: not known. */
  readonly licence: Licence | null;
  /** Milliseconds since 1970. */
  readonly installedAt: number;
}

/** A file on this machine, known again by these. */
export interface FileFingerprint {
  /** Relative to the folder it was chosen with. */
  readonly path: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly lastModified: number;
}

/** The published files a pack is made from: enough to read any of them again. */
export type PackOrigin =
  | { readonly from: 'files'; readonly name: string; readonly files: readonly FileFingerprint[] }
  | { readonly from: 'hub'; readonly files: readonly ResolvedFile[] };

/** Version of the layout below; a pack of another version has to be added again. */
export const PACK_FORMAT = 3;

/**
 * `pack.json`: written last, so that a folder without it is unfinished. Beside it lie the shards named in `checksums.shards`,
 * filled by the weights of `parts` without gaps, and the published files named in `files`, byte for byte as they came.
 */
export interface PackManifest {
  readonly format: typeof PACK_FORMAT;
  readonly summary: PackSummary;
  readonly origin: PackOrigin;
  /** Weights by part: `clip` in a `maps` pack, else diffusers' names of folders (`unet`, `vae`, `text_encoder`, …). */
  readonly parts: Readonly<Record<string, WeightIndex>>;
  /** Published files kept in the pack, by their path in the model's folder: configs, tokenizers, learned contexts. */
  readonly files: readonly string[];
  readonly checksums: PackChecksums;
}

/** Name of a kept file in the pack's flat folder. */
export function storedName(path: string): string {
  return path.replaceAll('/', '~');
}

/** What of an origin is shown. */
export function shownOrigin(origin: PackOrigin): ShownOrigin {
  if (origin.from === 'files') return { from: 'files', name: origin.name };
  const revisions = new Map(origin.files.map(({ repository, revision }) => [repository, revision]));
  return { from: 'hub', repositories: [...revisions].map(([repository, revision]) => ({ repository, revision })) };
}

/** Whether two origins are the same files. */
export function isSameOrigin(a: PackOrigin, b: PackOrigin): boolean {
  const files = (origin: PackOrigin) =>
    origin.from === 'files'
      ? origin.files.map(({ path, size, lastModified }) => JSON.stringify([path, size, lastModified]))
      : origin.files.map(({ path, host, repository, revision, file, bytes, sha256 }) =>
          JSON.stringify([path, host, repository, revision, file, bytes, sha256]),
        );
  return a.from === b.from && files(a).sort().join('\n') === files(b).sort().join('\n');
}
