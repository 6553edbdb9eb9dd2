import type { InstallEstimate, InstallRequest, ModelSource } from '../src/bridge/packProtocol.ts';
import type { ByteProgress } from '../src/bridge/protocol.ts';
import { UserError } from '../src/errors.ts';
import type { ResolvedFile } from '../src/hub/publishedFile.ts';
import { BLOCK_BYTES } from '../src/storage/blockChecksums.ts';
import { DRAFT_FORMAT } from '../src/storage/draftRecord.ts';
import { findDraft, findMatchingDraft, readLines } from '../src/storage/draftStore.ts';
import { type JournalState, journalState } from '../src/storage/journal.ts';
import { OpenDraft } from '../src/storage/openDraft.ts';
import {
  isSameOrigin,
  PACK_FORMAT,
  type PackOrigin,
  type PackSummary,
  shownOrigin,
} from '../src/storage/packManifest.ts';
import { listPacks } from '../src/storage/packStore.ts';
import { SHARD_LIMIT } from '../src/storage/shardWriter.ts';
import { checkRoom } from '../src/storage/storageRoom.ts';
import { isDiscarded } from './jobs.ts';
import { type NetworkLimits, type OpenModel, openModel, originOf } from './openModel.ts';
import type { PackPlan } from './packPlan.ts';
import { plannedBytes, planPack } from './planPack.ts';

/** What an installation is of. */
export type Installation = Omit<InstallRequest, 'jobId'>;

export interface InstallOptions {
  /** Its reason says whether what was done is kept. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ByteProgress) => void;
  /** Sizes in bytes, others than the default for tests. */
  readonly sizes?: { readonly shardLimit?: number; readonly blockBytes?: number; readonly commitBytes?: number };
  readonly limits?: NetworkLimits;
}

/** Reads headers and configs alone. A draft of the same files counts as fetched. @throws {UserError} `DownloadError`, `CheckpointError`, `UnsupportedModelError` */
export async function estimateInstall(
  { source, precision }: Pick<Installation, 'source' | 'precision'>,
  { limits }: Pick<InstallOptions, 'limits'> = {},
): Promise<InstallEstimate> {
  const { signal } = new AbortController();
  const origin = await originOf(source, { name: '', signal, limits });
  const found = await findMatchingDraft({ origin, precision });
  const done = found ? journalState((await readLines(found.folder, found.record)).map(({ entry }) => entry)) : null;
  const model = openModel({ source, origin }, { signal, limits });
  try {
    const plan = await planPack(model.folder, precision);
    return {
      kind: plan.kind,
      description: plan.description,
      downloadBytes: origin.from === 'hub' ? origin.files.reduce((sum, file) => sum + bytesToFetch(file, done), 0) : 0,
      diskBytes: plannedBytes(plan),
    };
  } finally {
    model.close();
  }
}

/**
 * Compiles a model while its bytes arrive; goes on with a draft of the same files and precision where there is one. Call only
 * as the one job on packs.
 * @throws {UserError} `DownloadError`, `CheckpointError`, `UnsupportedModelError`, `StorageError`: a draft stays, unless the
 *   files on this machine are no model that can be stored
 */
export async function installPack(installation: Installation, options: InstallOptions): Promise<PackSummary> {
  const { name, precision, source } = installation;
  const origin = await originOf(source, { name, signal: options.signal, limits: options.limits });
  // Another tab may have installed the very same while this one waited.
  const same = origin.from === 'hub' && (await findInstalled({ origin, precision }));
  if (same) return same;
  const found = await findMatchingDraft({ origin, precision });
  const draft = found && (await OpenDraft.open(found, options.sizes));
  const run = new InstallRun(installation, { ...options, origin, draft });
  return run.finish();
}

/** The pack that published files were installed as; null: none. */
async function findInstalled({ origin, precision }: { origin: PackOrigin; precision: Installation['precision'] }) {
  const manifests = await listPacks();
  const same = manifests.find(
    ({ summary, ...pack }) => summary.precision === precision && isSameOrigin(pack.origin, origin),
  );
  return same?.summary ?? null;
}

/**
 * Goes on with a draft whose files are published.
 * @throws {UserError} as {@link installPack}; `PackMissingError`: there is no such draft
 */
export async function resumeDraft(
  { draftId, hub }: { draftId: string; hub: Extract<ModelSource, { from: 'hub' }>['hub'] },
  options: InstallOptions,
): Promise<PackSummary> {
  const found = await findDraft(draftId);
  if (found?.record.origin.from !== 'hub') {
    throw new UserError(
      'PackMissingError',
      found
        ? `The files of "${found.record.name}" are on this machine: add them again, and it goes on where it stopped.`
        : 'This interrupted installation is gone. Add the model again.',
    );
  }
  const { name, precision, licence, origin } = found.record;
  return installPack({ name, precision, licence, source: { from: 'hub', files: origin.files, hub } }, options);
}

/** One run of an installation, from opened files to the pack or to a draft that waits. */
class InstallRun {
  readonly #installation: Installation;
  readonly #options: InstallOptions;
  readonly #origin: PackOrigin;
  #draft: OpenDraft | null;
  /** The parts that what is read now belongs to. */
  #at: ReadonlySet<string> = new Set();

  constructor(
    installation: Installation,
    { origin, draft, ...options }: InstallOptions & { origin: PackOrigin; draft: OpenDraft | null },
  ) {
    this.#installation = installation;
    this.#options = options;
    this.#origin = origin;
    this.#draft = draft;
  }

  async finish(): Promise<PackSummary> {
    const { source, name } = this.#installation;
    const { signal, onProgress, limits } = this.#options;
    const download = downloadOf(this.#origin, this.#draft?.before ?? null);
    const model = openModel(
      { source, origin: this.#origin },
      {
        signal,
        limits,
        resume: this.#draft?.before.streams ?? new Map(),
        onBytes: (count) => {
          download.doneBytes = Math.min(download.totalBytes, download.doneBytes + count);
          onProgress({ stage: 'download', item: name, ...download });
        },
      },
    );
    try {
      return await this.#install(model);
    } catch (error) {
      await this.#leave(error, model);
      throw error;
    } finally {
      model.close();
      await this.#draft?.close();
    }
  }

  async #install(model: OpenModel): Promise<PackSummary> {
    const { precision, name, licence } = this.#installation;
    const { signal, sizes } = this.#options;
    const plan = await planPack(model.folder, precision);
    // Browsers keep six connections to a host: those over files whose turn is later would keep the others waiting.
    model.rest();
    signal.throwIfAborted();
    if (this.#draft && !isPlanned(this.#draft, plan)) {
      // Another version of the app has begun it, and stores weights otherwise.
      await this.#draft.discard();
      this.#draft = null;
      model.close();
      return this.finish();
    }
    const need = plannedBytes(plan) - (this.#draft?.byteLength ?? 0);
    await checkRoom({ name, byteLength: need, except: this.#draft?.id ?? null });

    const totalBytes = plan.parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
    this.#draft ??= await OpenDraft.create(
      {
        format: DRAFT_FORMAT,
        name,
        kind: plan.kind,
        precision,
        licence,
        origin: this.#origin,
        totalBytes,
        shardLimit: sizes?.shardLimit ?? SHARD_LIMIT,
        blockBytes: sizes?.blockBytes ?? BLOCK_BYTES,
        startedAt: Date.now(),
      },
      sizes,
    );
    await this.#compile(plan, { model, draft: this.#draft, totalBytes });
    for (const [path, file] of plan.files) {
      signal.throwIfAborted();
      await this.#draft.keepFile(path, await file.read(0, file.size));
      await model.finish(file.name);
    }
    signal.throwIfAborted();
    return this.#commit(plan, this.#draft);
  }

  async #compile(
    { parts }: PackPlan,
    { model, draft, totalBytes }: { model: OpenModel; draft: OpenDraft; totalBytes: number },
  ): Promise<void> {
    const { name } = this.#installation;
    const { signal, onProgress } = this.#options;
    let before = 0;
    for (const [index, part] of parts.entries()) {
      let doneBytes = before;
      this.#at = new Set([part.name]);
      const sink = draft.sink(part.name, () => ({ doneBytes, streams: model.streams(part.sources) }));
      await part.compile({
        sink,
        signal,
        stored: draft.stored(part.name),
        onProgress: (progress) => {
          doneBytes = before + Math.round((progress.doneBytes / progress.totalBytes) * part.byteLength);
          const item = parts.length === 1 ? name : `${name}: ${part.name}`;
          if (this.#origin.from === 'files') onProgress({ stage: 'compile', item, doneBytes, totalBytes });
        },
      });
      before += part.byteLength;
      doneBytes = before;
      // A file of several parts is compared once the last of them has it.
      const later = parts.slice(index + 1);
      const due = [...part.sources].filter((path) => !later.some(({ sources }) => sources.has(path)));
      for (const path of due) {
        this.#at = new Set(parts.filter(({ sources }) => sources.has(path)).map(({ name: reader }) => reader));
        if (!draft.before.checked.has(path)) await model.finish(path);
      }
      await draft.commit(due);
    }
  }

  async #commit(plan: PackPlan, draft: OpenDraft): Promise<PackSummary> {
    const { name, licence } = this.#installation;
    const { kind, description, precision, imageSizes, hasLearnedContexts } = plan;
    const { summary } = await draft.install((byteLength) => ({
      format: PACK_FORMAT,
      summary: {
        id: draft.id,
        kind,
        name,
        description,
        precision,
        imageSizes,
        byteLength,
        hasLearnedContexts,
        origin: shownOrigin(this.#origin),
        licence,
        installedAt: Date.now(),
      },
      origin: this.#origin,
    }));
    return summary;
  }

  /** What stays of a run that failed or was stopped. */
  async #leave(error: unknown, model: OpenModel): Promise<void> {
    const draft = this.#draft;
    if (!draft) return;
    const { name } = error as { name?: string };
    const isUnusable = name === 'CheckpointError' || name === 'UnsupportedModelError';
    if (isDiscarded(this.#options.signal) || (isUnusable && this.#origin.from === 'files')) {
      // Files on this machine stay as they are: what cannot be stored of them now never can.
      await draft.discard();
    } else if (isUnusable || model.isRefuted()) {
      // What was fetched for these parts is not to be trusted.
      await draft.rollBack(this.#at);
    } else {
      // The disk may be full: then what the journal says already is what is kept.
      await draft.commit().catch(() => {});
      await draft.close();
    }
  }
}

/** Whether all that a draft has stored is what the plan would store. */
function isPlanned(draft: OpenDraft, { parts }: PackPlan): boolean {
  return [...draft.before.parts].every(([part, weights]) => {
    const planned = parts.find(({ name }) => name === part)?.planned ?? {};
    return Object.entries(weights).every(([name, { type, dims }]) => {
      const layout = planned[name];
      return layout?.type === type && layout.dims.join() === dims.join();
    });
  });
}

/** Bytes to fetch of all files, and those of them that an earlier visit has fetched. */
function downloadOf(origin: PackOrigin, done: JournalState | null): { doneBytes: number; totalBytes: number } {
  if (origin.from === 'files') return { doneBytes: 0, totalBytes: 0 };
  const totalBytes = origin.files.reduce((sum, { bytes }) => sum + bytes, 0);
  return { doneBytes: totalBytes - origin.files.reduce((sum, file) => sum + bytesToFetch(file, done), 0), totalBytes };
}

function bytesToFetch({ path, bytes }: ResolvedFile, done: JournalState | null): number {
  if (done?.checked.has(path)) return 0;
  return bytes - (done?.streams.get(path)?.position ?? 0);
}
