import type { HubFolder } from '../checkpoint/byteSource.ts';
import { UserError } from '../errors.ts';
import { blobSource } from './blobSource.ts';
import { parseDraftRecord } from './draftRecord.ts';
import { LiveBlob } from './liveBlob.ts';
import {
  allFolders,
  DRAFT,
  deleteFile,
  deleteFolder,
  findFolder,
  findList,
  folderBytes,
  JOURNAL,
  MANIFEST,
} from './packFolders.ts';
import { busyPacks, whileOwned } from './packLocks.ts';
import { type PackManifest, storedName } from './packManifest.ts';
import { MAX_MANIFEST_BYTES, parseManifest } from './parseManifest.ts';

/** An installed pack opened for reading. */
export interface OpenPack {
  readonly manifest: PackManifest;
  /**
   * A file of the pack; reading it is lazy, and reads it as it then is. Throws UserError `StorageError` naming the file when it
   * is gone.
   */
  file(name: string): Promise<Blob>;
}

/** A folder that is neither a pack nor a draft that can go on. It can only be deleted, with `deletePack`. */
export interface DamagedPack {
  readonly id: string;
  /** As its damaged list names it; null: not even that can be read. */
  readonly name: string | null;
  /** A sentence: what is wrong, and what to do. */
  readonly reason: string;
  readonly byteLength: number;
}

/** All installed packs, newest first. Drafts and damaged ones are left out. */
export async function listPacks(): Promise<PackManifest[]> {
  const manifests: PackManifest[] = [];
  for (const folder of await allFolders()) {
    const manifest = await readManifest(folder);
    if (manifest && 'format' in manifest) manifests.push(manifest);
  }
  return manifests.sort((a, b) => b.summary.installedAt - a.summary.installedAt);
}

/** What cannot be used, with the reason. */
export async function listDamaged(): Promise<DamagedPack[]> {
  const busy = await busyPacks();
  const damaged: DamagedPack[] = [];
  for (const folder of await allFolders()) {
    if (busy.has(folder.name)) continue;
    const found = (await readManifest(folder)) ?? (await readDamagedDraft(folder));
    if (!found || 'format' in found) continue;
    damaged.push({ id: folder.name, ...found, byteLength: await folderBytes(folder) });
  }
  return damaged;
}

/** @throws {UserError} `PackMissingError` when there is no such pack */
export async function openPack(id: string): Promise<OpenPack> {
  const folder = await findFolder(id);
  const manifest = folder && (await readManifest(folder));
  if (!folder || !manifest || !('format' in manifest)) {
    throw new UserError(
      'PackMissingError',
      manifest && 'reason' in manifest
        ? manifest.reason
        : `The pack "${id}" is not installed any more. Add its folder again.`,
    );
  }
  const open = async (name: string): Promise<File> => {
    try {
      return await (await folder.getFileHandle(name)).getFile();
    } catch (error) {
      throw new UserError(
        'StorageError',
        `The model "${manifest.summary.name}" is damaged: its file "${name}" cannot be read. Verify the model to repair it.`,
        { cause: error },
      );
    }
  };
  return {
    manifest,
    file: async (name) => new LiveBlob(() => open(name), { start: 0, end: (await open(name)).size }),
  };
}

/** Kept files of a pack, by their path in the model's folder. */
export async function keptFiles({ manifest, file }: OpenPack): Promise<HubFolder> {
  const files = manifest.files.map(async (path) => [path, blobSource(path, await file(storedName(path)))] as const);
  return new Map(await Promise.all(files));
}

/**
 * The tokenizer's files of the newest installed CLIP, for checkpoints that come without; null where none is installed.
 * The texts of Stable Diffusion are cut into the same words as CLIP's.
 */
export async function tokenizerOfInstalledMaps(): Promise<HubFolder | null> {
  for (const { summary } of await listPacks()) {
    if (summary.kind !== 'maps') continue;
    try {
      const files = await keptFiles(await openPack(summary.id));
      const tokenizer = new Map([...files].filter(([path]) => /^(tokenizer|vocab|merges|special_tokens)/.test(path)));
      if (tokenizer.has('tokenizer.json') || tokenizer.has('vocab.json')) return tokenizer;
    } catch {
      // A damaged pack; another may have it.
    }
  }
  return null;
}

/**
 * Deletes a pack, or what is left of one; no error when it is gone already.
 * @throws {UserError} `StorageError`: it is being worked on
 */
export async function deletePack(id: string): Promise<void> {
  await whileOwned(id, () => deleteFolder(id));
}

/**
 * Deletes what imports, beginnings and ends of installations left behind when their tab was closed. Call only as the one job
 * on packs.
 */
export async function deleteLeftovers(): Promise<void> {
  for (const folder of await allFolders()) {
    if (await findList(folder, MANIFEST)) {
      await deleteFile(folder, JOURNAL);
      await deleteFile(folder, DRAFT);
    } else if (!(await findList(folder, DRAFT))) {
      await deleteFolder(folder.name);
    }
  }
}

type Damage = Pick<DamagedPack, 'name' | 'reason'>;

/** Null: there is no pack in the folder. */
async function readManifest(folder: FileSystemDirectoryHandle): Promise<PackManifest | Damage | null> {
  let text = '';
  try {
    const file = await findList(folder, MANIFEST);
    if (!file) return null;
    if (file.size > MAX_MANIFEST_BYTES) throw new SyntaxError(`it has ${file.size} bytes`);
    text = await file.text();
    return withOwnId(parseManifest(text), folder.name);
  } catch (error) {
    const reason = `Its list "${MANIFEST}" cannot be used: ${(error as Error).message}. Delete it and add the model again.`;
    return { name: nameIn(text), reason };
  }
}

/** A pack goes by the name of its folder, whatever a copy of it says. */
function withOwnId(manifest: PackManifest, id: string): PackManifest {
  return { ...manifest, summary: { ...manifest.summary, id } };
}

async function readDamagedDraft(folder: FileSystemDirectoryHandle): Promise<Damage | null> {
  let text = '';
  try {
    const file = await findList(folder, DRAFT);
    if (!file) return null;
    text = await file.text();
    parseDraftRecord(text);
    return null;
  } catch (error) {
    const reason = `This interrupted installation cannot go on: ${(error as Error).message}. Delete it and add the model again.`;
    return { name: nameIn(text), reason };
  }
}

/** The name that a list says, however damaged it is. */
function nameIn(text: string): string | null {
  const found = /"name":("(?:[^"\\]|\\.){1,200}")/.exec(text)?.[1];
  try {
    return found === undefined ? null : (JSON.parse(found) as string);
  } catch {
    return null;
  }
}
