import type { SaveRequest } from '../bridge/protocol.ts';
import type { PixelRectangle, RefineEvent, RefineResult, RefineStage } from '../pipeline/refinement.ts';
import type { StrategyDescription } from '../pipeline/strategy.ts';
import type { AppState, Slice } from './appStore.ts';
import { toyKinds } from './blocksSlice.ts';
import { handMaskOf } from './handMaskSlice.ts';
import type { ImageItem } from './imagesSlice.ts';
import { isAtWork } from './install.ts';
import { measuredBetween } from './measureSlice.ts';
import { arePacksOpening } from './packsSlice.ts';
import { isAbort, toProblem } from './problem.ts';
import { changedChoices, LARGEST_SEED, type RefineChoices, rememberedChoices } from './refineChoices.ts';
import {
  observeLoading,
  observeStep,
  profileAtEnd,
  type RefineEta,
  type SeedProfile,
  startEta,
  type TimeLeft,
  timeLeftAt,
} from './refineEta.ts';
import { addEntry, currentEntry, goTo, redone, undone, withoutEntry } from './refineHistory.ts';
import {
  bestVariant,
  keptVariant,
  NO_REFINEMENTS,
  type Refinement,
  type RefinementJob,
  type Refinements,
  type RefineRequest,
  refinedName,
  type UnchangedReport,
  type Variant,
} from './refinement.ts';
import { type RefineReadiness, refineReadiness } from './refineReadiness.ts';
import { throttledProgress } from './throttledProgress.ts';

/** How far the running refinement is. */
export interface RefineProgress {
  readonly jobId: string;
  /** What pace is kept by: changes with seed, stage and loading. */
  readonly stage: string;
  readonly at: RefineStage;
  readonly done: number;
  readonly total: number;
  readonly seedIndex: number;
  /** Stages of this seed that are through, in order. */
  readonly passed: readonly RefineStage[];
  readonly loading: { readonly model: string; readonly doneBytes: number; readonly totalBytes: number } | null;
  /** Tells the time left at any moment from now on. */
  readonly eta: RefineEta;
  /** What fell back and why, newest last. */
  readonly notices: readonly string[];
}

/** A rough picture of what is being painted, and where. */
export type LatentPreview = Omit<RefineEvent & { type: 'preview' }, 'type'> & { readonly jobId: string };

/** Format and quality of a saved picture. */
export interface SaveChoice {
  readonly format: SaveRequest['format'];
  /** 0..1, for JPEG and WebP. */
  readonly quality: number;
}

/** Pictures larger than this are drawn from a preview, as the stage does with files, in pixels. */
const MAX_DRAWN_PIXELS = 40_000_000;
/** Most places whose preview stays until the stage is over. */
const MOST_PREVIEWS = 24;

/** Refinements of all images, and what the user decides about them. */
export interface RefineSlice {
  readonly refinements: Readonly<Record<string, Refinements>>;
  /** Apart from the refinements: it changes many times a second. */
  readonly refineProgress: RefineProgress | null;
  /** Of the running refinement, one a place, oldest first. */
  readonly latentPreviews: readonly LatentPreview[];
  readonly refineChoices: RefineChoices;
  /** What the choices are without the user. */
  readonly refineDefaults: RefineChoices;
  /** The strategies offered, in their order. */
  readonly refineStrategies: readonly StrategyDescription[];
  readonly saveChoice: SaveChoice;
  /** Id of the image whose picture is being written. */
  readonly savingId: string | null;

  /** Refines an image from what is shown of it, with the present choices; waits for its turn. */
  refine(id: string): void;
  /** Runs again what failed. */
  retryRefinement(id: string): void;
  /** Stops the running refinement and takes those that wait out of the queue. */
  cancelRefinements(): void;
  changeRefineChoices(part: Partial<RefineChoices>): void;
  resetRefineChoices(): void;
  /** Takes over the defaults that suit the models in use. */
  followPacks(): void;
  /** Goes to a refinement of an image; null: to the original. */
  showRefinement(id: string, refinementId: string | null): void;
  undoRefinement(id: string): void;
  redoRefinement(id: string): void;
  /** Shows another variant of a refinement. */
  keepVariant(id: string, choice: { readonly refinementId: string; readonly variant: number }): void;
  /** Forgets a refinement and all that started from it, as where it got worse. */
  discardRefinement(id: string, refinementId: string): void;
  dismissUnchanged(id: string): void;
  /** Adds a refinement that was made elsewhere to an image, and shows it; `key` tells whether it has it already. */
  takeRefinement(
    id: string,
    made: {
      readonly key: string;
      readonly result: RefineResult;
      readonly picture: File;
      readonly took: number;
      readonly finishedAt: number;
    },
  ): void;
  setSaveChoice(part: Partial<SaveChoice>): void;
  /** Writes the picture shown, with the original's metadata. Null: it failed, and a notice tells why. */
  writePicture(id: string, format: SaveRequest['format']): Promise<Blob | null>;
  /** Frees what belongs to an image that was removed. */
  forgetRefinements(id: string): void;
  /** Starts the next waiting refinement; called where nothing else is to be done. */
  runNextRefinement(): void;
}

/** What an image's refinements are; the same object for all images without. */
export function refinementsOf({ refinements }: Pick<AppState, 'refinements'>, id: string): Refinements {
  return (Object.hasOwn(refinements, id) ? refinements[id] : undefined) ?? NO_REFINEMENTS;
}

/** Whether an image can be refined now. */
export function readinessOf(state: AppState, image: ImageItem): RefineReadiness {
  return refineReadiness({
    image: { isOpen: image.opened !== null, hasFailed: image.opened === null && image.job.state === 'failed' },
    engine: state.engine.state,
    packsKnown: state.packs !== null && !arePacksOpening(state),
    isInstalling: isAtWork(state.install),
    areToysComing: state.blocks.is === 'installing',
    packInUse: state.packInUse,
    settings: state.refineChoices.settings,
    strategy: chosenStrategy(state),
    hasMask: handMaskOf(state, image.id) !== null,
    hasPrompt: image.prompt.trim() !== '',
  });
}

/** What the chosen strategy is. */
export function chosenStrategy({
  refineChoices,
  refineStrategies,
}: Pick<AppState, 'refineChoices' | 'refineStrategies'>): StrategyDescription {
  const chosen = refineStrategies.find(({ id }) => id === refineChoices.strategy);
  if (!chosen) throw new RangeError(`The strategy "${refineChoices.strategy}" is not offered`);
  return chosen;
}

/** Time left of the running refinement; null: not known (yet). */
export function refineTimeLeft({ eta }: RefineProgress, at: number): TimeLeft | null {
  return timeLeftAt(eta, at);
}

/** The refinements' part of the store. */
export const createRefineSlice: Slice<RefineSlice> = (set, get, environment) => {
  const { workers, preferences, remember, newId, newSeed, now, wallClock, lane } = environment;
  const usual: RefineChoices = {
    strategy: 'gRefine',
    settings: environment.refineSettings,
    variants: 1,
    seed: null,
  };
  const toy: RefineChoices = { ...usual, settings: environment.toyRefineSettings ?? environment.refineSettings };
  const strategies = environment.refineStrategies.map(({ id }) => id);
  /** What a seed of a job takes, by what decides it. */
  const profiles = new Map<string, SeedProfile>();
  /** The progress as it is; the store's is told at a readable pace. */
  let live: RefineProgress | null = null;
  const shown = throttledProgress<RefineProgress>((refineProgress) => set({ refineProgress }));

  const of = (id: string) => refinementsOf(get(), id);
  const image = (id: string) => get().images.find((other) => other.id === id);
  const change = (id: string, part: Partial<Refinements>) => {
    if (image(id)) set({ refinements: { ...get().refinements, [id]: { ...of(id), ...part } } });
  };
  const setJob = (id: string, job: RefinementJob) => change(id, { job });

  const tell = (progress: RefineProgress) => {
    live = progress;
    shown.tell(progress);
  };
  const stopTelling = () => {
    shown.stop();
    live = null;
    set({ refineProgress: null, latentPreviews: [] });
  };

  const onEvent = (id: string, jobId: string, event: RefineEvent) => {
    const { job } = of(id);
    if (job.state !== 'refining' || job.jobId !== jobId || live?.jobId !== jobId) return;
    const at = now();
    switch (event.type) {
      case 'before':
        // The maps of the original are the image's own; those of a result come with the result.
        if (job.request.parent === null) get().takeAnalysis(id, job.request.prompt, event.event);
        break;
      case 'loading': {
        const { model, doneBytes, totalBytes } = event;
        const loading = { model, doneBytes, totalBytes };
        tell({ ...live, stage: `load ${model}`, loading, eta: observeLoading(live.eta, at) });
        break;
      }
      case 'step': {
        const { stage, done, total, seedIndex } = event;
        const isSameSeed = seedIndex === live.seedIndex;
        // The next seed starts from the same picture again.
        if (!isSameSeed) set({ latentPreviews: [] });
        const passed = !isSameSeed ? [] : stage === live.at ? live.passed : [...live.passed, live.at];
        const eta = observeStep(live.eta, { at, stage, done, total, seedIndex });
        tell({
          ...live,
          stage: `${seedIndex} ${stage}`,
          at: stage,
          done,
          total,
          seedIndex,
          passed,
          loading: null,
          eta,
        });
        break;
      }
      case 'preview': {
        const { type: _, ...preview } = event;
        const { x, y, width, height } = preview.place;
        const isElsewhere = ({ place }: { place: PixelRectangle }) =>
          place.x !== x || place.y !== y || place.width !== width || place.height !== height;
        const others = get()
          .latentPreviews.filter(isElsewhere)
          .slice(1 - MOST_PREVIEWS);
        set({ latentPreviews: [...others, { ...preview, jobId }] });
        break;
      }
      case 'notice':
        tell({ ...live, notices: [...live.notices.filter((text) => text !== event.text), event.text] });
        break;
    }
  };

  /** The file a request starts from. */
  const inputOf = (item: ImageItem, parent: RefineRequest['parent']): File => {
    const from = parent && of(item.id).history.entries.find((entry) => entry.id === parent.id);
    return (from && parent && from.variants[parent.variant]?.file) || item.file;
  };

  const run = async (item: ImageItem, request: RefineRequest) => {
    const { id } = item;
    const jobId = newId();
    const startedAt = now();
    const { packInUse, engine } = get();
    const tier = engine.state === 'ready' ? engine.status.tier : null;
    const { width, height } = item.opened ?? { width: 0, height: 0 };
    const key = JSON.stringify([tier, packInUse, request.strategy, request.settings, width, height]);
    lane.busy = true;
    set({ latentPreviews: [] });
    change(id, { job: { state: 'refining', request, jobId, startedAt, cancelling: false }, unchanged: null });
    tell({
      jobId,
      stage: 'start',
      at: 'analyse',
      done: 0,
      total: 1,
      seedIndex: 0,
      passed: [],
      loading: null,
      eta: startEta(request.seeds.length, profiles.get(key) ?? null),
      notices: [],
    });
    try {
      const { parent, ...asked } = request;
      const analysis = { ...get().settings, maskThreshold: request.settings.maskThreshold };
      const file = inputOf(item, parent);
      const images = await workers.refine.refine({ jobId, file, analysis, ...asked }, (event) =>
        onEvent(id, jobId, event),
      );
      const best = bestVariant(images);
      const first = images[0];
      if (!first) throw new RangeError('A refinement gave no results');
      if (parent === null) get().takeResult(id, first.result.before);
      if (best === null) {
        const isGood = images.some(({ result }) => result.outcome === 'nothingToRepair');
        const unchanged: UnchangedReport = {
          outcome: isGood ? 'nothingToRepair' : 'rejected',
          parent,
          results: images.map(({ result }) => result),
        };
        change(id, { job: { state: 'idle' }, unchanged });
      } else {
        if (live) {
          const profile = profileAtEnd(live.eta, now());
          if (profile) profiles.set(key, profile);
        }
        const finishedAt = wallClock();
        const variants: Variant[] = [];
        for (const [i, { result, image: blob }] of images.entries()) {
          const made =
            blob &&
            new File([blob], `${refinedName(item.file.name)}.png`, { type: 'image/png', lastModified: finishedAt + i });
          variants.push({ result, file: made, preview: made && (await largePreview(made, result.after)) });
        }
        const entry: Refinement = {
          id: jobId,
          parent,
          variants,
          best,
          kept: best,
          finishedAt,
          took: now() - startedAt,
        };
        change(id, { job: { state: 'idle' }, history: addEntry(of(id).history, entry) });
        // The mask would hide what came out of it; the brush brings it back.
        if (request.handMask) get().setBrush({ tool: 'move' });
        if (!image(id)) close(entry);
      }
    } catch (error) {
      setJob(
        id,
        isAbort(error) ? { state: 'idle' } : { state: 'failed', request, problem: toProblem(error, 'refine') },
      );
    }
    stopTelling();
    lane.busy = false;
    get().runNext();
  };

  /** A preview of what the page cannot draw itself. */
  const largePreview = async (file: File, size: { readonly imageWidth: number; readonly imageHeight: number }) =>
    size.imageWidth * size.imageHeight > MAX_DRAWN_PIXELS ? (await workers.refine.openImage(file)).preview : null;

  const close = ({ variants }: Refinement) => {
    for (const { preview } of variants) preview?.close();
  };

  const enqueue = (id: string, request: RefineRequest) => {
    change(id, { job: { state: 'waiting', request }, unchanged: null });
    get().runNext();
  };

  const chooseAll = (refineChoices: RefineChoices) => {
    set({ refineChoices });
    remember({ refine: changedChoices(refineChoices, get().refineDefaults) });
  };

  return {
    refinements: {},
    refineProgress: null,
    latentPreviews: [],
    refineChoices: rememberedChoices(preferences.refine, { defaults: usual, strategies }),
    refineDefaults: usual,
    refineStrategies: environment.refineStrategies,
    saveChoice: { format: preferences.saveFormat, quality: preferences.saveQuality },
    savingId: null,

    refine: (id) => {
      const item = image(id);
      const { job, history } = of(id);
      if (!item || job.state === 'refining' || job.state === 'waiting' || !readinessOf(get(), item).isReady) return;
      const { strategy, settings, variants, seed } = get().refineChoices;
      const current = currentEntry(history);
      const parent = current && { id: current.id, variant: current.kept };
      const first = seed ?? newSeed();
      // Seeds one after another, so that the first of several is the same as the one alone.
      const seeds = Array.from({ length: variants }, (_, i) => (first + i) % (LARGEST_SEED + 1));
      const negativePrompt = joinedWords([item.opened?.metadata?.negativePrompt ?? '', settings.negativePrompt]);
      enqueue(id, {
        parent,
        prompt: item.prompt,
        strategy,
        handMask: chosenStrategy(get()).needs.mask ? handMaskOf(get(), id) : null,
        settings: { ...settings, negativePrompt },
        seeds,
      });
    },
    retryRefinement: (id) => {
      const { job } = of(id);
      if (job.state === 'failed') enqueue(id, job.request);
    },
    cancelRefinements: () => {
      for (const [id, { job }] of Object.entries(get().refinements)) {
        if (job.state === 'waiting') setJob(id, { state: 'idle' });
        if (job.state === 'refining' && !job.cancelling) {
          setJob(id, { ...job, cancelling: true });
          workers.refine.cancel(job.jobId).catch((error) => get().report(error, 'refine'));
        }
      }
    },
    changeRefineChoices: (part) => chooseAll({ ...get().refineChoices, ...part }),
    resetRefineChoices: () => chooseAll(get().refineDefaults),
    followPacks: () => {
      const { refineDefaults, refineChoices } = get();
      const wanted = toyKinds(get()).some((kind) => kind !== 'maps') ? toy : usual;
      if (wanted === refineDefaults) return;
      // What the user changed stays; the rest follows.
      const changed = changedChoices(refineChoices, refineDefaults);
      const isUnchanged = refineChoices === refineDefaults || Object.keys(changed).length === 0;
      set({
        refineDefaults: wanted,
        refineChoices: isUnchanged ? wanted : rememberedChoices(changed, { defaults: wanted, strategies }),
      });
    },
    showRefinement: (id, refinementId) => change(id, { history: goTo(of(id).history, refinementId) }),
    undoRefinement: (id) => change(id, { history: undone(of(id).history) }),
    redoRefinement: (id) => change(id, { history: redone(of(id).history) }),
    keepVariant: (id, { refinementId, variant }) => {
      const { history } = of(id);
      const entries = history.entries.map((entry) =>
        entry.id === refinementId && entry.variants[variant]?.file ? { ...entry, kept: variant } : entry,
      );
      change(id, { history: goTo({ ...history, entries }, refinementId) });
    },
    discardRefinement: (id, refinementId) => {
      const { history, removed } = withoutEntry(of(id).history, refinementId);
      for (const entry of removed) close(entry);
      change(id, { history });
    },
    dismissUnchanged: (id) => change(id, { unchanged: null }),
    takeRefinement: (id, { key, result, picture, took, finishedAt }) => {
      const { history } = of(id);
      if (history.entries.some((entry) => entry.id === key)) {
        get().showRefinement(id, key);
        return;
      }
      const name = `${refinedName(image(id)?.file.name ?? '')}.png`;
      const file = new File([picture], name, { type: 'image/png', lastModified: finishedAt });
      const variants: Variant[] = [{ result, file, preview: null }];
      const entry: Refinement = { id: key, parent: null, variants, best: 0, kept: 0, finishedAt, took };
      change(id, { history: addEntry(history, entry) });
    },
    setSaveChoice: (part) => {
      const saveChoice = { ...get().saveChoice, ...part };
      set({ saveChoice });
      remember({ saveFormat: saveChoice.format, saveQuality: saveChoice.quality });
    },
    writePicture: async (id, format) => {
      const item = image(id);
      const { history } = of(id);
      const current = currentEntry(history);
      const file = current && keptVariant(current).file;
      if (!item || !current || !file || get().savingId !== null) return null;
      set({ savingId: id });
      try {
        return await workers.refine.saveImage({
          jobId: newId(),
          image: file,
          original: item.file,
          format,
          quality: get().saveChoice.quality,
          results: resultsTo(of(id), current),
          measured: measuredBetween(get(), { original: item.file, file, results: resultsTo(of(id), current) }),
        });
      } catch (error) {
        if (!isAbort(error)) get().report(error, 'save');
        return null;
      } finally {
        set({ savingId: null });
      }
    },
    forgetRefinements: (id) => {
      const { job, history } = of(id);
      if (job.state === 'refining') workers.refine.cancel(job.jobId).catch(() => {});
      for (const entry of history.entries) close(entry);
      get().setHandMask(id, null);
      const { [id]: _, ...rest } = get().refinements;
      set({ refinements: rest });
    },
    runNextRefinement: () => {
      const { images, selectedId, engine } = get();
      if (lane.busy || engine.state !== 'ready') return;
      const waiting = images.filter(({ id }) => of(id).job.state === 'waiting');
      const next = waiting.find(({ id }) => id === selectedId) ?? waiting[0];
      const job = next && of(next.id).job;
      if (next && job?.state === 'waiting') void run(next, job.request);
    },
  };
};

/** The generator's own negative prompt and the user's, as one. */
function joinedWords(parts: readonly string[]): string {
  return parts.filter((part) => part.trim() !== '').join(', ');
}

/** Every result between the original and a refinement, oldest first: each with the variant it went on from. */
function resultsTo({ history }: Refinements, last: Refinement) {
  const results = [keptVariant(last).result];
  for (let at = last; at.parent !== null; ) {
    const { id, variant } = at.parent;
    const parent = history.entries.find((entry) => entry.id === id);
    const result = parent?.variants[variant]?.result;
    if (!parent || !result) break;
    results.unshift(result);
    at = parent;
  }
  return results;
}
