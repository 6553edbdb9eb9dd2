import { proxy, wrap } from 'comlink';
import type { PackWorkerApi } from '../../src/bridge/packProtocol.ts';
import type { HubAccess, PublishedFile } from '../../src/hub/publishedFile.ts';
import { packDigests } from './packDigests.ts';

const worker = wrap<PackWorkerApi>(new Worker(new URL('./small.worker.ts', import.meta.url), { type: 'module' }));

/** An installation's end: null, or what it failed with. */
export type Failure = { readonly name: string; readonly message: string } | null;

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  try {
    await work;
    return null;
  } catch (error) {
    const { name, message } = error as Error;
    return { name, message };
  }
}

const hubPacksTest = {
  /** Installs published files. `precision`: 8 bits, so that weights have scales. */
  install(files: readonly PublishedFile[], hub: HubAccess): Promise<Failure> {
    const source = { from: 'hub', files, hub } as const;
    const request = { jobId: 'install', name: 'model', precision: 'q8', licence: null, source } as const;
    return failureOf(
      worker.install(
        request,
        proxy(() => {}),
      ),
    );
  },

  /** Goes on with the one draft there is. */
  async resume(hub: HubAccess): Promise<Failure> {
    const [draft, ...others] = await worker.listDrafts();
    if (!draft || others.length > 0) throw new Error(`There are ${others.length + (draft ? 1 : 0)} drafts, not one`);
    const job = { jobId: 'resume', draftId: draft.id, hub };
    return failureOf(
      worker.resumeDraft(
        job,
        proxy(() => {}),
      ),
    );
  },

  /** All there is, and the names of all folders it may lie in. */
  async state() {
    const root = await navigator.storage.getDirectory();
    const folders = await root.getDirectoryHandle('packs', { create: true });
    const names: string[] = [];
    for await (const name of folders.keys()) names.push(name);
    return {
      packs: await worker.listPacks(),
      drafts: await worker.listDrafts(),
      damaged: await worker.listDamaged(),
      folders: names,
    };
  },

  /** Checks the one pack there is with its own checksums, and tells those of its files as they lie there. */
  async contents() {
    const [pack, ...others] = await worker.listPacks();
    if (!pack || others.length > 0) throw new Error(`There are ${others.length + (pack ? 1 : 0)} packs, not one`);
    const damage = await worker.verifyPack(
      { jobId: 'verify', packId: pack.id },
      proxy(() => {}),
    );
    return { damage, digests: await packDigests(pack.id) };
  },

  /** Deletes all packs. */
  async clear(): Promise<void> {
    for (const { id } of await worker.listPacks()) await worker.deletePack(id);
  },

  /** Bytes the browser says are used and may be used. */
  storage: () => worker.storageState(),
};

declare global {
  /** What specs that install from a hub call. */
  var hubPacks: typeof hubPacksTest;
}

globalThis.hubPacks = hubPacksTest;
