import { del, get, set } from 'idb-keyval';

/** Folders that the user has let the page read, remembered for later visits where the browser can. */
export interface FolderHandles {
  /** Never throws: a folder that cannot be remembered is asked for again. */
  remember(id: string, folder: FileSystemDirectoryHandle): Promise<void>;
  recall(id: string): Promise<FileSystemDirectoryHandle | null>;
  forget(id: string): Promise<void>;
  /** Whether the folder may be read. `ask`: asks the user where it must; only within a click. */
  mayRead(folder: FileSystemDirectoryHandle, options: { readonly ask: boolean }): Promise<boolean>;
  /** All files with their paths, which begin with the folder's name. Throws what the browser throws: it is gone, it may not be read. */
  files(folder: FileSystemDirectoryHandle): Promise<readonly { readonly path: string; readonly file: File }[]>;
}

/** More are not read, see `droppedFiles`. */
const MAX_FILES = 20_000;

const keyOf = (id: string) => `batch folder ${id}`;

/** Permissions of File System Access; not among TypeScript's types. */
interface Permissions {
  queryPermission?(options: { mode: 'read' }): Promise<PermissionState>;
  requestPermission?(options: { mode: 'read' }): Promise<PermissionState>;
}

/** Handles in IndexedDB, the only place of a browser that keeps them. */
export const folderHandles: FolderHandles = {
  remember: (id, folder) => set(keyOf(id), folder).catch(() => {}),
  recall: async (id) => (await get<FileSystemDirectoryHandle>(keyOf(id)).catch(() => undefined)) ?? null,
  forget: (id) => del(keyOf(id)).catch(() => {}),
  mayRead: async (folder, { ask }) => {
    const { queryPermission, requestPermission } = folder as Permissions;
    const state = (await queryPermission?.call(folder, { mode: 'read' })) ?? 'granted';
    if (state === 'granted' || !ask) return state === 'granted';
    return (await requestPermission?.call(folder, { mode: 'read' }).catch(() => 'denied')) === 'granted';
  },
  files: async (folder) => {
    const found: { path: string; file: File }[] = [];
    await readInto(found, { folder, path: folder.name });
    return found;
  },
};

async function readInto(
  found: { path: string; file: File }[],
  { folder, path }: { folder: FileSystemDirectoryHandle; path: string },
): Promise<void> {
  for await (const child of folder.values()) {
    if (found.length >= MAX_FILES) return;
    if (child.name.startsWith('.')) continue;
    const at = `${path}/${child.name}`;
    if (child.kind === 'directory') await readInto(found, { folder: child, path: at });
    else found.push({ path: at, file: await child.getFile() });
  }
}
