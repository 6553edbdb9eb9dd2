/**
 * Blocks: small models of exactly the real architectures that know rendered scenes of a few solids and nothing else
 * (training/blocks). Those that are trained are served with the app, so that a first visit sees everything work.
 */
import type { PublishedFile } from '../hub/publishedFile.ts';
import { publicUrl } from '../publicUrl.ts';
import type { PackKind, PackSummary } from '../storage/packManifest.ts';
import type { BundleManifest, BundleModel } from './bundle.ts';

/** A file served with the app. */
export interface AppFile {
  /** Below `blocks/`, e.g. `clip/config.json`. */
  readonly path: string;
  readonly bytes: number;
  /** In hex. */
  readonly sha256: string;
}

/** What packs of Blocks name as their repository. */
export const BLOCKS_REPOSITORY = 'app/blocks';

/** Id of the bundle. */
export const BLOCKS_ID = 'blocks';

/** Where the files of each model lie below `blocks/`, by their place in the model's folder; a later one yields to an earlier one. */
const FOLDERS: readonly {
  readonly kind: PackKind;
  readonly name: string;
  readonly from: readonly { readonly folder: string; readonly as: RegExp }[];
  /** Folders that have to have a config and weights: without them there is no such model. */
  readonly needs: readonly string[];
}[] = [
  {
    kind: 'maps',
    name: 'Blocks maps',
    from: [{ folder: 'clip/', as: /./ }],
    needs: [''],
  },
  {
    kind: 'inpainting',
    name: 'Blocks inpainting',
    from: [{ folder: 'inpainting/', as: /./ }],
    needs: ['unet/', 'vae/', 'text_encoder/'],
  },
  {
    kind: 'restoration',
    name: 'Blocks restoration',
    from: [
      { folder: 'restoration/', as: /./ },
      // What PASD shares with the model it was made from.
      { folder: 'inpainting/', as: /^(vae|text_encoder|tokenizer)\// },
    ],
    needs: ['unet/', 'controlnet/', 'vae/', 'text_encoder/'],
  },
];

/** GPU memory of the largest part at work on 256² in 16-bit, estimated generously. */
const VRAM_BYTES = 64 * 1024 ** 2;

/**
 * The bundle of what was built into the app.
 * @param files all files below `blocks/` of this build
 * @returns null where no model is among them
 */
export function blocksBundle(files: readonly AppFile[]): BundleManifest | null {
  const models = FOLDERS.flatMap(({ kind, name, from, needs }): BundleModel[] => {
    const found = new Map<string, AppFile>();
    for (const { folder, as } of from) {
      for (const file of files) {
        if (!file.path.startsWith(folder)) continue;
        const path = file.path.slice(folder.length);
        if (as.test(path) && !found.has(path)) found.set(path, file);
      }
    }
    if (!needs.every((need) => hasModel(found, need))) return [];
    const revision = revisionOf(found);
    return [
      {
        kind,
        name,
        homepage: publicUrl('samples/about.txt'),
        licence: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
        furtherLicences: [],
        precision: 'fp16',
        files: [...found].map(
          ([path, { path: file, bytes, sha256 }]): PublishedFile => ({
            path,
            host: 'app',
            repository: BLOCKS_REPOSITORY,
            revision,
            file: `blocks/${file}`,
            bytes,
            sha256,
          }),
        ),
        diskBytes: [...found.values()].reduce((sum, { bytes }) => sum + bytes, 0),
      },
    ];
  });
  if (models.length === 0) return null;
  return {
    id: BLOCKS_ID,
    name: 'Blocks',
    purpose:
      'A toy world that comes with the app: rendered solids on a table. Shows how everything works, on any machine; of your own images it knows nothing.',
    models,
    vramBytes: VRAM_BYTES,
  };
}

/** Whether a pack is one of Blocks, of whatever version. */
export function isBlocks({ origin }: Pick<PackSummary, 'origin'>): boolean {
  return origin.from === 'hub' && origin.repositories.some(({ repository }) => repository === BLOCKS_REPOSITORY);
}

function hasModel(files: ReadonlyMap<string, AppFile>, folder: string): boolean {
  const isWeights = (path: string) => path.startsWith(folder) && /^[^/]+\.safetensors$/.test(path.slice(folder.length));
  return files.has(`${folder}config.json`) && [...files.keys()].some(isWeights);
}

/** 40 hex digits that are others for other files: the first digits of their SHA-256, exclusive or. */
function revisionOf(files: ReadonlyMap<string, AppFile>): string {
  const digits = new Uint8Array(40);
  for (const { sha256 } of files.values()) {
    for (let i = 0; i < digits.length; i++) digits[i] = (digits[i] as number) ^ Number.parseInt(sha256[i] ?? '0', 16);
  }
  return [...digits].map((digit) => digit.toString(16)).join('');
}
