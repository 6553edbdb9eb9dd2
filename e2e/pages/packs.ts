import { connectWorkers } from '../../src/bridge/client.ts';
import type { InstallRequest } from '../../src/bridge/packProtocol.ts';
import { packDigests, packFolder } from '../packs/packDigests.ts';

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

  digests: packDigests,

  /** Inverts a bit of a file of a pack. */
  async damage(packId: string, name: string, at: number): Promise<void> {
    const handle = await (await packFolder(packId)).getFileHandle(name);
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

declare global {
  var packs: typeof packsTest;
}

globalThis.packs = packsTest;
