import { UserError } from '../errors.ts';
import { readBlocks, sha256Hex } from './blockChecksums.ts';
import { deleteFolder, MANIFEST, makeFolder, writeFile } from './packFolders.ts';
import { ownPack } from './packLocks.ts';
import { type PackManifest, type PackSummary, storedName } from './packManifest.ts';
import { MAX_MANIFEST_BYTES, parseManifest } from './parseManifest.ts';
import { asStorageError } from './storageError.ts';
import { checkRoom } from './storageRoom.ts';

/** Files with their paths in what was chosen. */
type PathedFiles = readonly { readonly path: string; readonly file: File }[];

/** An exported pack among chosen files. */
export interface ExportedPack {
  readonly manifest: PackManifest;
  /** A file of it by name. Throws CheckpointError where it is missing or has another length. */
  file(name: string, byteLength: number): File;
}

/**
 * Finds the one exported pack among files and reads its list; nothing else.
 * @throws {UserError} `CheckpointError`: there is none, there are several, or its list cannot be used
 */
export async function openExportedPack(files: PathedFiles): Promise<ExportedPack> {
  const lists = files.filter(({ path }) => path === MANIFEST || path.endsWith(`/${MANIFEST}`));
  const [list] = lists;
  if (!list || lists.length > 1) {
    throw new UserError(
      'CheckpointError',
      `The folder holds ${lists.length || 'no'} exported models, expected one. Choose the folder that was written by an export, with "${MANIFEST}" in it.`,
    );
  }
  const { path, file } = list;
  const refuse = (item: string, detail: string) => new UserError('CheckpointError', `Cannot read "${item}": ${detail}`);
  let manifest: PackManifest;
  try {
    if (file.size > MAX_MANIFEST_BYTES) throw new SyntaxError(`it has ${file.size} bytes`);
    manifest = parseManifest(await file.text());
  } catch (error) {
    throw refuse(path, `${(error as Error).message}. Export the model again.`);
  }
  const base = path.slice(0, -MANIFEST.length);
  const byPath = new Map(files.map((other) => [other.path, other.file]));
  return {
    manifest,
    file(name, byteLength) {
      const found = byPath.get(base + name);
      if (!found) throw refuse(base + name, 'it is missing. Choose the whole folder of the export.');
      if (found.size !== byteLength) {
        throw refuse(base + name, `it has ${found.size} bytes, expected ${byteLength}. Copy the export again.`);
      }
      return found;
    },
  };
}

/**
 * Installs an exported pack; everything is compared with its checksum on the way. Where it fails or is stopped, nothing stays.
 * Call only as the one job on packs.
 * @throws {UserError} `CheckpointError`: a file is missing or damaged; `StorageError`
 */
export async function importPack(
  { manifest, file }: ExportedPack,
  { signal, onBytes }: { signal: AbortSignal; onBytes: (count: number) => void },
): Promise<PackSummary> {
  const { blockBytes, shards, files } = manifest.checksums;
  for (const [name, { byteLength }] of Object.entries(shards)) file(name, byteLength);
  for (const [path, { byteLength }] of Object.entries(files)) file(storedName(path), byteLength);
  const { name, byteLength } = manifest.summary;
  await checkRoom({ name, byteLength });

  const damaged = (item: string) =>
    new UserError('CheckpointError', `Cannot read "${item}": it is damaged. Copy the export again, or export it anew.`);
  const folder = await makeFolder();
  const release = await ownPack(folder.name);
  try {
    for (const [shard, checksums] of Object.entries(shards)) {
      const handle = await (await folder.getFileHandle(shard, { create: true })).createSyncAccessHandle();
      try {
        await readBlocks(file(shard, checksums.byteLength), checksums, {
          blockBytes,
          signal,
          onBlock: ({ index, bytes }) => {
            if (!bytes) throw damaged(shard);
            const written = handle.write(bytes, { at: index * blockBytes });
            if (written !== bytes.byteLength) {
              throw new DOMException(`${written} of ${bytes.byteLength} bytes were written`, 'QuotaExceededError');
            }
            onBytes(written);
          },
        });
        handle.flush();
      } finally {
        handle.close();
      }
    }
    for (const [path, checksum] of Object.entries(files)) {
      signal.throwIfAborted();
      const bytes = new Uint8Array(await file(storedName(path), checksum.byteLength).arrayBuffer());
      if ((await sha256Hex(bytes)) !== checksum.sha256) throw damaged(path);
      await writeFile(folder, storedName(path), bytes);
      onBytes(bytes.byteLength);
    }
    signal.throwIfAborted();
    const summary: PackSummary = { ...manifest.summary, id: folder.name, installedAt: Date.now() };
    await writeFile(folder, MANIFEST, JSON.stringify({ ...manifest, summary }));
    return summary;
  } catch (error) {
    await deleteFolder(folder.name).catch(() => {});
    signal.throwIfAborted();
    throw asStorageError(error, name);
  } finally {
    await release();
  }
}
