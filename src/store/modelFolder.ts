/** A file with its path inside what was dropped or picked, e.g. `clip-vit-base-patch16/config.json`. */
export interface PathedFile {
  readonly path: string;
  readonly file: File;
}

/** A model in hub layout found among files; `files` have paths relative to the folder. */
export interface ModelFolder {
  readonly name: string;
  readonly files: readonly PathedFile[];
  /** Bytes of the weights. */
  readonly weightBytes: number;
}

/** What a drop holds: images, at most one model per folder, and how many files are neither. */
export interface SortedFiles {
  readonly images: readonly File[];
  readonly models: readonly ModelFolder[];
  readonly ignored: number;
}

const IMAGE_NAME = /\.(png|apng|jpe?g|jfif|webp|avif|gif|bmp|tiff?|heic|heif|jxl)$/i;
/** Files of a model repository that the compiler may read; anything else in the folder is left out. */
const MODEL_FILE = /\.(safetensors|bin|json|txt|model|pth)$/i;
/** Weights as published; torch's own format is read where there are no safetensors. */
const SAFETENSORS = /\.safetensors$/i;
const TORCH_WEIGHTS = /(^|\/)pytorch_model[^/]*\.bin$/i;

const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** A readable name: the folder's, or that of the repository where the folder is a snapshot in a hub cache. */
function modelName(folder: string): string {
  const cached = /(?:^|\/)models--([^/]+)\/snapshots\/[^/]+$/.exec(folder)?.[1];
  if (cached) return cached.replaceAll('--', '/');
  return nameOf(folder) || 'Model';
}

/**
 * Sorts dropped or picked files. A folder that holds `config.json` and weights (`.safetensors`, `pytorch_model.bin`) is a model, whatever lies
 * under it belongs to it, and images in it are no images to analyse. Other images are images, by type or by name.
 */
export function sortFiles(files: readonly PathedFile[]): SortedFiles {
  const withConfig = new Set(files.filter((f) => nameOf(f.path) === 'config.json').map((f) => folderOf(f.path)));
  const withWeights = new Set(
    files.filter(({ path }) => SAFETENSORS.test(path) || TORCH_WEIGHTS.test(path)).map((f) => folderOf(f.path)),
  );
  const roots = [...withConfig].filter((folder) => withWeights.has(folder));
  const within = (path: string, folder: string) => folder === '' || path.startsWith(`${folder}/`);

  const models = roots.map((folder): ModelFolder => {
    const own = files
      .filter(({ path }) => within(path, folder) && MODEL_FILE.test(path))
      .map(({ path, file }) => ({ path: folder === '' ? path : path.slice(folder.length + 1), file }));
    const read = own.some(({ path }) => SAFETENSORS.test(path)) ? SAFETENSORS : TORCH_WEIGHTS;
    const weightBytes = own.reduce((sum, { path, file }) => sum + (read.test(path) ? file.size : 0), 0);
    return { name: modelName(folder), files: own, weightBytes };
  });

  const named = roots.filter((folder) => folder !== '');
  const images: File[] = [];
  let ignored = 0;
  for (const { path, file } of files) {
    if (named.some((folder) => within(path, folder))) continue;
    if (file.type.startsWith('image/') || IMAGE_NAME.test(path)) images.push(file);
    else if (!(roots.includes('') && MODEL_FILE.test(path))) ignored += 1;
  }
  return { images, models, ignored };
}
