import type { OpenedImage } from '../bridge/protocol.ts';
import type { AnalysisEvent, AnalysisResult, AnalysisSettings, AnalysisStage } from '../pipeline/analysis.ts';
import type { QualityMap } from '../quality/qualityMap.ts';
import type { AlignmentResult, PerceptualResult } from '../quality/qualityResults.ts';
import type { Slice } from './appStore.ts';
import { isAbort, type Problem, toProblem } from './problem.ts';
import { throttledProgress } from './throttledProgress.ts';

/** What is being done with an image. */
export type ImageJob =
  /** Being read; analysed afterwards unless that was cancelled meanwhile. */
  | { readonly state: 'opening'; readonly thenAnalyse: boolean }
  /** Open; nothing is being done. */
  | { readonly state: 'idle' }
  | { readonly state: 'waiting' }
  | {
      readonly state: 'analysing';
      readonly jobId: string;
      /** The prompt being analysed. */
      readonly prompt: string;
      /** `performance.now()` at the start. */
      readonly startedAt: number;
      readonly cancelling: boolean;
      /** Whether it is analysed once more when this run has ended: its prompt was changed meanwhile. */
      readonly again: boolean;
    }
  | { readonly state: 'done' }
  | { readonly state: 'failed'; readonly problem: Problem };

/** One image of the strip, its prompt and what is known about it. Results survive a later failure. */
export interface ImageItem {
  readonly id: string;
  readonly file: File;
  /** Null until opened, or where it could not be. */
  readonly opened: OpenedImage | null;
  /** As the user left it; never lost. */
  readonly prompt: string;
  readonly job: ImageJob;
  readonly perceptual: PerceptualResult | null;
  readonly alignment: AlignmentResult | null;
  /** The prompt that `alignment` speaks of: its phrases' offsets are in this text. */
  readonly alignmentPrompt: string | null;
  /** The last whole analysis. */
  readonly result: AnalysisResult | null;
  /** The pack that the results came from. */
  readonly packId: string | null;
}

/** How far the running analysis is. */
export interface AnalysisProgress {
  readonly jobId: string;
  readonly stage: AnalysisStage;
  readonly done: number;
  readonly total: number;
}

/** The images and their analyses. */
export interface ImagesSlice {
  readonly images: readonly ImageItem[];
  readonly selectedId: string | null;
  /** Apart from the images: it changes many times a second, and only the status bar shows it. */
  readonly analysisProgress: AnalysisProgress | null;

  /** What decides every analysis that starts from now on. */
  readonly settings: AnalysisSettings;

  /** Changes settings and measures the selected image with them. */
  changeSettings(part: Partial<AnalysisSettings>): void;
  /**
   * Opens files, selects the first and analyses all of them, one after another.
   * @param options `prompt`: of all of them, instead of what the files say
   */
  addImages(files: readonly File[], options?: { readonly prompt?: string | null }): void;
  select(id: string): void;
  /** Selects the image `step` places further in the strip, stopping at its ends. */
  selectBy(step: number): void;
  remove(id: string): void;
  setPrompt(id: string, prompt: string): void;
  /** Analyses an image with its present prompt, before anything else that waits. */
  analyse(id: string): void;
  /** Stops the running analysis and takes everything waiting, or still being opened, out of the queue. */
  cancelAnalyses(): void;
  /** Queues every open image that was never analysed. */
  queueUnanalysed(): void;
  /** Takes up again what failed. */
  retryFailed(): void;
  /** Takes over what a refinement measures of the image itself. */
  takeAnalysis(id: string, prompt: string, event: AnalysisEvent): void;
  /** Takes over the whole analysis that a refinement made of the image itself. */
  takeResult(id: string, result: AnalysisResult): void;
  /** Paints a map of an image at its full size as PNG. Null: it failed, and a notice tells why. */
  paintMap(id: string, map: QualityMap): Promise<Blob | null>;
  /** Starts the next waiting analysis, else the next refinement, measurement or image of a folder, if no job runs and the machine is ready. */
  runNext(): void;
}

/** The images' part of the store. */
export const createImagesSlice: Slice<ImagesSlice> = (
  set,
  get,
  { workers, settings: initialSettings, preferences, newId, now, lane },
) => {
  /** Images are opened one after another: each may take hundreds of megabytes while it is decoded. */
  let opening: Promise<void> = Promise.resolve();
  const progress = throttledProgress<AnalysisProgress>((analysisProgress) => set({ analysisProgress }));

  const find = (id: string) => get().images.find((image) => image.id === id);
  const change = (id: string, part: Partial<ImageItem>) =>
    set({ images: get().images.map((image) => (image.id === id ? { ...image, ...part } : image)) });

  const open = async (id: string) => {
    const image = find(id);
    if (!image) return;
    try {
      const opened = await workers.refine.openImage(image.file);
      const present = find(id);
      if (!present) {
        opened.preview.close();
        return;
      }
      // Words typed while the file was being read are the user's; they win over the file's.
      const prompt = present.prompt === '' ? (opened.metadata?.prompt ?? '') : present.prompt;
      const thenAnalyse = present.job.state === 'opening' && present.job.thenAnalyse;
      change(id, { opened, prompt, job: { state: thenAnalyse ? 'waiting' : 'idle' } });
      get().runNext();
    } catch (error) {
      change(id, { job: { state: 'failed', problem: toProblem(error, 'open') } });
    }
  };

  const onEvent = (id: string, jobId: string, prompt: string, event: AnalysisEvent) => {
    const job = find(id)?.job;
    if (job?.state !== 'analysing' || job.jobId !== jobId) return;
    if (event.type === 'stage') {
      const { stage, done, total } = event;
      progress.tell({ jobId, stage, done, total });
    } else if (event.type === 'perceptual') {
      change(id, { perceptual: event.result });
    } else {
      change(id, { alignment: event.result, alignmentPrompt: prompt });
    }
  };

  const run = async (id: string) => {
    const image = find(id);
    if (!image) return;
    const jobId = newId();
    const { file, prompt } = image;
    const { packInUse, settings } = get();
    const packId = packInUse.maps;
    lane.busy = true;
    change(id, {
      job: {
        state: 'analysing',
        jobId,
        prompt,
        startedAt: now(),
        cancelling: false,
        again: false,
      },
    });
    const ended = (): ImageJob => {
      const job = find(id)?.job;
      return { state: job?.state === 'analysing' && job.again ? 'waiting' : 'done' };
    };
    try {
      const result = await workers.refine.analyse({ jobId, file, prompt, settings }, (event) =>
        onEvent(id, jobId, prompt, event),
      );
      const { perceptual, alignment } = result;
      const pinned = get().pinnedPhrase;
      if (pinned !== null && get().selectedId === id && pinned >= (alignment?.phrases.length ?? 0)) {
        set({ pinnedPhrase: null });
      }
      change(id, { job: ended(), perceptual, alignment, alignmentPrompt: prompt, result, packId });
    } catch (error) {
      const failed: ImageJob = { state: 'failed', problem: toProblem(error, 'analyse') };
      const stopped: ImageJob = ended().state === 'waiting' ? { state: 'waiting' } : { state: 'idle' };
      change(id, { job: isAbort(error) ? stopped : failed });
    }
    lane.busy = false;
    progress.stop();
    set({ analysisProgress: null });
    get().runNext();
  };

  const wait = (id: string) => {
    const image = find(id);
    if (!image) return;
    if (image.opened) change(id, { job: { state: 'waiting' } });
    else {
      change(id, { job: { state: 'opening', thenAnalyse: true } });
      opening = opening.then(() => open(id));
    }
  };

  return {
    images: [],
    selectedId: null,
    analysisProgress: null,
    settings: preferences.calibration
      ? { ...initialSettings, perceptualMode: 'calibrated', calibration: preferences.calibration }
      : initialSettings,

    changeSettings: (part) => {
      set({ settings: { ...get().settings, ...part } });
      const { selectedId } = get();
      if (selectedId !== null) get().analyse(selectedId);
    },
    addImages: (files, { prompt = null } = {}) => {
      const added = files.map(
        (file): ImageItem => ({
          id: newId(),
          file,
          opened: null,
          prompt: prompt ?? '',
          job: { state: 'opening', thenAnalyse: true },
          perceptual: null,
          alignment: null,
          alignmentPrompt: null,
          result: null,
          packId: null,
        }),
      );
      const [first] = added;
      if (!first) return;
      set({ images: [...get().images, ...added] });
      get().select(first.id);
      for (const { id } of added) opening = opening.then(() => open(id));
    },
    select: (id) => {
      if (get().selectedId !== id) set({ selectedId: id, pinnedPhrase: null, hoveredPhrase: null });
    },
    selectBy: (step) => {
      const { images, selectedId } = get();
      const at = images.findIndex(({ id }) => id === selectedId) + step;
      const next = images[Math.min(images.length - 1, Math.max(0, at))];
      if (next) get().select(next.id);
    },
    remove: (id) => {
      const { images, selectedId } = get();
      const at = images.findIndex((image) => image.id === id);
      const image = images[at];
      if (!image) return;
      if (image.job.state === 'analysing') workers.refine.cancel(image.job.jobId).catch(() => {});
      image.opened?.preview.close();
      get().forgetRefinements(id);
      get().forgetMeasurements(id);
      const rest = images.filter((other) => other !== image);
      set({ images: rest });
      if (selectedId === id) {
        set({ selectedId: rest[Math.min(at, rest.length - 1)]?.id ?? null, pinnedPhrase: null, hoveredPhrase: null });
      }
    },
    setPrompt: (id, prompt) => change(id, { prompt }),
    analyse: (id) => {
      const job = find(id)?.job;
      if (!job || job.state === 'waiting') return;
      // It is the original that is measured, so it is the original that is looked at.
      get().showRefinement(id, null);
      if (job.state === 'opening') {
        change(id, { job: { ...job, thenAnalyse: true } });
        return;
      }
      if (job.state === 'analysing') {
        workers.refine.cancel(job.jobId).catch((error) => get().report(error, 'analyse'));
        change(id, { job: { ...job, cancelling: true, again: true } });
        return;
      }
      wait(id);
      get().runNext();
    },
    cancelAnalyses: () => {
      for (const { id, job } of get().images) {
        if (job.state === 'waiting') change(id, { job: { state: 'idle' } });
        if (job.state === 'opening') change(id, { job: { ...job, thenAnalyse: false } });
        if (job.state === 'analysing' && (!job.cancelling || job.again)) {
          change(id, { job: { ...job, cancelling: true, again: false } });
          workers.refine.cancel(job.jobId).catch((error) => get().report(error, 'analyse'));
        }
      }
    },
    queueUnanalysed: () => {
      for (const { id, job, perceptual } of get().images) if (job.state === 'idle' && !perceptual) wait(id);
      get().runNext();
    },
    retryFailed: () => {
      for (const { id, job } of get().images) {
        if (job.state === 'failed') wait(id);
        get().retryRefinement(id);
      }
      get().runNext();
    },
    takeAnalysis: (id, prompt, event) => {
      if (event.type === 'perceptual') change(id, { perceptual: event.result });
      if (event.type === 'alignment') change(id, { alignment: event.result, alignmentPrompt: prompt });
    },
    takeResult: (id, result) => {
      const { perceptual, alignment, prompt } = result;
      change(id, { perceptual, alignment, alignmentPrompt: prompt, result, packId: get().packInUse.maps });
      const job = find(id)?.job;
      if (job?.state === 'idle' || job?.state === 'failed') change(id, { job: { state: 'done' } });
    },
    paintMap: async (id, map) => {
      const opened = find(id)?.opened;
      if (!opened) return null;
      const { width, height } = opened;
      try {
        return await workers.refine.exportHeatmap({ jobId: newId(), map, width, height, scale: get().scale });
      } catch (error) {
        get().report(error, 'export');
        return null;
      }
    },
    runNext: () => {
      const { images, selectedId, engine, packInUse } = get();
      if (lane.busy || engine.state !== 'ready' || packInUse.maps === null) return;
      const waiting = images.filter(({ job }) => job.state === 'waiting');
      const next = waiting.find(({ id }) => id === selectedId) ?? waiting[0];
      if (next) void run(next.id);
      else {
        get().runNextRefinement();
        // Each starts nothing where one before it took the lane.
        get().runNextMeasurement();
        get().runNextEntry();
      }
    },
  };
};
