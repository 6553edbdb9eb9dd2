import { UserError } from '../errors.ts';
import { listDrafts } from './draftStore.ts';
import { findFolder, folderBytes } from './packFolders.ts';
import { listPacks } from './packStore.ts';

/** The browser's private storage. */
export interface StorageState {
  readonly usedBytes: number;
  readonly quotaBytes: number;
  /** Whether the browser has promised not to clear it. */
  readonly persisted: boolean;
}

/** Asks the browser. */
export async function storageState(): Promise<StorageState> {
  const { usage = 0, quota = 0 } = await navigator.storage.estimate();
  return { usedBytes: usage, quotaBytes: quota, persisted: await navigator.storage.persisted() };
}

/** Deletable things that are named when room is short. */
const MAX_NAMED = 3;

/**
 * Asks for room before anything is written.
 * @param need `byteLength`: still to be written; `name`: of what. `except`: the draft it belongs to
 * @throws {UserError} `StorageError`: how much is missing, and what could be deleted
 */
export async function checkRoom({
  name,
  byteLength,
  except,
}: {
  name: string;
  byteLength: number;
  except?: string | null;
}): Promise<void> {
  const { usage = 0, quota = 0 } = await navigator.storage.estimate();
  const free = Math.max(0, quota - usage);
  if (byteLength <= free) return;
  const packs = (await listPacks()).map(({ summary }) => ({ what: `"${summary.name}"`, size: summary.byteLength }));
  const drafts = (await listDrafts()).filter(({ id }) => id !== except);
  const interrupted = drafts.map(async (draft) => {
    const folder = await findFolder(draft.id);
    return { what: `the interrupted "${draft.name}"`, size: folder ? await folderBytes(folder) : 0 };
  });
  const deletable = [...packs, ...(await Promise.all(interrupted))]
    .sort((a, b) => b.size - a.size)
    .slice(0, MAX_NAMED)
    .map(({ what, size }) => `${what} (${inGigabytes(size)})`);
  const remedy =
    deletable.length > 0
      ? `Delete ${deletable.join(' or ')}, or free disk space: the browser grants a share of it.`
      : 'Free disk space: the browser grants a share of it.';
  throw new UserError(
    'StorageError',
    `"${name}" takes ${inGigabytes(byteLength)}, and the browser has room for ${inGigabytes(free)}: ${inGigabytes(byteLength - free)} are missing. ${remedy}`,
  );
}

/** e.g. `3.24 GB`; small sizes in MB. */
function inGigabytes(byteLength: number): string {
  return byteLength >= 1e8 ? `${(byteLength / 1e9).toFixed(2)} GB` : `${(byteLength / 1e6).toFixed(1)} MB`;
}
