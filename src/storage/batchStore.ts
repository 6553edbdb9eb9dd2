import type { BatchOutcome } from '../batch/batch.ts';
import {
  type BatchRecord,
  entryName,
  MAX_RECORD_LENGTH,
  parseBatchRecord,
  parseOutcome,
  type RecordDefaults,
  writeBatchRecord,
  writeOutcome,
} from '../batch/batchRecord.ts';
import { UserError } from '../errors.ts';
import { deleteFile, findFile, findList, folderBytes, writeFile } from './packFolders.ts';
import { asStorageError } from './storageError.ts';

/** A batch that is kept. */
export interface KeptBatch {
  readonly id: string;
  /** As shown; null: its list is damaged. */
  readonly name: string | null;
  readonly createdAt: number;
  readonly imageCount: number;
  /** A sentence: why it cannot be opened; null: it can. */
  readonly reason: string | null;
}

/** A batch that is opened. */
export interface OpenedBatch {
  readonly record: BatchRecord;
  /** By entry, `task · images + image`; null: nothing is stored. */
  readonly outcomes: readonly (BatchOutcome | null)[];
}

/**
 * Batches and their results in the browser's private file system, a folder each below `batches/`: `batch.json`, `entries/` with an outcome
 * for each entry, `files/` with pictures. Every file is written whole or not at all.
 */
export interface BatchStore {
  /** All batches, newest first, damaged ones with the reason. */
  list(defaults: RecordDefaults): Promise<readonly KeptBatch[]>;
  /** @returns its id. Throws StorageError */
  create(record: BatchRecord): Promise<string>;
  /** Throws StorageError: it is gone or its list is damaged. Damaged outcomes are failures that say so; their files stay until retried. */
  open(id: string, defaults: RecordDefaults): Promise<OpenedBatch>;
  /** Changes what is to be done. Throws StorageError. */
  writeRecord(id: string, record: BatchRecord): Promise<void>;
  /** `outcome` null: forgets it. Throws StorageError. */
  writeOutcome(id: string, name: string, outcome: BatchOutcome | null): Promise<void>;
  /** Keeps a picture, in place of one of the same name. Throws StorageError. */
  writeFile(id: string, name: string, file: Blob): Promise<void>;
  /** A picture, in memory, as another may take its place on the disk; null: there is none, or none that can be read. */
  file(id: string, name: string): Promise<File | null>;
  /** An empty file to write a large export into, in place of the last one. Throws StorageError. */
  exportFile(): Promise<FileSystemFileHandle>;
  /** Bytes of a batch on the disk. */
  byteLength(id: string): Promise<number>;
  /** Makes a batch this tab's until the returned function is called, which resolves once it is free; null: another tab has it. */
  own(id: string): Promise<(() => Promise<void>) | null>;
  /** Deletes a batch with everything in it; no error when it is gone already. Throws StorageError. */
  remove(id: string): Promise<void>;
}

const BATCHES = 'batches';
const RECORD = 'batch.json';
const ENTRIES = 'entries';
const FILES = 'files';
const EXPORT = 'export.zip';
/** Outcomes read at a time. */
const AT_ONCE = 32;
/** Times that a picture is read which is replaced each time while it is. */
const READS = 5;

/**
 * @param root the folder that everything lies in; asked for anew each time
 * @param locks what tabs agree by; null: the browser has none, and there is one tab
 */
export function createBatchStore(
  root: () => Promise<FileSystemDirectoryHandle>,
  locks: Pick<LockManager, 'request'> | null,
): BatchStore {
  const top = async (): Promise<FileSystemDirectoryHandle> => {
    try {
      return await (await root()).getDirectoryHandle(BATCHES, { create: true });
    } catch (error) {
      throw asStorageError(error, BATCHES);
    }
  };
  const folderOf = async (id: string, part: string | null = null): Promise<FileSystemDirectoryHandle> => {
    const batches = await top();
    try {
      const batch = await batches.getDirectoryHandle(id);
      return part === null ? batch : await batch.getDirectoryHandle(part, { create: true });
    } catch (error) {
      throw asStorageError(error, `${id}/${part ?? ''}`);
    }
  };

  return {
    list: async (defaults) => {
      const kept: KeptBatch[] = [];
      for await (const folder of (await top()).values()) {
        if (folder.kind !== 'directory') continue;
        try {
          const { name, createdAt, images } = await readRecord(folder, defaults);
          kept.push({ id: folder.name, name, createdAt, imageCount: images.length, reason: null });
        } catch (error) {
          kept.push({
            id: folder.name,
            name: null,
            createdAt: 0,
            imageCount: 0,
            reason: `Its list “${RECORD}” cannot be used: ${(error as Error).message}. Its files stay until you delete it.`,
          });
        }
      }
      return kept.sort((a, b) => b.createdAt - a.createdAt);
    },

    create: async (record) => {
      const id = crypto.randomUUID();
      const batches = await top();
      try {
        await writeFile(await batches.getDirectoryHandle(id, { create: true }), RECORD, writeBatchRecord(record));
      } catch (error) {
        await batches.removeEntry(id, { recursive: true }).catch(() => {});
        throw asStorageError(error, id);
      }
      return id;
    },

    open: async (id, defaults) => {
      try {
        const record = await readRecord(await folderOf(id), defaults);
        return { record, outcomes: await readOutcomes(await folderOf(id, ENTRIES), record) };
      } catch (error) {
        if (error instanceof UserError) throw error;
        throw new UserError(
          'StorageError',
          `The results of this folder cannot be opened: “${RECORD}”, ${(error as Error).message}. They stay on the disk until you delete them; drop the folder again to begin anew.`,
          { cause: error },
        );
      }
    },

    writeRecord: async (id, record) => writeFile(await folderOf(id), RECORD, writeBatchRecord(record)),

    writeOutcome: async (id, name, outcome) => {
      const entries = await folderOf(id, ENTRIES);
      if (outcome) await writeFile(entries, `${name}.json`, writeOutcome(outcome));
      else await deleteFile(entries, `${name}.json`);
    },

    writeFile: async (id, name, file) => writeFile(await folderOf(id, FILES), name, file),

    file: async (id, name) => {
      try {
        return await copyOf(await folderOf(id, FILES), name);
      } catch {
        // The batch was deleted meanwhile.
        return null;
      }
    },

    exportFile: async () => {
      try {
        return await (await top()).getFileHandle(EXPORT, { create: true });
      } catch (error) {
        throw asStorageError(error, EXPORT);
      }
    },

    byteLength: async (id) => {
      let bytes = 0;
      for (const part of [null, ENTRIES, FILES]) bytes += await folderBytes(await folderOf(id, part));
      return bytes;
    },

    own: (id) =>
      new Promise((resolve, reject) => {
        if (!locks) {
          resolve(async () => {});
          return;
        }
        const held: Promise<unknown> = locks.request(`g-refine-batch-${id}`, { ifAvailable: true }, (lock) => {
          if (!lock) {
            resolve(null);
            return null;
          }
          return new Promise<void>((release) => {
            resolve(async () => {
              release();
              await held;
            });
          });
        });
        held.catch(reject);
      }),

    remove: async (id) => {
      const batches = await top();
      await batches.removeEntry(id, { recursive: true }).catch((error: unknown) => {
        if ((error as { name?: string }).name !== 'NotFoundError') throw asStorageError(error, id);
      });
    },
  };
}

async function copyOf(folder: FileSystemDirectoryHandle, name: string): Promise<File | null> {
  for (let read = 0; read < READS; read++) {
    const file = await findFile(folder, name);
    if (!file) return null;
    // Replaced before its bytes are here, a file cannot be read: the next one can.
    const bytes = await file.arrayBuffer().catch(() => null);
    if (bytes) return new File([bytes], name, { type: file.type, lastModified: file.lastModified });
  }
  return null;
}

async function readRecord(folder: FileSystemDirectoryHandle, defaults: RecordDefaults): Promise<BatchRecord> {
  const file = await findList(folder, RECORD);
  if (!file) throw new SyntaxError('it is not there, or was never written to its end');
  if (file.size > MAX_RECORD_LENGTH) throw new SyntaxError(`it has ${file.size} bytes`);
  return parseBatchRecord(await file.text(), defaults);
}

async function readOutcomes(
  entries: FileSystemDirectoryHandle,
  { images, tasks }: BatchRecord,
): Promise<(BatchOutcome | null)[]> {
  const places = new Map<string, number>();
  for (const [at, task] of tasks.entries()) {
    for (const image of images.keys()) places.set(`${entryName(image, task)}.json`, at * images.length + image);
  }
  const outcomes: (BatchOutcome | null)[] = Array.from({ length: places.size }, () => null);
  const found: [string, number][] = [];
  for await (const name of entries.keys()) {
    const place = places.get(name);
    if (place !== undefined) found.push([name, place]);
  }
  for (let at = 0; at < found.length; at += AT_ONCE) {
    await Promise.all(
      found.slice(at, at + AT_ONCE).map(async ([name, place]) => {
        outcomes[place] = await readOutcome(entries, name);
      }),
    );
  }
  return outcomes;
}

async function readOutcome(entries: FileSystemDirectoryHandle, name: string): Promise<BatchOutcome> {
  try {
    const file = await (await entries.getFileHandle(name)).getFile();
    if (file.size > MAX_RECORD_LENGTH) throw new SyntaxError(`it has ${file.size} bytes`);
    return parseOutcome(await file.text());
  } catch (error) {
    const message = `The stored result “${name}” cannot be used: ${(error as Error).message}. Retry, and it is made again.`;
    return { state: 'failed', problem: { name: 'StorageError', message }, finishedAt: 0 };
  }
}
