import { UserError } from '../errors.ts';
import type { ShardSink, WeightIndex } from '../graph/weights.ts';
import { readBlocks, sha256Hex } from './blockChecksums.ts';
import { findFile, findFolder, writeFile } from './packFolders.ts';
import { type PackManifest, storedName } from './packManifest.ts';
import { asStorageError } from './storageError.ts';

/**
 * Writes weights of an installed pack again, in their places. Owns open files: call `close` in a `finally`. A pack whose repair
 * was interrupted is as damaged as before, or less.
 */
export class PackRepair {
  readonly #manifest: PackManifest;
  readonly #folder: FileSystemDirectoryHandle;
  readonly #handles = new Map<string, FileSystemSyncAccessHandle>();

  private constructor(manifest: PackManifest, folder: FileSystemDirectoryHandle) {
    this.#manifest = manifest;
    this.#folder = folder;
  }

  /** @throws {UserError} `PackMissingError` */
  static async open(manifest: PackManifest): Promise<PackRepair> {
    const folder = await findFolder(manifest.summary.id);
    if (folder) return new PackRepair(manifest, folder);
    throw new UserError('PackMissingError', `"${manifest.summary.name}" is not installed any more. Add it again.`);
  }

  /** Where the weights of a part go: to where they are. Throws StorageError. */
  sink(part: string): ShardSink {
    const places: WeightIndex = this.#manifest.parts[part] ?? {};
    return {
      append: async ({ name, byteLength }, pieces) => {
        const place = places[name];
        if (place?.byteLength !== byteLength) throw this.#otherFiles();
        const handle = await this.#open(place.shard);
        let at = place.offset;
        for await (const piece of pieces) {
          try {
            const written = handle.write(piece as Uint8Array<ArrayBuffer>, { at });
            if (written !== piece.byteLength) {
              throw new DOMException(`${written} of ${piece.byteLength} bytes were written`, 'QuotaExceededError');
            }
          } catch (error) {
            throw asStorageError(error, place.shard);
          }
          at += piece.byteLength;
        }
        return place;
      },
    };
  }

  /** Writes a kept file again. @throws {UserError} `CheckpointError`: it is not what was installed; `StorageError` */
  async keepFile(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if ((await sha256Hex(bytes)) !== this.#manifest.checksums.files[path]?.sha256) throw this.#otherFiles();
    await writeFile(this.#folder, storedName(path), bytes);
  }

  /**
   * Brings everything onto the disk and compares the blocks that were broken.
   * @throws {UserError} `CheckpointError`: the files read were not those that were installed
   */
  async check(blocks: ReadonlyMap<string, readonly number[]>, signal: AbortSignal): Promise<void> {
    this.close();
    const { shards, blockBytes } = this.#manifest.checksums;
    for (const [name, broken] of blocks) {
      const file = await findFile(this.#folder, name);
      for (const index of broken) {
        const start = index * blockBytes;
        const end = Math.min(start + blockBytes, shards[name]?.byteLength ?? 0);
        const checksums = { byteLength: end - start, sha256: [shards[name]?.sha256[index] ?? ''] };
        await readBlocks(file?.slice(start, end) ?? null, checksums, {
          blockBytes,
          signal,
          onBlock: ({ bytes }) => {
            if (!bytes) throw this.#otherFiles();
          },
        });
      }
    }
  }

  /** Lets go of the files. May be called more than once. */
  close(): void {
    for (const handle of this.#handles.values()) {
      handle.flush();
      handle.close();
    }
    this.#handles.clear();
  }

  async #open(shard: string): Promise<FileSystemSyncAccessHandle> {
    const known = this.#handles.get(shard);
    if (known) return known;
    try {
      const file = await this.#folder.getFileHandle(shard, { create: true });
      const handle = await file.createSyncAccessHandle();
      this.#handles.set(shard, handle);
      return handle;
    } catch (error) {
      throw asStorageError(error, shard);
    }
  }

  #otherFiles(): UserError {
    const { name } = this.#manifest.summary;
    return new UserError(
      'CheckpointError',
      `Cannot repair "${name}": the files read now are not those it was made from. Choose those, or delete the model and add it again.`,
    );
  }
}
