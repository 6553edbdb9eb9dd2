/**
 * The worker that compiles published checkpoints into packs: checkpoint → graph → OPFS. It owns no GPU; the graphs
 * themselves are built by the refine worker when it needs them.
 */
import { expose } from 'comlink';
import type { ByteProgress, CompileWorkerApi } from '../src/bridge/protocol.ts';
import { isDiffusionFolder } from '../src/checkpoint/diffusionParts.ts';
import { abortError } from '../src/errors.ts';
import type { Precision, WeightIndex } from '../src/graph/weights.ts';
import { blobSource } from '../src/storage/blobSource.ts';
import { PACK_FORMAT, type PackSummary, storedName } from '../src/storage/packManifest.ts';
import { deletePack, deleteUnfinished, draftPack, listPacks } from '../src/storage/packStore.ts';
import { ShardWriter } from '../src/storage/shardWriter.ts';
import { Jobs } from './jobs.ts';
import { planDiffusion } from './planDiffusion.ts';
import { planMaps } from './planMaps.ts';

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
  const folder = new Map(files.map(({ path, file }) => [path, blobSource(path, file)]));
  const plan = await (isDiffusionFolder(folder) ? planDiffusion : planMaps)(folder, precision);
  const totalBytes = plan.parts.reduce((sum, { byteLength }) => sum + byteLength, 0);

  await deleteUnfinished();
  const draft = await draftPack();
  const shards = new ShardWriter(draft.folder);
  try {
    const parts: Record<string, WeightIndex> = {};
    let before = 0;
    for (const part of plan.parts) {
      parts[part.name] = await part.compile({
        sink: shards,
        signal,
        onProgress: ({ doneBytes, totalBytes: ofPart }) =>
          onProgress({
            stage: 'compile',
            item: plan.parts.length === 1 ? name : `${name}: ${part.name}`,
            doneBytes: before + Math.round((doneBytes / ofPart) * part.byteLength),
            totalBytes,
          }),
      });
      before += part.byteLength;
    }
    shards.close();

    let byteLength = shards.byteLength;
    for (const [path, source] of plan.files) {
      await draft.writeFile(storedName(path), new Blob([await source.read(0, source.size)]));
      byteLength += source.size;
    }
    if (signal.aborted) throw abortError();

    const { kind, description, imageSizes, hasLearnedContexts } = plan;
    const summary: PackSummary = {
      id: draft.id,
      kind,
      name,
      description,
      precision: plan.precision,
      imageSizes,
      byteLength,
      hasLearnedContexts,
      installedAt: Date.now(),
    };
    await draft.commit({ format: PACK_FORMAT, summary, parts, files: [...plan.files.keys()] });
    return summary;
  } catch (error) {
    shards.close();
    await draft.abandon();
    throw error;
  }
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
