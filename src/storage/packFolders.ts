import { asStorageError } from './storageError.ts';

/** Folder of all packs and interrupted installations in the browser's private file system. */
const PACKS = 'packs';

/** Files that say what a folder in it is: a pack, or an interrupted installation. */
export const MANIFEST = 'pack.json';
export const DRAFT = 'draft.json';
export const JOURNAL = 'journal.jsonl';

/** @throws {UserError} `StorageError` where the window has no private file system */
export async function packsFolder(): Promise<FileSystemDirectoryHandle> {
  try {
    const root = await navigator.storage.getDirectory();
    return await root.getDirectoryHandle(PACKS, { create: true });
  } catch (error) {
    throw asStorageError(error, PACKS);
  }
}

/** All folders of packs and of interrupted installations. */
export async function allFolders(): Promise<FileSystemDirectoryHandle[]> {
  const folders: FileSystemDirectoryHandle[] = [];
  for await (const handle of (await packsFolder()).values()) if (handle.kind === 'directory') folders.push(handle);
  return folders;
}

/** The folder of one; null: there is none. */
export async function findFolder(id: string): Promise<FileSystemDirectoryHandle | null> {
  return (await packsFolder()).getDirectoryHandle(id).catch(() => null);
}

/** Makes an empty folder under a fresh id, which is its name. */
export async function makeFolder(): Promise<FileSystemDirectoryHandle> {
  const id = crypto.randomUUID();
  try {
    return await (await packsFolder()).getDirectoryHandle(id, { create: true });
  } catch (error) {
    throw asStorageError(error, id);
  }
}

/** Deletes a folder and all in it; no error when it is gone already. */
export async function deleteFolder(id: string): Promise<void> {
  await (await packsFolder()).removeEntry(id, { recursive: true }).catch((error: unknown) => {
    if ((error as { name?: string }).name !== 'NotFoundError') throw asStorageError(error, id);
  });
}

/** A file of a folder as it is now; null: there is none. */
export async function findFile(folder: FileSystemDirectoryHandle, name: string): Promise<File | null> {
  try {
    return await (await folder.getFileHandle(name)).getFile();
  } catch {
    return null;
  }
}

/**
 * A list of a folder, `pack.json` or `draft.json`; null: there is none. An empty one is none: the tab was closed before its
 * first byte came. @throws whatever keeps it from being looked up
 */
export async function findList(folder: FileSystemDirectoryHandle, name: string): Promise<File | null> {
  try {
    const file = await (await folder.getFileHandle(name)).getFile();
    return file.size > 0 ? file : null;
  } catch (error) {
    if ((error as { name?: string }).name === 'NotFoundError') return null;
    throw error;
  }
}

/** Writes a file whole: until it is complete, the file is as it was before. */
export async function writeFile(
  folder: FileSystemDirectoryHandle,
  name: string,
  bytes: Blob | Uint8Array<ArrayBuffer> | string,
): Promise<void> {
  try {
    const writable = await (await folder.getFileHandle(name, { create: true })).createWritable();
    try {
      await writable.write(bytes);
    } catch (error) {
      await writable.abort().catch(() => {});
      throw error;
    }
    await writable.close();
  } catch (error) {
    throw asStorageError(error, name);
  }
}

/** Deletes a file; no error when it is gone already. */
export async function deleteFile(folder: FileSystemDirectoryHandle, name: string): Promise<void> {
  await folder.removeEntry(name).catch((error: unknown) => {
    if ((error as { name?: string }).name !== 'NotFoundError') throw asStorageError(error, name);
  });
}

/** Bytes of all files of a folder. */
export async function folderBytes(folder: FileSystemDirectoryHandle): Promise<number> {
  let sum = 0;
  for await (const handle of folder.values()) {
    if (handle.kind === 'file') sum += (await handle.getFile().catch(() => null))?.size ?? 0;
  }
  return sum;
}
