/** The contract of the worker that installs, checks and moves packs: types only. See `protocol.ts` for the rules. */

import type { Licence } from '../bundles/bundle.ts';
import type { Precision } from '../graph/weights.ts';
import type { HubAccess, PublishedFile } from '../hub/publishedFile.ts';
import type { DraftSummary } from '../storage/draftRecord.ts';
import type { Activity } from '../storage/packActivity.ts';
import type { PackDamage } from '../storage/packDamage.ts';
import type { PackKind, PackSummary } from '../storage/packManifest.ts';
import type { DamagedPack } from '../storage/packStore.ts';
import type { StorageState } from '../storage/storageRoom.ts';
import type { ByteProgress } from './protocol.ts';

export type { DamagedPack, DraftSummary, PackDamage, PackSummary, StorageState };

/** Where the files of one model are: on this machine (a folder in hub layout, or one checkpoint file), or published. */
export type ModelSource =
  | { readonly from: 'files'; readonly files: readonly { readonly path: string; readonly file: File }[] }
  | { readonly from: 'hub'; readonly files: readonly PublishedFile[]; readonly hub: HubAccess };

export interface InstallRequest {
  readonly jobId: string;
  /** As shown. */
  readonly name: string;
  readonly precision: Precision;
  readonly licence: Licence | null;
  readonly source: ModelSource;
}

/** What an installation will take, found from headers and configs alone. */
export interface InstallEstimate {
  readonly kind: PackKind;
  readonly description: string;
  /** Bytes still to be fetched; 0 for files on this machine. */
  readonly downloadBytes: number;
  /** Bytes the pack will have on disk. */
  readonly diskBytes: number;
}

/** What happens to packs in any tab, this one included: a running installation, verification, repair, export or import. */
export type PackActivity = Activity<ByteProgress>;

/**
 * The worker that turns published checkpoints into packs. One job runs at a time, over all tabs; a second one waits, and its
 * progress says so (`wait`). Jobs are installations, verifications, repairs, exports and imports.
 */
export interface PackWorkerApi {
  listPacks(): Promise<readonly PackSummary[]>;
  /** Interrupted installations; those that run, in any tab, are none. */
  listDrafts(): Promise<readonly DraftSummary[]>;
  /** Packs and drafts that cannot be used any more, and why; `deletePack` removes them. */
  listDamaged(): Promise<readonly DamagedPack[]>;
  storageState(): Promise<StorageState>;
  /** Reads headers and configs; writes nothing. Throws DownloadError, CheckpointError, UnsupportedModelError. */
  estimateInstall(request: Omit<InstallRequest, 'name' | 'licence'>): Promise<InstallEstimate>;
  /**
   * Compiles a model while its bytes arrive. Goes on with a draft of the same files and precision where there is one. An error
   * leaves a draft: nothing finished is lost; only files on this machine that are no usable model leave nothing. Throws
   * DownloadError, CheckpointError, UnsupportedModelError, StorageError (too little room, said before anything is written).
   */
  install(request: InstallRequest, onProgress: (progress: ByteProgress) => void): Promise<PackSummary>;
  /** Goes on with a draft whose files are published. Throws PackMissingError where there is none, else as `install`. */
  resumeDraft(
    job: { readonly jobId: string; readonly draftId: string; readonly hub: HubAccess },
    onProgress: (progress: ByteProgress) => void,
  ): Promise<PackSummary>;
  /** Deletes an interrupted installation. Throws StorageError where it runs. */
  discardDraft(draftId: string): Promise<void>;
  /** Throws StorageError where a job works on it. */
  deletePack(packId: string): Promise<void>;
  /** Reads a whole pack and compares it with its checksums; null: it is as it was written. */
  verifyPack(
    job: { readonly jobId: string; readonly packId: string },
    onProgress: (progress: ByteProgress) => void,
  ): Promise<PackDamage | null>;
  /**
   * Fetches and writes again what is broken, and nothing else, also while the pack is in use. `source`: the files of a pack made
   * on this machine, or instead of fetching. Throws CheckpointError where they are others, DownloadError, StorageError.
   */
  repairPack(
    job: {
      readonly jobId: string;
      readonly packId: string;
      readonly source: ModelSource | null;
      readonly hub: HubAccess;
    },
    onProgress: (progress: ByteProgress) => void,
  ): Promise<PackSummary>;
  /**
   * Copies a pack into a new folder inside one the user chose and has allowed to write to, to carry it to another machine.
   * Nothing stays where it fails. Throws StorageError: damaged, or not writable.
   */
  exportPack(
    job: { readonly jobId: string; readonly packId: string; readonly folder: FileSystemDirectoryHandle },
    onProgress: (progress: ByteProgress) => void,
  ): Promise<void>;
  /** Installs an exported pack after checking it. Throws CheckpointError for anything else. */
  importPack(
    job: { readonly jobId: string; readonly files: readonly { readonly path: string; readonly file: File }[] },
    onProgress: (progress: ByteProgress) => void,
  ): Promise<PackSummary>;
  /** Calls back at once and whenever the activity or the list of packs changes, in any tab. */
  watchActivity(onChange: (activity: PackActivity) => void): Promise<void>;
  /** Stops a job and keeps what it has done as a draft; its promise rejects with AbortError. Unknown ids are ignored. */
  pause(jobId: string): Promise<void>;
  /** Stops a job and deletes what it has done; its promise rejects with AbortError. Unknown ids are ignored. */
  cancel(jobId: string): Promise<void>;
}
