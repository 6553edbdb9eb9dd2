/**
 * The worker that compiles published checkpoints into packs: checkpoint → graph → OPFS. It owns no GPU; the graphs
 * themselves are built by the refine worker when it needs them.
 */
import { expose } from 'comlink';
import type { ByteProgress, CompileWorkerApi } from '../src/bridge/protocol.ts';
import type { HubFolder } from '../src/checkpoint/byteSource.ts';
import { openCheckpoint } from '../src/checkpoint/hubFolder.ts';
import { findModelDirectory } from '../src/checkpoint/modelDirectory.ts';
import { findPromptContexts, PROMPT_CONTEXT_FILES, readPromptContexts } from '../src/checkpoint/promptContexts.ts';
import { abortError } from '../src/errors.ts';
import type { ClipConfig } from '../src/graph/clipConfig.ts';
import { CLIP_IMAGE_SIZES } from '../src/graph/clipWeights.ts';
import { compileClip } from '../src/graph/compileClip.ts';
import type { Precision } from '../src/graph/weights.ts';
import { readClipFolder } from '../src/runtime/clipFolder.ts';
import { blobSource } from '../src/storage/blobSource.ts';
import { PACK_FORMAT, type PackSummary } from '../src/storage/packManifest.ts';
import { deletePack, deleteUnfinished, draftPack, listPacks } from '../src/storage/packStore.ts';
import { ShardWriter } from '../src/storage/shardWriter.ts';
import { Jobs } from './jobs.ts';

/** Published files that are kept beside the weights where the folder has them. */
const KEPT_FILES = [
  'config.json',
  'preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'vocab.json',
  'merges.txt',
];

/** Name of the lock that lets one tab compile at a time. */
const COMPILE_LOCK = 'g-refine-compile';

const jobs = new Jobs();

interface CompileJob {
  readonly name: string;
  readonly files: readonly { readonly path: string; readonly file: File }[];
  readonly precision: Precision;
}

async function compileFolder(
  { name, files, precision }: CompileJob,
  { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: ByteProgress) => void },
): Promise<PackSummary> {
  const blobs = new Map(files.map(({ path, file }) => [path, file]));
  const folder: HubFolder = new Map(files.map(({ path, file }) => [path, blobSource(path, file)]));
  const directory = findModelDirectory(folder);
  // All that an analysis will need is read now, so that a folder without its tokenizer fails before anything is compiled.
  const { config } = await readClipFolder(within(folder, directory));
  const checkpoint = await openCheckpoint(folder);
  const contextSources = findPromptContexts(folder);
  const contexts = contextSources && (await readPromptContexts(contextSources));

  await deleteUnfinished();
  const draft = await draftPack();
  const shards = new ShardWriter(draft.folder);
  try {
    const weights = await compileClip(checkpoint, config, {
      precision,
      sink: shards,
      signal,
      onProgress: ({ doneBytes, totalBytes }) => onProgress({ stage: 'compile', item: name, doneBytes, totalBytes }),
    });
    shards.close();

    const kept = new Map<string, Blob>();
    for (const file of KEPT_FILES) {
      const blob = blobs.get(directory + file);
      if (blob) kept.set(file, blob);
    }
    for (const [factor, source] of Object.entries(contextSources ?? {})) {
      const blob = blobs.get(source.name);
      if (blob) kept.set(PROMPT_CONTEXT_FILES[factor as keyof typeof PROMPT_CONTEXT_FILES], blob);
    }
    let byteLength = shards.byteLength;
    for (const [file, blob] of kept) {
      await draft.writeFile(file, blob);
      byteLength += blob.size;
    }
    if (signal.aborted) throw abortError();

    const summary: PackSummary = {
      id: draft.id,
      kind: 'maps',
      name,
      description: shapeName(config),
      precision,
      imageSizes: CLIP_IMAGE_SIZES,
      byteLength,
      hasLearnedContexts: contexts !== null && contexts.overall.width === config.text.width,
      installedAt: Date.now(),
    };
    await draft.commit({ format: PACK_FORMAT, summary, weights, files: [...kept.keys()] });
    return summary;
  } catch (error) {
    shards.close();
    await draft.abandon();
    throw error;
  }
}

/** The files below `directory` (with its trailing slash), by their path there. */
function within(folder: HubFolder, directory: string): HubFolder {
  const own = [...folder].filter(([path]) => path.startsWith(directory));
  return new Map(own.map(([path, source]) => [path.slice(directory.length), source]));
}

/** The common name of a CLIP's shape, e.g. `ViT-B/16, 512-d`. */
function shapeName({ dim, vision }: ClipConfig): string {
  const size = { 768: 'B', 1024: 'L', 1280: 'H' }[vision.width];
  const shape = size ? `ViT-${size}/${vision.patchSize}` : `ViT ${vision.width}×${vision.blocks}/${vision.patchSize}`;
  return `${shape}, ${dim}-d`;
}

const api = {
  listPacks: async () => (await listPacks()).map(({ summary }) => summary),
  compileFolder: ({ jobId, ...job }, onProgress) =>
    jobs.run(jobId, (signal) =>
      navigator.locks.request(COMPILE_LOCK, { signal }, () => compileFolder(job, { signal, onProgress })),
    ),
  deletePack,
  cancel: async (jobId) => jobs.cancel(jobId),
} satisfies CompileWorkerApi;

expose(api);
