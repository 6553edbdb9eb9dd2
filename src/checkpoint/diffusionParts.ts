import { isCheckpointName } from '../checkpointName.ts';
import type { ByteSource, HubFolder } from './byteSource.ts';
import type { Checkpoint } from './checkpoint.ts';
import { checkpointError } from './checkpointError.ts';
import { openCheckpoint } from './hubFolder.ts';
import { findModelDirectory } from './modelDirectory.ts';
import { type OriginalModel, type OriginalPartName, openOriginalLayout } from './originalLayout.ts';
import { type JsonObject, readJson } from './readJson.ts';
import { hasTokenizer, jsonSource, sharedTokenizer, tokenizerFiles } from './tokenizerFiles.ts';

/** One model of a diffusion pipeline, named as diffusers names its folder. */
export type DiffusionFolderName = OriginalPartName | 'controlnet';

/** A part, wherever it was found. */
export interface FoundPart {
  readonly config: JsonObject;
  /** The same as a file: published, or made from a single file's shapes. */
  readonly configFile: ByteSource;
  readonly checkpoint: Checkpoint;
}

/** The parts of a diffusion model in what the user added. */
export interface DiffusionParts {
  /** Whether it is a UNet with a ControlNet. */
  readonly isRestoration: boolean;
  /** @throws {UserError} `CheckpointError`, `UnsupportedModelError`: it is nowhere, or of another kind of model */
  part(name: DiffusionFolderName): Promise<FoundPart>;
  /**
   * The files of a text encoder's tokenizer, by name.
   * @param options `vocabularySize` of the encoder, which another model's tokenizer must have
   * @throws {UserError} `CheckpointError`
   */
  tokenizer(name: 'tokenizer' | 'tokenizer_2', options: { vocabularySize: number }): Promise<HubFolder>;
  /** @throws {UserError} `CheckpointError`: it is nowhere */
  schedulerConfig(): Promise<ByteSource>;
  /** The pipeline's index; only folders have one. */
  readonly index: ByteSource | undefined;
}

const PARTS = /(^|\/)(unet|controlnet|vae|text_encoder|text_encoder_2|safety_checker|image_encoder)\/$/;

const directoryOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1);

/** Paths of single-file checkpoints in a folder: weights that lie beside no configuration. */
function singleFiles(folder: HubFolder): string[] {
  return [...folder.keys()].filter((path) => {
    const directory = directoryOf(path);
    const name = path.slice(directory.length);
    return isCheckpointName(name) && !folder.has(`${directory}config.json`);
  });
}

/** Whether a folder holds a diffusion model, in diffusers' layout or in a single file, rather than a CLIP. */
export function isDiffusionFolder(folder: HubFolder): boolean {
  const paths = [...folder.keys()];
  if (paths.some((path) => /(^|\/)(model_index\.json|unet\/config\.json)$/.test(path))) return true;
  const hasOther = paths.some((path) => /(^|\/)config\.json$/.test(path) && !PARTS.test(directoryOf(path)));
  return !hasOther && singleFiles(folder).length > 0;
}

/**
 * Finds the parts of a diffusion model. A folder in diffusers' layout comes first; what it lacks is taken from a single-file
 * checkpoint in the original layout that lies in the folder or is all there is. So a checkpoint without its VAE can be completed
 * by the folder `vae`, and PASD by any file of Stable Diffusion 1.5.
 * @param options `tokenizer`: files of an installed CLIP's tokenizer, by name, used where there is no other
 * @throws {UserError} `CheckpointError`: the folder holds several models
 */
export function openDiffusionParts(
  folder: HubFolder,
  { tokenizer: installed }: { tokenizer: HubFolder | null },
): DiffusionParts {
  const has = (name: string) => [...folder.keys()].some((path) => `/${path}`.endsWith(`/${name}/config.json`));
  const isRestoration = has('controlnet');
  const singles = singleFiles(folder);
  // PASD's two networks lie side by side; a whole Stable Diffusion in the same folder has a `unet` of its own.
  const anchor = isRestoration ? 'controlnet' : has('unet') || singles.length === 0 ? 'unet' : null;
  const base =
    anchor === null
      ? directoryOf(singles[0] as string)
      : findModelDirectory(folder, { directory: anchor }).replace(/[^/]+\/$/, '');

  let opened: Promise<OriginalModel> | null = null;
  const original = () => {
    opened ??= openOriginalLayout(folder.get(onlyOne(singles)) as ByteSource);
    return opened;
  };

  /** Directory of something without weights, beside the model or anywhere in the folder. */
  const sharedDirectory = (name: string, marker: RegExp) => {
    const directories = [...folder.keys()]
      .filter((path) => marker.test(path) && `/${directoryOf(path)}`.endsWith(`/${name}/`))
      .map(directoryOf);
    const own = directories.find((directory) => directory === `${base}${name}/`);
    return own ?? directories.sort((a, b) => a.length - b.length)[0];
  };

  return {
    isRestoration,
    index: folder.get(`${base}model_index.json`),
    async part(name) {
      if (singles.length > 0 && name !== 'controlnet' && !has(name)) {
        const { config, checkpoint } = (await original()).part(name);
        return { config, checkpoint, configFile: jsonSource(`${name}/config.json`, config) };
      }
      const own = `${base}${name}/`;
      const directory = folder.has(`${own}config.json`) ? own : findModelDirectory(folder, { directory: name });
      return {
        config: await readJson(folder, `${directory}config.json`),
        configFile: folder.get(`${directory}config.json`) as ByteSource,
        checkpoint: await openCheckpoint(folder, { directory }),
      };
    },
    async tokenizer(name, { vocabularySize }) {
      const own = sharedDirectory(name, /(vocab|tokenizer)\.json$/);
      if (own !== undefined) return tokenizerFiles(folder, own);
      const padding = name === 'tokenizer' ? '<|endoftext|>' : '!';
      for (const directory of [sharedDirectory('tokenizer', /(vocab|tokenizer)\.json$/), base]) {
        if (directory === undefined || !hasTokenizer(folder, directory)) continue;
        return sharedTokenizer(folder, { directory, padding, vocabularySize });
      }
      if (installed && hasTokenizer(installed, '')) {
        return sharedTokenizer(installed, { directory: '', padding, vocabularySize });
      }
      throw singles.length > 0 ? noTokenizer(onlyOne(singles)) : notInFolder(name);
    },
    async schedulerConfig() {
      const directory = sharedDirectory('scheduler', /scheduler_config\.json$/);
      if (directory !== undefined) return folder.get(`${directory}scheduler_config.json`) as ByteSource;
      if (singles.length === 0) throw notInFolder('scheduler');
      return jsonSource('scheduler/scheduler_config.json', (await original()).schedulerConfig);
    },
  };
}

function onlyOne(paths: readonly string[]): string {
  const [first, ...more] = paths as [string, ...string[]];
  if (more.length === 0) return first;
  const names = paths.slice(0, 3).map((path) => `"${path}"`);
  throw checkpointError(
    directoryOf(first) || 'folder',
    `it holds ${paths.length} checkpoints: ${names.join(', ')}${paths.length > 3 ? ', …' : ''}; add one of them`,
  );
}

function noTokenizer(path: string): Error {
  return checkpointError(
    path,
    'a checkpoint in one file comes without the list of words it was trained with (its tokenizer); install Maps first, or put vocab.json and merges.txt of its CLIP beside the file',
  );
}

function notInFolder(name: string): Error {
  return checkpointError(
    `${name}/`,
    'it is not in the folder; put it there from the Stable Diffusion the model belongs to, as its authors publish it',
  );
}
