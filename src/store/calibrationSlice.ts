import type { CalibrationOutcome, CalibrationProgress, CalibrationSummary } from '../bridge/calibrationProtocol.ts';
import { matchFiles } from '../calibration/matchFiles.ts';
import { parseRatings } from '../calibration/parseRatings.ts';
import { guessScale, type ImageRatings, type RatingScale, type RatingsTable } from '../calibration/ratings.ts';
import type { AnalysisSettings } from '../pipeline/analysis.ts';
import type { Slice } from './appStore.ts';
import type { PathedFile } from './modelFolder.ts';
import { isAbort, type Problem, toProblem } from './problem.ts';
import { throttledProgress } from './throttledProgress.ts';

/** A table of ratings, and which of the chosen images it speaks of. */
export interface ChosenRatings {
  /** Of the file. */
  readonly name: string;
  readonly table: RatingsTable;
  /** What the ratings were probably given on. */
  readonly scale: RatingScale;
  /** Rated images that are there. */
  readonly matched: readonly { readonly ratings: ImageRatings; readonly file: File }[];
  /** Rated images whose files are not among the chosen ones, or could be several of them. */
  readonly missing: readonly string[];
  /** Images that no row speaks of. */
  readonly unrated: readonly string[];
}

/** What learning from ratings is at. */
export type Learning =
  | { readonly state: 'choosing'; readonly problem: Problem | null }
  | {
      readonly state: 'running';
      readonly jobId: string;
      readonly progress: CalibrationProgress | null;
      readonly cancelling: boolean;
    }
  | { readonly state: 'done'; readonly outcome: CalibrationOutcome };

/** The quality words an analysis is to use: a mode, or a calibration. */
export type WordsChoice =
  | Exclude<AnalysisSettings['perceptualMode'], 'calibrated'>
  | { readonly id: string; readonly name: string };

/** Calibrations: those kept, and the one being made. */
export interface CalibrationSlice {
  /** Those kept on this machine, the newest first. */
  readonly calibrations: readonly CalibrationSummary[];
  readonly ratings: ChosenRatings | null;
  /** Images chosen to go with the ratings. */
  readonly ratedImages: readonly PathedFile[];
  readonly learning: Learning;

  /** Reads which calibrations there are, and whether they fit the model in use. */
  loadCalibrations(): Promise<void>;
  /** Takes a table, a calibration's file, images or a folder of them; what was chosen before of another kind stays. */
  takeRatingFiles(files: readonly PathedFile[]): Promise<void>;
  startLearning(scale: RatingScale): Promise<void>;
  cancelLearning(): void;
  /** Keeps what was learned under a name; `use`: and measures with it from now on. */
  keepLearned(name: string, options: { readonly use: boolean }): Promise<void>;
  /** Back to choosing; what was learned and not kept is gone. */
  forgetLearned(): void;
  /** Null: it failed, and a notice tells why. */
  exportCalibration(id: string): Promise<Blob | null>;
  deleteCalibration(id: string): Promise<void>;
  /** Measures the selected image, and all from now on, with other words. */
  chooseWords(choice: WordsChoice): void;
}

const IMAGE = /\.(png|apng|jpe?g|jfif|webp|avif|gif|bmp)$/i;
const TABLE = /\.(csv|tsv|txt)$/i;

/** Seed of all calibrations: the same ratings give the same result. */
const SEED = 1;

/** The calibrations' part of the store. */
export const createCalibrationSlice: Slice<CalibrationSlice> = (set, get, { workers, newId, remember }) => {
  const { refine } = workers;
  const choosing = (error?: unknown): Learning => ({
    state: 'choosing',
    problem: error === undefined ? null : toProblem(error, 'calibrate'),
  });
  const progress = throttledProgress<CalibrationProgress>((told) => {
    const { learning } = get();
    if (learning.state === 'running') set({ learning: { ...learning, progress: told } });
  });

  return {
    calibrations: [],
    ratings: null,
    ratedImages: [],
    learning: choosing(),

    loadCalibrations: async () => {
      try {
        set({ calibrations: await refine.listCalibrations() });
      } catch (error) {
        get().report(error, 'calibrate');
      }
    },
    takeRatingFiles: async (files) => {
      if (get().learning.state !== 'choosing') return;
      try {
        const kept = files.find(({ path }) => /\.json$/i.test(path));
        if (kept) {
          await refine.importCalibration(kept.file);
          await get().loadCalibrations();
        }
        const images = files.filter(({ path }) => IMAGE.test(path));
        const ratedImages = images.length > 0 ? images : get().ratedImages;
        // The table on top, where a folder has several.
        const tables = files.filter(({ path }) => TABLE.test(path));
        const table = tables.sort((a, b) => a.path.split('/').length - b.path.split('/').length)[0];
        const known = get().ratings;
        const read = table
          ? { name: table.file.name, table: parseRatings(await table.file.text(), { name: table.file.name }) }
          : known;
        set({ ratedImages, ratings: read && matched(read, ratedImages), learning: choosing() });
      } catch (error) {
        set({ learning: choosing(error) });
      }
    },
    startLearning: async (scale) => {
      const { ratings, learning, settings } = get();
      if (!ratings || learning.state !== 'choosing') return;
      const jobId = newId();
      set({ learning: { state: 'running', jobId, progress: null, cancelling: false } });
      try {
        const outcome = await refine.calibrate(
          {
            jobId,
            name: ratings.name.replace(/\.[^.]+$/, ''),
            rated: ratings.matched,
            scale,
            imageSize: settings.imageSize,
            seed: SEED,
          },
          (told) => progress.tell(told),
        );
        set({ learning: { state: 'done', outcome } });
      } catch (error) {
        set({ learning: isAbort(error) ? choosing() : choosing(error) });
      }
      progress.stop();
    },
    cancelLearning: () => {
      const { learning } = get();
      if (learning.state !== 'running' || learning.cancelling) return;
      set({ learning: { ...learning, cancelling: true } });
      refine.cancel(learning.jobId).catch((error) => get().report(error, 'calibrate'));
    },
    keepLearned: async (name, { use }) => {
      const { learning } = get();
      if (learning.state !== 'done') return;
      try {
        const { id } = await refine.saveCalibration({ ...learning.outcome.calibration, name });
        set({ learning: choosing() });
        await get().loadCalibrations();
        if (use) get().chooseWords({ id, name });
      } catch (error) {
        get().report(error, 'calibrate');
      }
    },
    forgetLearned: () => {
      if (get().learning.state === 'done') set({ learning: choosing() });
    },
    exportCalibration: async (id) => {
      try {
        return await refine.exportCalibration(id);
      } catch (error) {
        get().report(error, 'calibrate');
        return null;
      }
    },
    deleteCalibration: async (id) => {
      try {
        await refine.deleteCalibration(id);
      } catch (error) {
        get().report(error, 'calibrate');
      }
      await get().loadCalibrations();
      if (get().settings.calibration?.id === id) get().chooseWords('auto');
    },
    chooseWords: (choice) => {
      const calibration = typeof choice === 'string' ? null : { id: choice.id, name: choice.name };
      remember({ calibration });
      get().changeSettings({ perceptualMode: typeof choice === 'string' ? choice : 'calibrated', calibration });
    },
  };
};

/** Ratings with the images they speak of. */
function matched({ name, table }: Pick<ChosenRatings, 'name' | 'table'>, images: readonly PathedFile[]): ChosenRatings {
  const files = new Map(images.map(({ path, file }) => [path, file]));
  const { paths, unused } = matchFiles(
    table.images.map(({ file }) => file),
    [...files.keys()],
  );
  return {
    name,
    table,
    scale: guessScale(table.images.flatMap(({ rating }) => rating ?? [])),
    matched: table.images.flatMap((ratings, i) => {
      const file = files.get(paths[i] ?? '');
      return file ? [{ ratings, file }] : [];
    }),
    missing: table.images.filter((_, i) => paths[i] === null).map(({ file }) => file),
    unrated: unused,
  };
}
