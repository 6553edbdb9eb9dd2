import type { Precision } from '../graph/weights.ts';
import { type DraftRecord, type DraftSummary, parseDraftRecord } from './draftRecord.ts';
import { type JournalLine, journalState, readJournal } from './journal.ts';
import { allFolders, DRAFT, deleteFolder, findFile, findFolder, findList, JOURNAL, MANIFEST } from './packFolders.ts';
import { busyPacks, whileOwned } from './packLocks.ts';
import { isSameOrigin, type PackOrigin } from './packManifest.ts';

/** A draft found on the disk. */
export interface FoundDraft {
  readonly id: string;
  readonly folder: FileSystemDirectoryHandle;
  readonly record: DraftRecord;
}

/** Interrupted installations, newest first; those that are being worked on, in any tab, are left out. */
export async function listDrafts(): Promise<DraftSummary[]> {
  const busy = await busyPacks();
  const drafts = (await findDrafts()).filter(({ id }) => !busy.has(id));
  const summaries = drafts.map(async ({ id, folder, record }): Promise<DraftSummary> => {
    const { doneBytes } = journalState((await readLines(folder, record)).map(({ entry }) => entry));
    const { name, kind, precision, origin, totalBytes, startedAt } = record;
    return { id, name, kind, precision, from: origin.from, doneBytes, totalBytes, startedAt };
  });
  return (await Promise.all(summaries)).sort((a, b) => b.startedAt - a.startedAt);
}

/** The newest draft of the same files in the same precision; null: none. */
export async function findMatchingDraft(wanted: {
  readonly origin: PackOrigin;
  readonly precision: Precision;
}): Promise<FoundDraft | null> {
  const matching = (await findDrafts()).filter(
    ({ record }) => record.precision === wanted.precision && isSameOrigin(record.origin, wanted.origin),
  );
  return matching.sort((a, b) => b.record.startedAt - a.record.startedAt)[0] ?? null;
}

/** The draft of an id; null where there is none that can be read. */
export async function findDraft(id: string): Promise<FoundDraft | null> {
  const folder = await findFolder(id);
  return folder && readDraft(folder);
}

/**
 * Deletes an interrupted installation.
 * @throws {UserError} `StorageError`: it is being worked on
 */
export async function discardDraft(id: string): Promise<void> {
  await whileOwned(id, () => deleteFolder(id));
}

/** The lines of a draft's journal; none where it cannot be read. */
export async function readLines(
  folder: FileSystemDirectoryHandle,
  { blockBytes }: { readonly blockBytes: number },
): Promise<JournalLine[]> {
  try {
    const journal = await findFile(folder, JOURNAL);
    return journal ? readJournal(new Uint8Array(await journal.arrayBuffer()), blockBytes) : [];
  } catch {
    return [];
  }
}

async function findDrafts(): Promise<FoundDraft[]> {
  const drafts = await Promise.all((await allFolders()).map(readDraft));
  return drafts.filter((draft) => draft !== null);
}

async function readDraft(folder: FileSystemDirectoryHandle): Promise<FoundDraft | null> {
  try {
    // A pack is complete, whatever of its draft the last moment has left.
    if (await findList(folder, MANIFEST)) return null;
    const file = await findList(folder, DRAFT);
    return file && { id: folder.name, folder, record: parseDraftRecord(await file.text()) };
  } catch {
    return null;
  }
}
