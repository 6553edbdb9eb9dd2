import type { BatchTask } from '../batch/batch.ts';
import type { BatchQueue } from '../batch/batchQueue.ts';
import type { RefineStage } from '../pipeline/refinement.ts';
import type { KeptBatch } from '../storage/batchStore.ts';
import type { BatchChoice } from './batchTask.ts';
import type { PathedFile } from './modelFolder.ts';

/** A folder that was dropped and waits for the user to say what is to be done with it. */
export interface BatchOffer {
  readonly name: string;
  readonly imageCount: number;
  readonly byteLength: number;
  /** Images whose prompt a list beside them says. */
  readonly listedPrompts: number;
  /** Sentences for the user. */
  readonly notes: readonly string[];
}

/** The batch that is open. */
export interface OpenBatch {
  readonly id: string;
  readonly name: string;
  readonly queue: BatchQueue;
  /** Images that wait and whose files are not at hand: after a reload they are dropped again, or the folder is allowed once more. */
  readonly missing: number;
  /** Whether the folder can be read again with a click. */
  readonly hasFolder: boolean;
  /** The entry at work is being stopped. */
  readonly stopping: 'pause' | 'skip' | null;
}

/** How far the entry at work is. */
export interface BatchStep {
  /** Changes with what is done: what pace is kept by. */
  readonly stage: string;
  readonly at: RefineStage | 'load';
  readonly done: number;
  readonly total: number;
}

/** Folders of images, worked through one image after another. */
export interface BatchSlice {
  readonly batchOffer: BatchOffer | null;
  readonly batch: OpenBatch | null;
  /** Apart from the batch: it changes many times a second. */
  readonly batchStep: BatchStep | null;
  /** Batches that are kept, newest first; null: not read yet. */
  readonly keptBatches: readonly KeptBatch[] | null;
  /** Whether the folder's page stands in place of the light table. */
  readonly batchShown: boolean;

  /** Reads which batches are kept and opens the one that was open when the page was left. Never throws. */
  loadBatches(): Promise<void>;
  /**
   * Shows what a drop would become; files that the open batch misses are taken up by it instead.
   * @param folder its handle, where the browser gives one: then it can be read again after a reload
   */
  offerBatch(files: readonly PathedFile[], folder: FileSystemDirectoryHandle | null): Promise<void>;
  closeBatchOffer(): void;
  /** Opens the offered images in the strip instead. */
  openOfferInStrip(): void;
  /** Makes a batch of what is offered and starts it. `otherwisePrompt`: for images that have none. */
  startBatch(
    choices: readonly BatchChoice[],
    options: { readonly otherwisePrompt: string; readonly measures: BatchTask['measures'] },
  ): Promise<void>;
  openBatch(id: string): Promise<void>;
  /** Leaves the batch as it is; nothing of it is lost. */
  closeBatch(): Promise<void>;
  /** Deletes a batch with its results. */
  deleteBatch(id: string): Promise<void>;
  showBatch(shown: boolean): void;
  /** Nothing begins after the image at work; `now`: that one is stopped, too, and waits again. */
  pauseBatch(options?: { readonly now?: boolean }): void;
  /** Goes on; asks for the folder where its files are not at hand. Call it within a click. */
  resumeBatch(): Promise<void>;
  skipEntry(entry: number): void;
  /** Takes up again what failed, or these entries, and goes on. */
  retryEntries(entries?: readonly number[]): Promise<void>;
  /** Goes over all images once more, in another way. */
  addBatchTask(choice: BatchChoice, measures: BatchTask['measures']): Promise<void>;
  /** Opens an entry's image in the normal view, with its refinement where there is one. Call it within a click. */
  openEntry(entry: number): Promise<void>;
  /** A picture kept of the open batch, see `batchFiles`; null: there is none. */
  batchFile(name: string): Promise<File | null>;
  /** An empty file to write a large export into. Throws StorageError. */
  exportFile(): Promise<FileSystemFileHandle>;
  /** Reads a folder the user chose, and offers what is in it. */
  offerFolder(folder: FileSystemDirectoryHandle): Promise<void>;
  /** Starts the next entry; called where nothing else is to be done. */
  runNextEntry(): void;
}
