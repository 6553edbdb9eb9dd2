import type { DraftSummary } from '../bridge/packProtocol.ts';
import type { ByteProgress, PackSummary } from '../bridge/protocol.ts';
import type { BundleManifest } from '../bundles/bundle.ts';
import { abortError } from '../errors.ts';
import type { Precision } from '../graph/weights.ts';
import type { Slice } from './appStore.ts';
import { bundleParts, installedModel, type ModelEstimate, modelKey, modelSizes } from './bundleState.ts';
import {
  bytesStillNeeded,
  draftOf,
  type Install,
  type InstallPart,
  type InstallState,
  installBytes,
  isAtWork,
  type PartSource,
} from './install.ts';
import type { ModelFolder } from './modelFolder.ts';
import { arePacksBusy } from './packsSlice.ts';
import { isAbort, toProblem } from './problem.ts';
import { throttledProgress } from './throttledProgress.ts';
import { nextRate, startRate } from './transferRate.ts';

/** What the files that are added next are for, where the user said so. */
export type Expected =
  | { readonly for: 'draft'; readonly name: string; readonly precision: Precision }
  | { readonly for: 'repair'; readonly packId: string };

/** Models on their way in. */
export interface InstallSlice {
  /** What the app offers to install. */
  readonly bundles: readonly BundleManifest[];
  /** What is known of models that were asked about, by `modelKey`. */
  readonly estimates: Readonly<Record<string, ModelEstimate>>;
  /** Bundles begun and not finished, of this visit and of earlier ones, oldest first. */
  readonly unfinishedBundles: readonly string[];
  readonly install: Install | null;
  /** What was installed last; told to the user. */
  readonly lastInstalled: string | null;
  /** A model waiting for the user's choice of precision. */
  readonly candidate: ModelFolder | null;
  /** What the offered model is and takes, in the precision asked for last; null: not asked. */
  readonly candidateEstimate: ModelEstimate | null;
  readonly expected: Expected | null;

  /** Asks the server for the sizes of a bundle's models that are not known. */
  estimateBundle(bundleId: string): Promise<void>;
  /** Installs what is missing of a bundle, going on where it was interrupted, then uses all of it. */
  installBundle(bundleId: string): Promise<void>;
  /** Offers a model for installing; null takes the offer back. */
  offerModel(model: ModelFolder | null): void;
  /** Looks at what the offered model is and takes in a precision. */
  estimateCandidate(precision: Precision): Promise<void>;
  /** Says what the next files are for; null: nothing special. */
  expectModel(expected: Expected | null): void;
  /** Compiles the offered model, then uses it. */
  installCandidate(choice: { readonly name: string; readonly precision: Precision }): Promise<void>;
  /** Goes on with an interrupted installation whose files are published. */
  resumeDraft(draft: DraftSummary): Promise<void>;
  /** Deletes what an interrupted installation has done. */
  discardDraft(draft: DraftSummary): Promise<void>;
  /** No longer tells of a bundle that is not complete; what is installed of it stays. */
  forgetBundle(bundleId: string): void;
  /** Stops; nothing of what is done is lost. */
  pauseInstall(): void;
  /** Goes on after a pause, a failure or a lack of room. */
  resumeInstall(): Promise<void>;
  /** Stops and deletes what the present model has so far; finished models stay. */
  cancelInstall(): Promise<void>;
  /** Takes one that rests off the screen; it can be gone on with later, unless its files are no model. */
  dismissInstall(): Promise<void>;
}

/** The installations' part of the store. */
export const createInstallSlice: Slice<InstallSlice> = (set, get, environment) => {
  const { workers, preferences, remember, newId, now, bundles } = environment;
  let estimation: Promise<void> = Promise.resolve();

  const setUnfinished = (unfinishedBundles: readonly string[]) => {
    set({ unfinishedBundles });
    remember({ unfinishedBundles });
  };
  const update = (id: string, part: Partial<Install>) => {
    const { install } = get();
    if (install?.id === id) set({ install: { ...install, ...part } });
  };
  const stateOf = (id: string): InstallState['is'] | null => {
    const { install } = get();
    return install?.id === id ? install.state.is : null;
  };
  /** Lets a wish to stop take effect between two calls of the worker. */
  const stopIfAsked = (id: string) => {
    if (/^(preparing|running)$/.test(stateOf(id) ?? '')) return;
    throw abortError('The installation was stopped');
  };
  const changePart = (id: string, index: number, change: Partial<InstallPart>) => {
    const { install } = get();
    if (install?.id !== id) return;
    update(id, { parts: install.parts.map((part, i) => (i === index ? { ...part, ...change } : part)) });
  };

  /** Learns the sizes that are not known, asks for storage that stays, and looks whether there is room. */
  const prepare = async (id: string) => {
    const parts = get().install?.parts ?? [];
    for (const [index, { packId, source, precision, totalBytes, diskBytes }] of parts.entries()) {
      if (packId !== null || source.from === 'draft' || (totalBytes !== null && diskBytes !== null)) continue;
      const jobId = newId();
      update(id, { jobId });
      const asked = source.from === 'hub' ? { ...source, hub: get().hub } : source;
      const told = await workers.compile.estimateInstall({ jobId, precision, source: asked });
      stopIfAsked(id);
      changePart(id, index, { totalBytes: totalBytes ?? told.downloadBytes, diskBytes: told.diskBytes });
    }
    if (get().storage?.persisted === false) await environment.persistStorage();
    await get().loadPacks();
    stopIfAsked(id);
    const { storage, drafts, install } = get();
    const neededBytes = bytesStillNeeded(install?.parts ?? [], drafts);
    const freeBytes = storage ? Math.max(0, storage.quotaBytes - storage.usedBytes) : Number.POSITIVE_INFINITY;
    if (neededBytes <= freeBytes) return true;
    update(id, { state: { is: 'short', neededBytes, freeBytes } });
    return false;
  };

  const installPart = async (id: string, index: number) => {
    const part = get().install?.parts[index] as InstallPart;
    const jobId = newId();
    update(id, { current: index, jobId, progress: null, rate: null, state: { is: 'running' } });
    const shown = throttledProgress<ByteProgress>((progress) => {
      const { install } = get();
      if (install?.id !== id || install.jobId !== jobId) return;
      const bytes = installBytes({ ...install, progress }).doneBytes;
      const rate = install.rate ? nextRate(install.rate, { bytes, at: now() }) : startRate(bytes, now());
      set({ install: { ...install, progress, rate } });
    });
    try {
      const pack = await startJob(part, { jobId, onProgress: shown.tell });
      const totalBytes = get().install?.progress?.totalBytes ?? part.totalBytes;
      changePart(id, index, { packId: pack.id, totalBytes });
      await get().loadPacks();
      await get().choosePack(pack.id);
    } finally {
      shown.stop();
    }
  };

  const startJob = (
    { name, precision, licence, source }: InstallPart,
    { jobId, onProgress }: { readonly jobId: string; readonly onProgress: (progress: ByteProgress) => void },
  ): Promise<PackSummary> => {
    const { hub } = get();
    if (source.from === 'draft') {
      return workers.compile.resumeDraft({ jobId, draftId: source.draftId, hub }, onProgress);
    }
    const asked = source.from === 'hub' ? { ...source, hub } : source;
    return workers.compile.install({ jobId, name, precision, licence, source: asked }, onProgress);
  };

  /**
   * Installs all parts that are still to do. A failure leaves it where it is, to be resumed.
   * @returns whether all of it is installed
   */
  const run = async (id: string): Promise<boolean> => {
    try {
      update(id, { state: { is: 'preparing' }, progress: null, rate: null });
      if (!(await prepare(id))) return false;
      for (;;) {
        stopIfAsked(id);
        const index = get().install?.parts.findIndex(({ packId }) => packId === null) ?? -1;
        if (index < 0) break;
        await installPart(id, index);
      }
      const { install } = get();
      if (install?.id !== id) return false;
      if (install.bundleId !== null) get().forgetBundle(install.bundleId);
      set({ install: null, lastInstalled: install.name });
      return true;
    } catch (error) {
      await get().loadPacks();
      if (stateOf(id) === 'cancelling') await removeResting();
      else if (isAbort(error)) update(id, { state: { is: 'paused' } });
      else update(id, { state: { is: 'failed', problem: toProblem(error, 'install') } });
      return false;
    }
  };

  /** Takes an installation that is not at work off the screen, and what it has begun off the disk. */
  const removeResting = async () => {
    const { install, drafts } = get();
    const part = install?.parts[install.current];
    set({ install: null });
    const draft = part && part.packId === null ? draftOf(part, drafts) : null;
    if (draft) await get().discardDraft(draft);
  };

  /** Takes the place of an installation that rests; that one stays as a draft. */
  const begin = (install: Pick<Install, 'name' | 'bundleId' | 'parts'>) => {
    const id = newId();
    const state: InstallState = { is: 'preparing' };
    set({ install: { ...install, id, current: 0, jobId: newId(), progress: null, rate: null, state } });
    return run(id);
  };
  const single = (part: Omit<InstallPart, 'packId'>) =>
    begin({ name: part.name, bundleId: null, parts: [{ ...part, packId: null }] });

  const bundleOf = (draft: DraftSummary): BundleManifest | undefined => {
    const has = ({ models }: BundleManifest) => models.some((model) => modelKey(model) === modelKey(draft));
    if (draft.from !== 'hub') return undefined;
    return bundles.find((bundle) => get().unfinishedBundles.includes(bundle.id) && has(bundle));
  };

  const estimateBundle = async (bundleId: string) => {
    const bundle = bundles.find(({ id }) => id === bundleId);
    for (const model of bundle?.models ?? []) {
      const key = modelKey(model);
      const sizes = modelSizes(model, get().estimates);
      const isKnown = sizes.downloadBytes !== null && sizes.diskBytes !== null;
      if (isKnown || get().estimates[key]?.is === 'asking' || installedModel(model, get().packs ?? [])) continue;
      const tell = (estimate: ModelEstimate) => set({ estimates: { ...get().estimates, [key]: estimate } });
      tell({ is: 'asking' });
      try {
        const source = { from: 'hub', files: model.files, hub: get().hub } as const;
        const told = await workers.compile.estimateInstall({ jobId: newId(), precision: model.precision, source });
        tell({ is: 'known', estimate: told });
      } catch (error) {
        tell({ is: 'failed', problem: toProblem(error, 'install') });
      }
    }
  };

  return {
    bundles,
    estimates: {},
    unfinishedBundles: preferences.unfinishedBundles.filter((id) => bundles.some((bundle) => bundle.id === id)),
    install: null,
    lastInstalled: null,
    candidate: null,
    candidateEstimate: null,
    expected: null,

    // One after another: a server is not asked everything at once.
    estimateBundle: (bundleId) => {
      estimation = estimation.then(() => estimateBundle(bundleId));
      return estimation;
    },
    installBundle: async (bundleId) => {
      const bundle = bundles.find(({ id }) => id === bundleId);
      if (!bundle || arePacksBusy(get())) return;
      const parts = bundleParts(bundle, { packs: get().packs ?? [], estimates: get().estimates });
      setUnfinished([...get().unfinishedBundles.filter((id) => id !== bundleId), bundleId]);
      const present = parts.flatMap(({ packId }) => packId ?? []);
      const isComplete = await begin({ name: bundle.name, bundleId, parts });
      // What was there before belongs to it as well.
      if (isComplete) for (const id of present) await get().choosePack(id);
    },
    offerModel: (candidate) => set({ candidate, candidateEstimate: null, expected: candidate ? get().expected : null }),
    estimateCandidate: async (precision) => {
      const { candidate } = get();
      if (!candidate) return;
      const asking: ModelEstimate = { is: 'asking' };
      const tell = (candidateEstimate: ModelEstimate) => {
        // Another model or another precision may have been chosen meanwhile.
        if (get().candidateEstimate === asking) set({ candidateEstimate });
      };
      set({ candidateEstimate: asking });
      try {
        const source = { from: 'files', files: candidate.files } as const;
        tell({ is: 'known', estimate: await workers.compile.estimateInstall({ jobId: newId(), precision, source }) });
      } catch (error) {
        tell({ is: 'failed', problem: toProblem(error, 'install') });
      }
    },
    expectModel: (expected) => set({ expected }),
    installCandidate: async ({ name, precision }) => {
      const { candidate } = get();
      if (!candidate || arePacksBusy(get())) return;
      set({ candidate: null, candidateEstimate: null, expected: null });
      const source: PartSource = { from: 'files', files: candidate.files };
      await single({ name, precision, licence: null, source, totalBytes: candidate.weightBytes, diskBytes: null });
    },
    resumeDraft: async (draft) => {
      if (arePacksBusy(get())) return;
      const bundle = bundleOf(draft);
      if (bundle) return get().installBundle(bundle.id);
      const { id, name, precision, totalBytes } = draft;
      const source: PartSource = { from: 'draft', draftId: id };
      await single({ name, precision, licence: null, source, totalBytes, diskBytes: null });
    },
    discardDraft: async (draft) => {
      try {
        await workers.compile.discardDraft(draft.id);
        const bundle = bundleOf(draft);
        if (bundle) get().forgetBundle(bundle.id);
      } catch (error) {
        get().report(error, 'packs');
      }
      await get().loadPacks();
    },
    forgetBundle: (bundleId) => setUnfinished(get().unfinishedBundles.filter((id) => id !== bundleId)),
    pauseInstall: () => {
      const { install } = get();
      if (!install || !/^(preparing|running)$/.test(install.state.is)) return;
      update(install.id, { state: { is: 'pausing' } });
      // While sizes are asked for, there is nothing yet to keep.
      const stop = install.state.is === 'preparing' ? workers.compile.cancel : workers.compile.pause;
      stop(install.jobId).catch((error) => get().report(error, 'install'));
    },
    resumeInstall: async () => {
      const { install } = get();
      if (install && !arePacksBusy(get())) await run(install.id);
    },
    cancelInstall: async () => {
      const { install } = get();
      if (!install || install.state.is === 'cancelling') return;
      if (install.bundleId !== null) get().forgetBundle(install.bundleId);
      if (!isAtWork(install)) return removeResting();
      update(install.id, { state: { is: 'cancelling' } });
      await workers.compile.cancel(install.jobId).catch((error) => get().report(error, 'install'));
    },
    dismissInstall: async () => {
      const { install } = get();
      if (!install || isAtWork(install)) return;
      const { state } = install;
      const isNoModel = state.is === 'failed' && /^(Checkpoint|UnsupportedModel)Error$/.test(state.problem.name);
      if (isNoModel) await removeResting();
      else set({ install: null });
    },
  };
};
