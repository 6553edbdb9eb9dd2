import { isBlocks } from '../bundles/blocks.ts';
import type { BundleManifest } from '../bundles/bundle.ts';
import type { Sample } from '../bundles/samples.ts';
import { UserError } from '../errors.ts';
import type { AppState, Slice } from './appStore.ts';
import { bundleParts, installedModel } from './bundleState.ts';
import { PACK_KINDS, type PackKind } from './packsSlice.ts';
import { isAbort, type Problem, toProblem } from './problem.ts';
import { throttledProgress } from './throttledProgress.ts';

/** What became of the models that come with the app. */
export type BlocksState =
  /** This build of the app comes without. */
  | { readonly is: 'absent' }
  /** Not looked at yet. */
  | { readonly is: 'waiting' }
  | { readonly is: 'installing'; readonly doneBytes: number; readonly totalBytes: number }
  | { readonly is: 'ready' }
  /** The user deleted some of them. */
  | { readonly is: 'declined' }
  | { readonly is: 'failed'; readonly problem: Problem };

/** The toy models that come with the app, and pictures of their world. */
export interface BlocksSlice {
  readonly blocks: BlocksState;
  /** What the toy models of this build do; empty: there are none. */
  readonly blocksKinds: readonly PackKind[];
  /** Pictures to try, one click away. */
  readonly samples: readonly Sample[];
  /** Which of them an image is, by the image's id. */
  readonly sampleIds: Readonly<Record<string, string>>;

  /**
   * Installs the toy models that are missing, in the background; earlier versions of them go. Those that the user deleted stay
   * away unless asked for.
   */
  getBlocks(options?: { readonly isAskedFor: boolean }): Promise<void>;
  /** Opens a sample, with the toy models: it shows their world. */
  openSample(id: string): Promise<void>;
  /** Uses the toy models on this visit, whatever else is installed. */
  useBlocks(): Promise<void>;
  /** Uses other models again, where there are any. */
  leaveBlocks(): Promise<void>;
}

/** The toy models' part of the store. */
export const createBlocksSlice: Slice<BlocksSlice> = (set, get, environment) => {
  const { workers, preferences, remember, newId, blocks: bundle, samples, fetchSample } = environment;
  let running: Promise<void> | null = null;

  const install = async (from: BundleManifest) => {
    const parts = bundleParts(from, { packs: get().packs ?? [], estimates: {} });
    const totalBytes = parts.reduce((sum, { totalBytes: bytes }) => sum + (bytes ?? 0), 0);
    let before = 0;
    const tellDone = (doneBytes: number) => set({ blocks: { is: 'installing', doneBytes, totalBytes } });
    const shown = throttledProgress<{ stage: string; doneBytes: number }>(({ doneBytes }) => tellDone(doneBytes));
    try {
      for (const [index, part] of parts.entries()) {
        const { name, precision, licence, source } = part;
        if (part.packId === null && source.from === 'hub') {
          const doneBytes = before;
          tellDone(doneBytes);
          await workers.compile.install(
            // No server but the app's own is asked, and that one knows no tokens.
            { jobId: newId(), name, precision, licence, source: { ...source, hub: { endpoint: '', token: null } } },
            (progress) => shown.tell({ stage: name, doneBytes: doneBytes + progress.doneBytes }),
          );
          await get().loadPacks();
          const kind = from.models[index]?.kind;
          if (kind && get().packInUse[kind] === null) await get().openPreferredPacks([kind]);
        }
        before += part.totalBytes ?? 0;
      }
    } finally {
      shown.stop();
    }
    await deleteEarlier(from);
    set({ blocks: { is: 'ready' } });
  };

  /** A newer version of the app brings newer models. */
  const deleteEarlier = async (from: BundleManifest) => {
    const packs = get().packs ?? [];
    const present = from.models.map((model) => installedModel(model, packs)?.id);
    const earlier = packs.filter((pack) => isBlocks(pack) && !present.includes(pack.id));
    for (const { id } of earlier) await workers.compile.deletePack(id);
    if (earlier.length === 0) return;
    await get().loadPacks();
    await get().openPreferredPacks(earlier.map(({ kind }) => kind));
  };

  const useAll = async (isWanted: (pack: Parameters<typeof isBlocks>[0]) => boolean) => {
    for (const kind of PACK_KINDS) {
      const { packs, packInUse } = get();
      const ofKind = (packs ?? []).filter((pack) => pack.kind === kind);
      const isUsed = ofKind.some((pack) => pack.id === packInUse[kind] && isWanted(pack));
      const [newest] = ofKind.filter(isWanted).sort((a, b) => b.installedAt - a.installedAt);
      if (!isUsed && newest) await get().openPack(newest.id);
    }
  };

  return {
    blocks: { is: bundle ? 'waiting' : 'absent' },
    blocksKinds: bundle?.models.map(({ kind }) => kind) ?? [],
    samples,
    sampleIds: {},

    getBlocks: async ({ isAskedFor } = { isAskedFor: false }) => {
      if (!bundle) return;
      const { is } = get().blocks;
      if (!isAskedFor && (is === 'declined' || (is === 'waiting' && preferences.hasDeclinedBlocks))) {
        set({ blocks: { is: 'declined' } });
        return;
      }
      if (isAskedFor) remember({ hasDeclinedBlocks: false });
      running ??= install(bundle)
        .catch((error) =>
          set({ blocks: isAbort(error) ? { is: 'declined' } : { is: 'failed', problem: toProblem(error, 'install') } }),
        )
        .finally(() => {
          running = null;
        });
      await running;
    },
    openSample: async (id) => {
      const sample = samples.find((one) => one.id === id);
      if (!sample) return;
      const open = get().images.find((image) => get().sampleIds[image.id] === id);
      if (open) {
        get().select(open.id);
        return;
      }
      try {
        const blob = await fetchSample(sample.file);
        get().addImages([new File([blob], sample.file, { type: 'image/webp', lastModified: 0 })]);
      } catch (error) {
        const message = `The sample "${sample.file}" could not be loaded: ${(error as Error).message}. Check the connection, or drop an image of your own.`;
        get().report(new UserError('DownloadError', message, { cause: error }), 'open');
        return;
      }
      const { selectedId } = get();
      if (selectedId !== null) set({ sampleIds: { ...get().sampleIds, [selectedId]: id } });
      await get().useBlocks();
    },
    useBlocks: () => useAll(isBlocks),
    leaveBlocks: () => useAll((pack) => !isBlocks(pack)),
  };
};

/** Kinds of models that are toys in the present choice. */
export function toyKinds({ packs, packInUse }: Pick<AppState, 'packs' | 'packInUse'>): readonly PackKind[] {
  return PACK_KINDS.filter((kind) => packs?.some((pack) => pack.id === packInUse[kind] && isBlocks(pack)));
}

/** Whether all toy models of this build are installed, however they came. */
export function hasAllToys({ packs, blocksKinds }: Pick<AppState, 'packs' | 'blocksKinds'>): boolean {
  return blocksKinds.every((kind) => packs?.some((pack) => pack.kind === kind && isBlocks(pack)));
}

/** Name of a model for the maps that is no toy; null: none is installed. */
export function otherMaps({ packs }: Pick<AppState, 'packs'>): string | null {
  return packs?.find((pack) => pack.kind === 'maps' && !isBlocks(pack))?.name ?? null;
}
