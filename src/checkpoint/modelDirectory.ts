import type { HubFolder } from './byteSource.ts';
import { checkpointError } from './checkpointError.ts';

/** Files that mark the top of a published model: a pipeline of diffusers, or a single model. */
const MARKERS = ['model_index.json', 'config.json'];

/**
 * The directory of a model inside what the user dropped, which may be the model's folder or any parent of it.
 * Without `directory`: the one nearest to the top with a `model_index.json` or `config.json`. With it (say `unet`):
 * the one nearest to the top of that name with a `config.json`.
 * @returns its path with a trailing `/`, or the empty string for the top
 * @throws {UserError} `CheckpointError`: there is none, or two are equally near
 */
export function findModelDirectory(folder: HubFolder, options: { directory?: string } = {}): string {
  const wanted = options.directory?.replace(/^\/+|\/+$/g, '');
  const markers = wanted ? ['config.json'] : MARKERS;
  const candidates = new Set<string>();
  for (const path of folder.keys()) {
    const slash = path.lastIndexOf('/') + 1;
    const directory = path.slice(0, slash);
    if (!markers.includes(path.slice(slash))) continue;
    if (!wanted || `/${directory}`.endsWith(`/${wanted}/`)) candidates.add(directory);
  }
  const depth = (directory: string) => directory.split('/').length;
  const least = Math.min(...[...candidates].map(depth));
  const nearest = [...candidates].filter((directory) => depth(directory) === least);
  const [first] = nearest;
  if (first === undefined) {
    throw checkpointError(
      wanted ? `${wanted}/config.json` : 'config.json',
      "it is not in the folder; choose the model's folder as its authors publish it",
    );
  }
  if (nearest.length > 1) {
    const names = nearest.map((directory) => `"${directory}"`).join(', ');
    throw checkpointError(first, `the folder holds several models: ${names}; choose the folder of one of them`);
  }
  return first;
}
