import type { PathedFile } from '../store/modelFolder.ts';

/** More files than this in a dropped folder are not read: nobody drops a model or a batch of images that large. */
const MAX_FILES = 5000;

async function filesOf(entry: FileSystemEntry, found: PathedFile[]): Promise<void> {
  if (found.length >= MAX_FILES) return;
  const path = entry.fullPath.replace(/^\//, '');
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    found.push({ path, file });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  // A reader hands out a folder in batches until an empty one.
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (batch.length === 0) return;
    for (const child of batch) if (!child.name.startsWith('.')) await filesOf(child, found);
  }
}

/** All files of a drop or paste with their paths, folders read to the bottom. Call it within the event: items expire. */
export function droppedFiles(data: DataTransfer): Promise<readonly PathedFile[]> {
  const items = [...data.items].filter(({ kind }) => kind === 'file');
  const entries = items.map((item) => ({ entry: item.webkitGetAsEntry?.() ?? null, file: item.getAsFile() }));
  return (async () => {
    const found: PathedFile[] = [];
    for (const { entry, file } of entries) {
      if (entry?.isDirectory) await filesOf(entry, found);
      else if (file) found.push({ path: file.name, file });
    }
    return found;
  })();
}

/**
 * The folder of a drop, where it is one alone and the browser gives its handle, by which it is read again after a reload. Call it within
 * the event.
 */
export async function droppedFolder(data: DataTransfer): Promise<FileSystemDirectoryHandle | null> {
  const [item, ...others] = [...data.items].filter(({ kind }) => kind === 'file') as HandleItem[];
  if (!item?.getAsFileSystemHandle || others.length > 0) return null;
  const handle = await item.getAsFileSystemHandle().catch(() => null);
  return handle?.kind === 'directory' ? (handle as FileSystemDirectoryHandle) : null;
}

/** File System Access; not among TypeScript's types. */
interface HandleItem extends DataTransferItem {
  getAsFileSystemHandle?(): Promise<FileSystemHandle | null>;
}

/** Files of a file dialog with their paths inside the chosen folder. */
export function pickedFiles(list: FileList | null): readonly PathedFile[] {
  return [...(list ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}
