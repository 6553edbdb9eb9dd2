import type { CalibrationJob, CalibrationOutcome, CalibrationProgress } from '../src/bridge/calibrationProtocol.ts';
import {
  type Calibration,
  type CalibrationSummary,
  type ClipIdentity,
  isSameClip,
} from '../src/calibration/calibration.ts';
import { MAX_CALIBRATION_BYTES, readCalibration, writeCalibration } from '../src/calibration/calibrationFile.ts';
import { learnFromRatings, type MeasuredImage } from '../src/calibration/learnFromRatings.ts';
import { readFeatures, writeFeatures } from '../src/calibration/ratingFeatures.ts';
import { UserError } from '../src/errors.ts';
import { openImage } from '../src/image/decodeImage.ts';
import { chooseImageSize } from '../src/pipeline/analyse.ts';
import type { AnalysisSettings } from '../src/pipeline/analysis.ts';
import { measureForRating } from '../src/pipeline/measureForRating.ts';
import { qualityWords } from '../src/pipeline/wordFeatures.ts';
import type { PromptReader } from '../src/prompt/phrase.ts';
import type { OnnxClipEncoder } from '../src/runtime/clipEncoder.ts';
import {
  deleteCalibration,
  featureFiles,
  keepCalibration,
  keptCalibrations,
} from '../src/storage/calibrationFolder.ts';
import { listPacks } from '../src/storage/packStore.ts';
import type { MapsModel } from './packsInUse.ts';

/** What a model is known again by. */
export async function clipIdentity(clip: OnnxClipEncoder): Promise<ClipIdentity> {
  const { dim, textWidth, logitScale } = clip;
  return { dim, textWidth, logitScale, fingerprint: await clip.fingerprint() };
}

/** All that can be used; what cannot be read is left out: it may be of a newer version. */
async function readAll(): Promise<{ id: string; calibration: Calibration }[]> {
  return (await keptCalibrations()).flatMap(({ id, text }) => {
    try {
      return [{ id, calibration: readCalibration(text, { name: `${id}.json` }) }];
    } catch (error) {
      console.warn('A calibration cannot be used:', error);
      return [];
    }
  });
}

/** Calibrations kept on this machine, the newest first. @param maps of the pack in use; null: none fits then */
export async function listCalibrations(maps: MapsModel | null): Promise<CalibrationSummary[]> {
  const own = maps && (await clipIdentity(maps.clip));
  return (await readAll())
    .map(({ id, calibration }) => summaryOf(id, calibration, own))
    .sort((a, b) => b.madeAt - a.madeAt);
}

function summaryOf(id: string, calibration: Calibration, own: ClipIdentity | null): CalibrationSummary {
  const { name, madeAt, modelName, images, quality, clip, alignment } = calibration;
  const fits = own !== null && isSameClip(clip, own);
  return { id, name, madeAt, modelName, images, verdict: quality.verdict, fits, hasAlignment: alignment !== null };
}

/** The calibration that settings name; null: none is wanted, it is gone, or it was made with another CLIP. */
export async function wantedCalibration(
  { perceptualMode, calibration: wanted }: AnalysisSettings,
  { clip }: MapsModel,
): Promise<Calibration | null> {
  if (perceptualMode !== 'calibrated' || !wanted) return null;
  const found = (await readAll()).find(({ id }) => id === wanted.id)?.calibration;
  return found && isSameClip(found.clip, await clipIdentity(clip)) ? found : null;
}

/** Keeps a calibration. @throws {UserError} `StorageError` */
export async function saveCalibration(calibration: Calibration, maps: MapsModel | null): Promise<CalibrationSummary> {
  const id = await keepCalibration(writeCalibration(calibration));
  return summaryOf(id, calibration, maps && (await clipIdentity(maps.clip)));
}

/**
 * Keeps a calibration from a file.
 * @throws {UserError} `TableError`: no calibration, or made with another CLIP than the one in use; `StorageError`
 */
export async function importCalibration(file: File, maps: MapsModel): Promise<CalibrationSummary> {
  if (file.size > MAX_CALIBRATION_BYTES) {
    throw new UserError(
      'TableError',
      `Cannot read "${file.name}": it has ${file.size} bytes, a calibration has at most ${MAX_CALIBRATION_BYTES}. Choose the exported file.`,
    );
  }
  const calibration = readCalibration(await file.text(), { name: file.name });
  const own = await clipIdentity(maps.clip);
  if (!isSameClip(calibration.clip, own)) {
    throw new UserError(
      'TableError',
      `Cannot use "${file.name}": it was made with ${calibration.modelName} (${calibration.clip.dim} numbers to a feature), and ` +
        `${maps.clip.modelName} (${own.dim}) in use is another CLIP. Choose that model first, then import it again.`,
    );
  }
  return saveCalibration(calibration, maps);
}

/** A kept calibration as a file to take elsewhere. @throws {UserError} `StorageError`: it is gone */
export async function exportCalibration(id: string): Promise<Blob> {
  const kept = (await keptCalibrations()).find((one) => one.id === id);
  if (!kept) throw new UserError('StorageError', 'This calibration is no longer there; another tab has deleted it.');
  return new Blob([kept.text], { type: 'application/json' });
}

export { deleteCalibration };

/** What learning works with, besides the job. */
export interface CalibrationTools {
  readonly packId: string;
  readonly maps: MapsModel;
  readonly readPrompt: PromptReader | null;
  readonly onProgress: (progress: CalibrationProgress) => void;
  readonly signal: AbortSignal;
}

/**
 * Measures rated images, those that are not known yet, and learns from them. Nothing is kept but what was measured.
 *
 * @throws AbortError; {UserError} `TableError`: too little to learn from; `ImageError`: none could be read
 */
export async function calibrate(job: CalibrationJob, tools: CalibrationTools): Promise<CalibrationOutcome> {
  const { maps, onProgress, signal } = tools;
  const { clip, contexts } = maps;
  const imageSize = chooseImageSize(clip, job.imageSize, []);
  await featureFiles.keepOnly((await listPacks()).map(({ summary }) => summary.id));
  const words = await qualityWords(clip, { contexts, mode: 'auto', beforeRun: () => signal.throwIfAborted() });
  const { images, unread } = await measureAll(job, { ...tools, imageSize });
  const result = await learnFromRatings(images, {
    initial: words.features,
    ...(words.mode === 'learned' && maps.calibration && { initialBounds: maps.calibration.perceptualBounds }),
    logitScale: clip.logitScale,
    scale: job.scale,
    seed: job.seed,
    onProgress: (done, total) => onProgress({ stage: 'learn', done, total }),
    // Lets messages in, a cancel among them.
    pause: () => new Promise((resolve) => setTimeout(resolve)),
    signal,
  });
  const calibration: Calibration = {
    name: job.name,
    madeAt: Date.now(),
    modelName: clip.modelName,
    clip: await clipIdentity(clip),
    imageSize,
    images: images.length,
    seed: job.seed,
    ...result,
  };
  return { calibration, unread, startedFrom: words.mode };
}

async function measureAll(
  { rated }: CalibrationJob,
  {
    packId,
    maps: { clip, calibration },
    readPrompt,
    onProgress,
    signal,
    imageSize,
  }: CalibrationTools & { imageSize: number },
): Promise<{ images: MeasuredImage[]; unread: { file: string; reason: string }[] }> {
  const images: MeasuredImage[] = [];
  const unread: { file: string; reason: string }[] = [];
  const model = `${packId}-${imageSize}`;
  for (const [i, { ratings, file }] of rated.entries()) {
    onProgress({ stage: 'measure', done: i, total: rated.length });
    signal.throwIfAborted();
    // Only ratings of the match need the prompt looked for, which takes longer than the image does. A pack with constants of its
    // own for that keeps them: they are not deviations, which is what would be learned.
    const prompt = ratings.alignment === null || calibration ? null : ratings.prompt;
    try {
      const hash = await contentHash(file);
      const text = await featureFiles.read(model, hash);
      const known = text === null ? null : readFeatures(text, { dim: clip.dim });
      if (known && (prompt === null || Object.hasOwn(known.standings, prompt))) {
        images.push({ ratings, cls: known.cls, standing: prompt === null ? null : (known.standings[prompt] ?? null) });
        continue;
      }
      const image = await openImage(file);
      try {
        const { cls, standing } = await measureForRating(image, { clip, imageSize, prompt, readPrompt, signal });
        const standings = { ...known?.standings, ...(prompt !== null && readPrompt && { [prompt]: standing }) };
        await featureFiles.write(model, hash, writeFeatures({ cls, standings }));
        images.push({ ratings, cls, standing });
      } finally {
        image.close();
      }
    } catch (error) {
      if (!(error instanceof UserError) || error.name !== 'ImageError') throw error;
      unread.push({ file: ratings.file, reason: error.message });
    }
  }
  const [first] = unread;
  if (images.length === 0 && first) throw new UserError('ImageError', first.reason);
  return { images, unread };
}

/** SHA-256 of a file's bytes, in hexadecimal. */
async function contentHash(file: Blob): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
