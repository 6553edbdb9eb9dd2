import { CHECKPOINT_ENDING, isCheckpointName } from '../checkpointName.ts';

/** A file with its path inside what was dropped or picked, e.g. `clip-vit-base-patch16/config.json`. */
export interface PathedFile {
  readonly path: string;
  readonly file: File;
}

/** A model found among files, in hub layout or in one checkpoint file; `files` have paths relative to the folder. */
export interface ModelFolder {
  readonly name: string;
  readonly files: readonly PathedFile[];
  /** Bytes of the weights. */
  readonly weightBytes: number;
  /** Set for a checkpoint in one file, as A1111 and ComfyUI have them. Without a tokenizer it takes that of installed Maps. */
  readonly singleFile?: { readonly hasTokenizer: boolean };
}

/** What a drop holds: images, at most one model per folder, and how many files are neither. */
export interface SortedFiles {
  readonly images: readonly File[];
  readonly models: readonly ModelFolder[];
  readonly ignored: number;
}

const IMAGE_NAME = /\.(png|apng|jpe?g|jfif|webp|avif|gif|bmp|tiff?|heic|heif|jxl)$/i;
/** Files of a model repository that the compiler may read; anything else in the folder is left out. */
const MODEL_FILE = /\.(safetensors|bin|json|txt|model|pth|ckpt)$/i;
/** Weights as published; torch's own format is read where there are no safetensors. */
const SAFETENSORS = /\.safetensors$/i;
const TORCH_WEIGHTS = /(^|\/)(diffusion_)?pytorch_model[^/]*\.bin$/i;
/** What may lie beside a checkpoint to complete it: parts in their folders, a tokenizer. */
const COMPANION_FOLDER = /^(vae|text_encoder|text_encoder_2|tokenizer|tokenizer_2|scheduler)$/;
const TOKENIZER_FILE = /^(tokenizer|vocab|tokenizer_config|special_tokens_map)\.json$|^merges\.txt$/;
/** Parts of a published pipeline that a refinement has no use for. */
const UNUSED_PART = /(^|\/)(safety_checker|image_encoder)\//;
/** A second copy of weights at another precision, or from another moment of training. */
const VARIANT = /\.(fp16|non_ema|ema)\b/i;

const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** A readable name: the folder's, or that of the repository where the folder is a snapshot in a hub cache. */
function modelName(folder: string): string {
  const cached = /(?:^|\/)models--([^/]+)\/snapshots\/[^/]+$/.exec(folder)?.[1];
  if (cached) return cached.replaceAll('--', '/');
  return nameOf(folder) || 'Model';
}

/** Folders that are a model: one of transformers' by itself, or a pipeline of diffusers with its parts in folders. */
function modelRoots(files: readonly PathedFile[]): readonly string[] {
  const foldersWith = (test: (path: string) => boolean) =>
    new Set(files.filter(({ path }) => test(path)).map(({ path }) => folderOf(path)));
  const withConfig = foldersWith((path) => nameOf(path) === 'config.json');
  const withWeights = foldersWith((path) => SAFETENSORS.test(path) || TORCH_WEIGHTS.test(path));
  const isPartOf = (folder: string) => [...withWeights].some((other) => isWithin(`${other}/`, folder));
  const single = [...withConfig].filter((folder) => withWeights.has(folder));
  const pipelines = [
    ...foldersWith((path) => nameOf(path) === 'model_index.json'),
    // Weights that were trained later are published without the index.
    ...single.filter((folder) => /^(unet|controlnet)$/.test(nameOf(folder))).map(folderOf),
  ].filter(isPartOf);
  const roots = [...new Set([...pipelines, ...single])];
  return roots.filter((root) => !roots.some((other) => other !== root && isWithin(`${root}/`, other)));
}

const isWithin = (path: string, folder: string): boolean => folder === '' || path.startsWith(`${folder}/`);

/** Bytes of the weights that are read: no copies, and torch's format only where there is no other. */
function weightBytes(files: readonly PathedFile[]): number {
  const used = files.filter(({ path }) => !UNUSED_PART.test(path));
  let sum = 0;
  for (const folder of new Set(used.map(({ path }) => folderOf(path)))) {
    const own = used.filter(({ path }) => folderOf(path) === folder);
    const read = own.some(({ path }) => SAFETENSORS.test(path)) ? SAFETENSORS : TORCH_WEIGHTS;
    // Beside the parts of a pipeline lies a copy of all of them in one file.
    if (folder === '' && own.some(({ path }) => path === 'model_index.json')) continue;
    const weights = own.filter(({ path }) => read.test(path));
    const whole = weights.filter(({ path }) => !VARIANT.test(path));
    for (const { file } of whole.length > 0 ? whole : weights) sum += file.size;
  }
  return sum;
}

/** Checkpoints in one file each, with what lies beside them to complete them. */
function singleFiles(
  files: readonly PathedFile[],
  roots: readonly string[],
): { checkpoints: PathedFile[]; companionsOf: (checkpoint: PathedFile) => PathedFile[] } {
  const isCompanionFolder = (folder: string) => COMPANION_FOLDER.test(nameOf(folder));
  const others = roots.filter((root) => !isCompanionFolder(root));
  const checkpoints = files.filter(
    ({ path }) =>
      isCheckpointName(nameOf(path)) &&
      !isCompanionFolder(folderOf(path)) &&
      !others.some((root) => isWithin(path, root)),
  );
  const companionsOf = ({ path: checkpoint }: PathedFile) =>
    files.filter(({ path }) => {
      const folder = folderOf(path);
      if (folder === folderOf(checkpoint)) return TOKENIZER_FILE.test(nameOf(path));
      return folderOf(folder) === folderOf(checkpoint) && isCompanionFolder(folder) && MODEL_FILE.test(path);
    });
  return { checkpoints, companionsOf };
}

/**
 * Sorts dropped or picked files. A folder that holds `config.json` and weights (`.safetensors`, `pytorch_model.bin`), or the
 * parts of a pipeline, is a model: whatever lies under it belongs to it, and images in it are no images to analyse. Any other
 * `.safetensors`, `.ckpt` or `.pth` is a model by itself. Other images are images, by type or by name.
 */
export function sortFiles(files: readonly PathedFile[]): SortedFiles {
  const found = modelRoots(files);
  const { checkpoints, companionsOf } = singleFiles(files, found);
  const companions = new Set(checkpoints.flatMap(companionsOf));
  const roots = found.filter((root) => ![...companions].some(({ path }) => folderOf(path) === root));
  const relative = (folder: string, { path, file }: PathedFile): PathedFile => ({
    path: folder === '' ? path : path.slice(folder.length + 1),
    file,
  });
  const folders = roots.map((folder): ModelFolder => {
    const own = files
      .filter(({ path }) => isWithin(path, folder) && MODEL_FILE.test(path))
      .map((file) => relative(folder, file));
    return { name: modelName(folder), files: own, weightBytes: weightBytes(own) };
  });
  const singles = checkpoints.map((checkpoint): ModelFolder => {
    const folder = folderOf(checkpoint.path);
    const beside = companionsOf(checkpoint).map((file) => relative(folder, file));
    return {
      name: nameOf(checkpoint.path).replace(CHECKPOINT_ENDING, ''),
      files: [relative(folder, checkpoint), ...beside],
      weightBytes: checkpoint.file.size + weightBytes(beside),
      singleFile: { hasTokenizer: beside.some(({ path }) => /(^|\/)(tokenizer|vocab)\.json$/.test(path)) },
    };
  });

  const named = roots.filter((folder) => folder !== '');
  const used = new Set([...checkpoints, ...companions]);
  const images: File[] = [];
  let ignored = 0;
  for (const pathed of files) {
    const { path, file } = pathed;
    if (used.has(pathed) || named.some((folder) => isWithin(path, folder))) continue;
    if (file.type.startsWith('image/') || IMAGE_NAME.test(path)) images.push(file);
    else if (!(roots.includes('') && MODEL_FILE.test(path))) ignored += 1;
  }
  return { images, models: [...folders, ...singles], ignored };
}
