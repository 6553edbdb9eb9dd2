import type { ByteProgress, PackSummary } from '../bridge/protocol.ts';
import type { Precision } from '../graph/weights.ts';
import type { Slice } from './appStore.ts';
import type { ModelFolder } from './modelFolder.ts';
import { isAbort } from './problem.ts';
import { throttledProgress } from './throttledProgress.ts';

/** What a pack is for. */
export type PackKind = PackSummary['kind'];

/** The kinds in the order they are used. */
export const PACK_KINDS: readonly PackKind[] = ['maps', 'inpainting', 'restoration'];

/** The id of the pack in use of each kind; null: none. */
export type PackInUse = Readonly<Record<PackKind, string | null>>;

const NONE_IN_USE: PackInUse = { maps: null, inpainting: null, restoration: null };

/** The model folder being compiled. */
export interface Install {
  readonly jobId: string;
  readonly name: string;
  readonly progress: ByteProgress | null;
  /** `performance.now()` at the start, for the speed. */
  readonly startedAt: number;
  readonly cancelling: boolean;
}

/** Installed models. */
export interface PacksSlice {
  /** Null until they have been read. */
  readonly packs: readonly PackSummary[] | null;
  readonly packInUse: PackInUse;
  /** The pack being made ready. */
  readonly openingPackId: string | null;
  readonly install: Install | null;
  /** A model folder waiting for the user's choice of precision. */
  readonly candidate: ModelFolder | null;

  loadPacks(): Promise<void>;
  /** Opens of each kind the pack of the last visit, or the newest one; without any, none. */
  openPreferredPacks(): Promise<void>;
  choosePack(id: string): Promise<void>;
  deletePack(id: string): Promise<void>;
  /** Offers a folder for installing; null takes the offer back. */
  offerModel(folder: ModelFolder | null): void;
  /** Compiles the offered folder, then uses it. */
  installCandidate(choice: { readonly name: string; readonly precision: Precision }): Promise<void>;
  cancelInstall(): void;
}

/** The packs' part of the store. */
export const createPacksSlice: Slice<PacksSlice> = (set, get, { workers, preferences, remember, newId, now }) => {
  let wanted: PackInUse = preferences.packIds;

  /** Opens the pack of a kind that is wanted, else the newest. */
  const openPreferred = async (kind: PackKind) => {
    const packs = (get().packs ?? []).filter((pack) => pack.kind === kind);
    const pack =
      packs.find(({ id }) => id === wanted[kind]) ?? [...packs].sort((a, b) => b.installedAt - a.installedAt)[0];
    set({ packInUse: { ...get().packInUse, [kind]: null } });
    if (pack) await get().choosePack(pack.id);
  };

  return {
    packs: null,
    packInUse: NONE_IN_USE,
    openingPackId: null,
    install: null,
    candidate: null,

    loadPacks: async () => {
      try {
        set({ packs: await workers.compile.listPacks() });
      } catch (error) {
        set({ packs: [] });
        get().report(error, 'packs');
      }
    },
    openPreferredPacks: async () => {
      for (const kind of PACK_KINDS) await openPreferred(kind);
    },
    choosePack: async (id) => {
      set({ openingPackId: id });
      try {
        // biome-ignore lint/correctness/useHookAtTopLevel: a worker's method, no React hook.
        const { kind } = await workers.refine.usePack(id);
        if (get().openingPackId !== id) return;
        wanted = { ...wanted, [kind]: id };
        set({ packInUse: { ...get().packInUse, [kind]: id }, openingPackId: null });
        remember({ packIds: wanted });
        get().queueUnanalysed();
      } catch (error) {
        if (get().openingPackId === id) set({ openingPackId: null });
        get().report(error, 'packs');
      }
    },
    deletePack: async (id) => {
      const kind = PACK_KINDS.find((other) => get().packInUse[other] === id);
      try {
        await workers.compile.deletePack(id);
        if (kind) set({ packInUse: { ...get().packInUse, [kind]: null } });
      } catch (error) {
        get().report(error, 'packs');
      }
      await get().loadPacks();
      if (kind && get().packInUse[kind] === null) await openPreferred(kind);
    },
    offerModel: (candidate) => set({ candidate }),
    installCandidate: async ({ name, precision }) => {
      const { candidate, install } = get();
      if (!candidate || install) return;
      const jobId = newId();
      set({
        candidate: null,
        install: { jobId, name, progress: null, startedAt: now(), cancelling: false },
      });
      const shown = throttledProgress<ByteProgress>((progress) => {
        const running = get().install;
        if (running?.jobId === jobId) set({ install: { ...running, progress } });
      });
      try {
        const source = { from: 'files', files: candidate.files } as const;
        const pack = await workers.compile.install({ jobId, name, precision, licence: null, source }, shown.tell);
        set({ install: null });
        await get().loadPacks();
        await get().choosePack(pack.id);
      } catch (error) {
        set({ install: null });
        if (!isAbort(error)) get().report(error, 'install');
      } finally {
        shown.stop();
      }
    },
    cancelInstall: () => {
      const { install } = get();
      if (!install || install.cancelling) return;
      set({ install: { ...install, cancelling: true } });
      workers.compile.cancel(install.jobId).catch((error) => get().report(error, 'install'));
    },
  };
};
