import { UserError } from '../errors.ts';
import { PACK_FORMAT, type PackManifest } from './packManifest.ts';
import { asStorageError } from './storageError.ts';

/** Folder of all packs in the browser's private file system. */
const PACKS = 'packs';
const MANIFEST = 'pack.json';

/** An installed pack opened for reading. */
export interface OpenPack {
  readonly manifest: PackManifest;
  /** A file of the pack; reading it is lazy. Throws UserError `StorageError` naming the file when it is gone. */
  file(name: string): Promise<File>;
}

/** A pack being written. Either `commit` or `abandon` ends it. */
export interface PackDraft {
  readonly id: string;
  readonly folder: FileSystemDirectoryHandle;
  writeFile(name: string, blob: Blob): Promise<void>;
  /** Writes the manifest: from here on the pack is installed. */
  commit(manifest: PackManifest): Promise<void>;
  /** Deletes everything written so far. */
  abandon(): Promise<void>;
}

/** All installed packs, newest first. Unfinished ones and those of another format are left out. */
export async function listPacks(): Promise<PackManifest[]> {
  const packs = await packsFolder();
  const manifests: PackManifest[] = [];
  for await (const handle of packs.values()) {
    if (handle.kind !== 'directory') continue;
    const manifest = await readManifest(handle);
    if (manifest) manifests.push(manifest);
  }
  return manifests.sort((a, b) => b.summary.installedAt - a.summary.installedAt);
}

/** @throws UserError `PackMissingError` when there is no such pack */
export async function openPack(id: string): Promise<OpenPack> {
  const folder = await packFolder(id);
  const manifest = folder && (await readManifest(folder));
  if (!manifest) {
    throw new UserError('PackMissingError', `The pack "${id}" is not installed any more. Add its folder again.`);
  }
  return {
    manifest,
    async file(name) {
      try {
        return await (await folder.getFileHandle(name)).getFile();
      } catch (error) {
        throw new UserError(
          'StorageError',
          `The pack "${manifest.summary.name}" is damaged: its file "${name}" cannot be read. Delete the pack and add its folder again.`,
          { cause: error },
        );
      }
    },
  };
}

/** Deletes a pack and its weights; no error when it is gone already. */
export async function deletePack(id: string): Promise<void> {
  await (await packsFolder()).removeEntry(id, { recursive: true }).catch((error: unknown) => {
    if ((error as { name?: string }).name !== 'NotFoundError') throw asStorageError(error, id);
  });
}

/** Starts a new pack under a fresh id. */
export async function draftPack(): Promise<PackDraft> {
  const id = crypto.randomUUID();
  const packs = await packsFolder();
  const folder = await packs.getDirectoryHandle(id, { create: true });
  const writeFile = async (name: string, blob: Blob): Promise<void> => {
    try {
      const writable = await (await folder.getFileHandle(name, { create: true })).createWritable();
      await blob.stream().pipeTo(writable);
    } catch (error) {
      throw asStorageError(error, name);
    }
  };
  return {
    id,
    folder,
    writeFile,
    commit: (manifest) => writeFile(MANIFEST, new Blob([JSON.stringify(manifest)], { type: 'application/json' })),
    abandon: () => deletePack(id),
  };
}

/** Deletes what interrupted compilations left behind. Call only while holding the lock that compilations take. */
export async function deleteUnfinished(): Promise<void> {
  const packs = await packsFolder();
  const unfinished: string[] = [];
  for await (const handle of packs.values()) {
    if (handle.kind === 'directory' && !(await hasManifest(handle))) unfinished.push(handle.name);
  }
  for (const id of unfinished) await deletePack(id);
}

async function packsFolder(): Promise<FileSystemDirectoryHandle> {
  try {
    const root = await navigator.storage.getDirectory();
    return await root.getDirectoryHandle(PACKS, { create: true });
  } catch (error) {
    throw asStorageError(error, PACKS);
  }
}

async function packFolder(id: string): Promise<FileSystemDirectoryHandle | null> {
  const packs = await packsFolder();
  return packs.getDirectoryHandle(id).catch(() => null);
}

async function hasManifest(folder: FileSystemDirectoryHandle): Promise<boolean> {
  return folder.getFileHandle(MANIFEST).then(
    () => true,
    () => false,
  );
}

async function readManifest(folder: FileSystemDirectoryHandle): Promise<PackManifest | null> {
  try {
    const file = await (await folder.getFileHandle(MANIFEST)).getFile();
    const manifest = JSON.parse(await file.text()) as PackManifest;
    return manifest.format === PACK_FORMAT ? manifest : null;
  } catch {
    return null;
  }
}
