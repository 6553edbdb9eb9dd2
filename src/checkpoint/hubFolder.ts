import type { ByteSource, HubFolder } from './byteSource.ts';
import type { Checkpoint, CheckpointTensor } from './checkpoint.ts';
import { checkpointError, DOWNLOAD_AGAIN, quote } from './checkpointError.ts';
import { findModelDirectory } from './modelDirectory.ts';
import { readJson } from './readJson.ts';
import { openSafetensors } from './safetensors.ts';
import { openTorchFile } from './torchFile.ts';

/** Names of the weights without extension: transformers' models, diffusers' models. */
const STEMS = ['model', 'diffusion_pytorch_model'];
/** Most shards an index may name; the largest published models have some 200. */
const MAX_SHARDS = 1000;

/**
 * Opens the weights of a model published in the hub's layout, wherever it lies inside the dropped folder (see
 * {@link findModelDirectory}). In this order: `stem.safetensors`, its shards by `stem.safetensors.index.json`, the
 * `fp16` variants of both, and the same of torch's format (`pytorch_model.bin` for the stem `model`).
 * @param options `stem`: name of the weights; without it `model`, then `diffusion_pytorch_model`. `directory`: part of
 *   a pipeline, such as `unet` or `text_encoder`
 * @throws {UserError} `CheckpointError`: no such files, a shard is missing or lacks a tensor, a file is unreadable
 */
export async function openCheckpoint(
  folder: HubFolder,
  options: { stem?: string; directory?: string } = {},
): Promise<Checkpoint> {
  const directory = findModelDirectory(folder, options);
  const names = (options.stem === undefined ? STEMS : [options.stem]).flatMap(candidateNames);
  for (const name of names) {
    const source = folder.get(directory + name);
    if (!source) continue;
    return name.endsWith('.json') ? openSharded(folder, { directory, index: name }) : openWeights(source, name);
  }
  throw checkpointError(
    directory || 'model folder',
    `it has no weights; expected ${names.filter((name) => !name.endsWith('.json') && !name.includes('fp16')).join(' or ')}`,
  );
}

/** The variant stands before the extension; libraries have put it at both places of an index's name. */
function candidateNames(stem: string): string[] {
  const torch = stem === 'model' ? 'pytorch_model' : stem;
  return [
    [stem, 'safetensors'],
    [torch, 'bin'],
  ].flatMap(([name, extension]) => [
    `${name}.${extension}`,
    `${name}.${extension}.index.json`,
    `${name}.fp16.${extension}`,
    `${name}.${extension}.index.fp16.json`,
    `${name}.fp16.${extension}.index.json`,
  ]);
}

function openWeights(source: ByteSource, name: string): Promise<Checkpoint> {
  return name.endsWith('.safetensors') ? openSafetensors(source) : openTorchFile(source);
}

/** Opens what an index lists: `{ "weight_map": { tensor: file } }`, files relative to the index. */
async function openSharded(
  folder: HubFolder,
  { directory, index }: { directory: string; index: string },
): Promise<Checkpoint> {
  const path = directory + index;
  const { weight_map: map } = await readJson(folder, path);
  if (typeof map !== 'object' || map === null || Array.isArray(map)) {
    throw checkpointError(path, `it has no "weight_map"; ${DOWNLOAD_AGAIN}`);
  }
  const shards = new Map<string, string[]>();
  for (const [tensor, file] of Object.entries(map as Record<string, unknown>)) {
    if (typeof file !== 'string') throw checkpointError(path, `tensor ${quote(tensor)} has no file; ${DOWNLOAD_AGAIN}`);
    const listed = shards.get(file);
    if (listed) listed.push(tensor);
    else shards.set(file, [tensor]);
  }
  checkShards([...shards.keys()], { folder, directory, path });

  const tensors = new Map<string, CheckpointTensor>();
  for (const [file, names] of shards) {
    const shard = await openWeights(folder.get(directory + file) as ByteSource, file);
    for (const name of names) {
      const tensor = shard.tensors.get(name);
      if (!tensor) {
        throw checkpointError(
          directory + file,
          `tensor ${quote(name)} is missing, expected by "${index}"; index and shards are of different versions, download all again`,
        );
      }
      tensors.set(name, tensor);
    }
  }
  return { tensors };
}

function checkShards(
  files: readonly string[],
  { folder, directory, path }: { folder: HubFolder; directory: string; path: string },
): void {
  if (files.length === 0 || files.length > MAX_SHARDS) {
    throw checkpointError(path, `it names ${files.length} files, expected 1 to ${MAX_SHARDS}; ${DOWNLOAD_AGAIN}`);
  }
  const missing = files.filter((file) => !folder.has(directory + file));
  if (missing.length === 0) return;
  const named = missing.slice(0, 3).map(quote).join(', ');
  const more = missing.length > 3 ? ` and ${missing.length - 3} more` : '';
  throw checkpointError(
    path,
    `${missing.length} of the ${files.length} files it names are missing: ${named}${more}; add them to the folder`,
  );
}
