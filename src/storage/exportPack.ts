import { UserError } from '../errors.ts';
import { readBlocks, sha256Hex } from './blockChecksums.ts';
import { MANIFEST, writeFile } from './packFolders.ts';
import { storedName } from './packManifest.ts';
import type { OpenPack } from './packStore.ts';
import { asStorageError } from './storageError.ts';

/**
 * Copies a pack as plain files into a new folder, named after it, of a folder the user chose. Everything is compared with its
 * checksum on the way. Where it fails or is stopped, nothing stays.
 * @returns name of the new folder
 * @throws {UserError} `StorageError`: the pack is damaged, or the folder cannot be written to
 */
export async function exportPack(
  { manifest, file }: OpenPack,
  { into, signal, onBytes }: { into: FileSystemDirectoryHandle; signal: AbortSignal; onBytes: (count: number) => void },
): Promise<string> {
  const name = await freeName(into, folderName(manifest.summary.name));
  const { blockBytes, shards, files } = manifest.checksums;
  const damaged = (item: string) =>
    new UserError(
      'StorageError',
      `Cannot export "${manifest.summary.name}": its file "${item}" is damaged. Verify and repair the model first.`,
    );
  try {
    const folder = await into.getDirectoryHandle(name, { create: true });
    for (const [shard, checksums] of Object.entries(shards)) {
      const writable = await (await folder.getFileHandle(shard, { create: true })).createWritable();
      try {
        await readBlocks(await file(shard), checksums, {
          blockBytes,
          signal,
          onBlock: async ({ bytes }) => {
            if (!bytes) throw damaged(shard);
            await writable.write(bytes);
            onBytes(bytes.byteLength);
          },
        });
      } catch (error) {
        await writable.abort().catch(() => {});
        throw error;
      }
      await writable.close();
    }
    for (const [path, { sha256, byteLength }] of Object.entries(files)) {
      signal.throwIfAborted();
      const bytes = new Uint8Array(await (await file(storedName(path))).arrayBuffer());
      if ((await sha256Hex(bytes)) !== sha256) throw damaged(path);
      await writeFile(folder, storedName(path), bytes);
      onBytes(byteLength);
    }
    signal.throwIfAborted();
    await writeFile(folder, MANIFEST, JSON.stringify(manifest));
    return name;
  } catch (error) {
    await into.removeEntry(name, { recursive: true }).catch(() => {});
    signal.throwIfAborted();
    throw asStorageError(error, name);
  }
}

/** A pack's name as every file system takes it. */
function folderName(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  const plain = name.replace(/[\\/:*?"<>|\u0000-\u001f]+/g, '-').replace(/^[. ]+|[. ]+$/g, '');
  return plain.slice(0, 100) || 'model';
}

/** A name that the folder has not yet. */
async function freeName(folder: FileSystemDirectoryHandle, wanted: string): Promise<string> {
  const taken = new Set<string>();
  for await (const name of folder.keys()) taken.add(name.toLowerCase());
  for (let i = 1; ; i++) {
    const name = i === 1 ? wanted : `${wanted} (${i})`;
    if (!taken.has(name.toLowerCase())) return name;
  }
}
