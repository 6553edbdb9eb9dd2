import { connectWorkers } from '../../src/bridge/client.ts';
import type { InstallRequest } from '../../src/bridge/packProtocol.ts';

/** What `packs.spec.ts` calls: the app's own workers, and the browser's private file system past them. */
const packsTest = {
  workers: connectWorkers(),

  /** A folder of the fixtures as it is dropped. */
  async source(fixture: string, paths: readonly string[]): Promise<InstallRequest['source']> {
    const files = paths.map(async (path) => {
      const blob = await (await fetch(`/${fixture}/${path}`)).blob();
      return { path, file: new File([blob], path, { lastModified: 1_700_000_000_000 }) };
    });
    return { from: 'files', files: await Promise.all(files) };
  },

  /** SHA-256 of the files of a pack, by name; its list without id and date. */
  async digests(packId: string): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    for await (const [name, handle] of (await folderOf(packId)).entries()) {
      if (handle.kind !== 'file') continue;
      let bytes = await (await (handle as FileSystemFileHandle).getFile()).arrayBuffer();
      if (name === 'pack.json') {
        const text = new TextDecoder().decode(bytes).replaceAll(packId, 'id');
        bytes = new TextEncoder().encode(text.replace(/"installedAt":\d+/, '')).buffer;
      }
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
      found[name] = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
    }
    return found;
  },

  /** Inverts a bit of a file of a pack. */
  async damage(packId: string, name: string, at: number): Promise<void> {
    const handle = await (await folderOf(packId)).getFileHandle(name);
    const bytes = new Uint8Array(await (await handle.getFile()).slice(at, at + 1).arrayBuffer());
    const writable = await handle.createWritable({ keepExistingData: true });
    await writable.write({ type: 'write', position: at, data: bytes.map((byte) => byte ^ 8) });
    await writable.close();
  },

  /** A folder outside the packs, as one that the user chose, and what is in it. */
  chosenFolder: async () => (await navigator.storage.getDirectory()).getDirectoryHandle('chosen', { create: true }),

  async chosenFiles(): Promise<{ path: string; file: File }[]> {
    const files: { path: string; file: File }[] = [];
    for await (const [folder, inner] of (await packsTest.chosenFolder()).entries()) {
      for await (const [name, handle] of (inner as FileSystemDirectoryHandle).entries()) {
        files.push({ path: `${folder}/${name}`, file: await (handle as FileSystemFileHandle).getFile() });
      }
    }
    return files;
  },
};

async function folderOf(packId: string): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory();
  return (await root.getDirectoryHandle('packs')).getDirectoryHandle(packId);
}

declare global {
  var packs: typeof packsTest;
}

globalThis.packs = packsTest;
