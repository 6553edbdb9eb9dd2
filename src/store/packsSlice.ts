import type { DamagedPack, DraftSummary, PackActivity, StorageState } from '../bridge/packProtocol.ts';
import type { PackSummary } from '../bridge/protocol.ts';
import { isBlocks } from '../bundles/blocks.ts';
import type { AppState, Slice } from './appStore.ts';
import { isAtWork } from './install.ts';

/** What a pack is for. */
export type PackKind = PackSummary['kind'];

/** The kinds in the order they are used. */
export const PACK_KINDS: readonly PackKind[] = ['maps', 'inpainting', 'restoration'];

/** The id of the pack in use of each kind; null: none. */
export type PackInUse = Readonly<Record<PackKind, string | null>>;

const NONE_IN_USE: PackInUse = { maps: null, inpainting: null, restoration: null };

/** Installed models, what was begun, and the place they take. */
export interface PacksSlice {
  /** Null until they have been read. */
  readonly packs: readonly PackSummary[] | null;
  /** Interrupted installations, of this visit and of earlier ones. */
  readonly drafts: readonly DraftSummary[];
  /** What cannot be used any more, but can be deleted. */
  readonly damagedPacks: readonly DamagedPack[];
  readonly packInUse: PackInUse;
  /** The pack being made ready. */
  readonly openingPackId: string | null;
  /** Whether packs of several kinds are being made ready one after the other. */
  readonly isOpeningPreferred: boolean;
  /** Null: not known. */
  readonly storage: StorageState | null;
  /** What happens to packs in any tab. */
  readonly activity: PackActivity;

  /** Reads packs, drafts and what room there is. */
  loadPacks(): Promise<void>;
  /** Follows what other tabs do; once for every worker. */
  watchPacks(): Promise<void>;
  /**
   * Opens of each kind the pack of the last visit, or the newest one; without any, none. The toy models that come with the app
   * count only where there is nothing else.
   */
  openPreferredPacks(kinds?: readonly PackKind[]): Promise<void>;
  /** Uses a pack, on the next visit, too. */
  choosePack(id: string): Promise<void>;
  /** Uses a pack on this visit. */
  openPack(id: string): Promise<void>;
  deletePack(id: string): Promise<void>;
}

/** Whether a pack is being made ready, or the next one is in a moment: what is not in use may soon be. */
export function arePacksOpening({
  openingPackId,
  isOpeningPreferred,
}: Pick<AppState, 'openingPackId' | 'isOpeningPreferred'>): boolean {
  return openingPackId !== null || isOpeningPreferred;
}

/** Whether something that writes packs is going on, here or in another tab: only one thing does at a time. */
export function arePacksBusy({
  install,
  packJob,
  activity,
}: Pick<AppState, 'install' | 'packJob' | 'activity'>): boolean {
  return isAtWork(install) || packJob !== null || isElsewhere(activity);
}

/** Whether another tab is at work on packs. */
export function isElsewhere({ running, elsewhere }: PackActivity): boolean {
  return running !== null && elsewhere;
}

/** The packs' part of the store. */
export const createPacksSlice: Slice<PacksSlice> = (set, get, { workers, preferences, remember }) => {
  let wanted: PackInUse = preferences.packIds;

  /** Opens the pack of a kind that is wanted, else the newest. */
  const openPreferred = async (kind: PackKind) => {
    const packs = (get().packs ?? []).filter((pack) => pack.kind === kind);
    const ranked = [...packs].sort(
      (a, b) => Number(isBlocks(a)) - Number(isBlocks(b)) || b.installedAt - a.installedAt,
    );
    const pack = packs.find(({ id }) => id === wanted[kind]) ?? ranked[0];
    set({ packInUse: { ...get().packInUse, [kind]: null } });
    // A toy is not remembered as a choice: what is installed later goes before it.
    if (pack) await (isBlocks(pack) ? get().openPack(pack.id) : get().choosePack(pack.id));
  };

  /** After another tab did something: what is gone is no longer used, what is new is, where there was none. */
  const followOthers = async () => {
    await get().loadPacks();
    const { packs, packInUse, engine, install } = get();
    if (engine.state !== 'ready' || isAtWork(install)) return;
    for (const kind of PACK_KINDS) {
      const isThere = packs?.some((pack) => pack.id === packInUse[kind]);
      const isAnyThere = packs?.some((pack) => pack.kind === kind);
      if (packInUse[kind] === null ? isAnyThere && !arePacksOpening(get()) : !isThere) await openPreferred(kind);
    }
  };

  /** Makes a pack the one in use; null: it failed, or another was asked for meanwhile. */
  const open = async (id: string): Promise<PackKind | null> => {
    set({ openingPackId: id });
    try {
      // biome-ignore lint/correctness/useHookAtTopLevel: a worker's method, no React hook.
      const { kind } = await workers.refine.usePack(id);
      if (get().openingPackId !== id) return null;
      set({ packInUse: { ...get().packInUse, [kind]: id }, openingPackId: null });
      get().followPacks();
      get().queueUnanalysed();
      if (kind === 'maps') void get().loadCalibrations();
      return kind;
    } catch (error) {
      if (get().openingPackId === id) set({ openingPackId: null });
      get().report(error, 'packs');
      return null;
    }
  };

  return {
    packs: null,
    drafts: [],
    damagedPacks: [],
    packInUse: NONE_IN_USE,
    openingPackId: null,
    isOpeningPreferred: false,
    storage: null,
    activity: { running: null, elsewhere: false },

    loadPacks: async () => {
      const { compile } = workers;
      try {
        const [packs, drafts, damagedPacks, storage] = await Promise.all([
          compile.listPacks(),
          compile.listDrafts(),
          compile.listDamaged(),
          // Where a browser does not tell, everything else still works.
          compile.storageState().catch(() => null),
        ]);
        set({ packs, drafts, damagedPacks, storage });
      } catch (error) {
        set({ packs: [], drafts: [], damagedPacks: [] });
        get().report(error, 'packs');
      }
    },
    watchPacks: async () => {
      let isFirst = true;
      try {
        await workers.compile.watchActivity((activity) => {
          set({ activity });
          if (!isFirst && activity.running === null) void followOthers();
          isFirst = false;
        });
      } catch (error) {
        get().report(error, 'packs');
      }
    },
    openPreferredPacks: async (kinds = PACK_KINDS) => {
      set({ isOpeningPreferred: true });
      for (const kind of kinds) await openPreferred(kind);
      set({ isOpeningPreferred: false });
      get().runNext();
    },
    choosePack: async (id) => {
      const kind = await open(id);
      if (kind === null) return;
      wanted = { ...wanted, [kind]: id };
      remember({ packIds: wanted });
    },
    openPack: async (id) => {
      await open(id);
    },
    deletePack: async (id) => {
      const kind = PACK_KINDS.find((other) => get().packInUse[other] === id);
      try {
        const isToy = get().packs?.some((pack) => pack.id === id && isBlocks(pack));
        await workers.compile.deletePack(id);
        if (isToy) {
          remember({ hasDeclinedBlocks: true });
          set({ blocks: { is: 'declined' } });
        }
        if (kind) set({ packInUse: { ...get().packInUse, [kind]: null } });
      } catch (error) {
        get().report(error, 'packs');
      }
      await get().loadPacks();
      if (kind && get().packInUse[kind] === null) await openPreferred(kind);
    },
  };
};
