import { type BatchStore, createBatchStore } from './batchStore.ts';
import type { FolderHandles } from './folderHandles.ts';
import { MemoryDisk } from './memoryDirectory.ts';
import { MemoryLocks } from './memoryLocks.ts';

/** Batches and remembered folders in memory, for tests in Node. */
export function memoryBatches(disk = new MemoryDisk()): { batches: BatchStore; folders: FolderHandles } {
  const remembered = new Map<string, FileSystemDirectoryHandle>();
  return {
    batches: createBatchStore(async () => disk.root.handle, new MemoryLocks()),
    folders: {
      remember: async (id, folder) => void remembered.set(id, folder),
      recall: async (id) => remembered.get(id) ?? null,
      forget: async (id) => void remembered.delete(id),
      mayRead: async () => true,
      files: async () => [],
    },
  };
}
