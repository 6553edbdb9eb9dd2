import type { BatchImage, BatchResult, BatchTask, BatchValues } from '../batch/batch.ts';
import { entryName } from '../batch/batchRecord.ts';
import { writeRefineResult } from '../batch/refineResultRecord.ts';
import type { ImageSummary, RefineWorkerApi } from '../bridge/protocol.ts';
import type { AnalysisResult } from '../pipeline/analysis.ts';
import type { ComputedMeasures } from '../pipeline/imageMeasures.ts';
import type { RefineEvent, RefineResult } from '../pipeline/refinement.ts';
import type { QualityMap } from '../quality/qualityMap.ts';
import type { BatchStore } from '../storage/batchStore.ts';

/** Longest side of the thumbnails of a batch, px: twice what the table shows, for dense screens. */
export const THUMBNAIL_SIDE = 160;

/** Names of the pictures that are kept of an image, and of an entry. */
export const batchFiles = {
  /** The image, small. */
  thumbnail: (image: number): string => `${String(image).padStart(4, '0')}.jpg`,
  /** The refined picture, small. */
  refinedThumbnail: (entry: string): string => `${entry}.jpg`,
  /** The refined picture as it is saved, with metadata. */
  refined: (entry: string): string => `${entry}.png`,
  /** Its numbers and maps, to look at it in the app. */
  refinedResult: (entry: string): string => `${entry}.result.json`,
  /** A map over the thumbnail, of the image or of the refined picture. */
  map: (entry: string, { map, when }: { map: 'pq' | 'aq'; when: 'before' | 'after' }): string =>
    `${entry}-${map}-${when}.png`,
} as const;

/** One entry to work on. */
export interface EntryWork {
  readonly jobId: string;
  readonly image: BatchImage;
  /** Index of the image. */
  readonly index: number;
  readonly task: BatchTask;
  readonly file: File;
  /** Prompt of images that have none. */
  readonly otherwisePrompt: string;
}

/** What an entry is worked on with. */
export interface EntryTools {
  readonly worker: RefineWorkerApi;
  /** Keeps pictures of the batch. */
  keep(name: string, file: Blob): Promise<void>;
  /** Asked between all steps; throws AbortError once the work is to stop. */
  checkStopped(): void;
  onEvent(event: RefineEvent): void;
}

/** {@link EntryTools.keep} of a batch. */
export function keeperOf(batches: BatchStore, id: string): EntryTools['keep'] {
  return (name, file) => batches.writeFile(id, name, file);
}

/**
 * Does one entry's work: analyses or refines the image and keeps its pictures. Pixels of one image are in memory at a time.
 * Throws what the worker and the storage throw.
 */
export async function workOnEntry(work: EntryWork, tools: EntryTools): Promise<BatchResult> {
  const { worker, keep, checkStopped } = tools;
  const { file, index, task } = work;
  try {
    const summary = await worker.summariseImage(file, THUMBNAIL_SIDE);
    checkStopped();
    await keep(batchFiles.thumbnail(index), summary.thumbnail);
    const result =
      task.work.kind === 'analyse' ? await analyse(work, { tools, summary }) : await refine(work, { tools, summary });
    checkStopped();
    return result;
  } finally {
    // Where the worker has died, so has what it kept.
    await worker.releaseImage(file).catch(() => {});
  }
}

async function analyse(
  { jobId, image, index, task, file, otherwisePrompt }: EntryWork,
  { tools, summary }: { tools: EntryTools; summary: ImageSummary },
): Promise<BatchResult> {
  const { prompt, promptFrom } = promptOf({ image, summary, otherwisePrompt });
  const result = await tools.worker.analyse({ jobId, file, prompt, settings: task.analysis }, () => {});
  await keepMaps(result, { tools, entry: entryName(index, task), jobId, when: 'before' });
  const measured = await measuredBesides({ jobId, file, input: null, prompt, task, tools });
  return {
    ...partsOf(result, promptFrom),
    before: valuesOf(result, measured),
    outcome: 'analysed',
    after: null,
    regions: null,
    hints: result.hints,
  };
}

async function refine(
  { jobId, image, index, task, file, otherwisePrompt }: EntryWork,
  { tools, summary }: { tools: EntryTools; summary: ImageSummary },
): Promise<BatchResult> {
  if (task.work.kind !== 'refine') throw new TypeError('This task refines nothing');
  const { worker, keep, onEvent } = tools;
  const { prompt, promptFrom } = promptOf({ image, summary, otherwisePrompt });
  const { strategy, settings, seed } = task.work;
  const negativePrompt = [summary.metadata?.negativePrompt ?? '', settings.negativePrompt]
    .filter((words) => words.trim() !== '')
    .join(', ');
  const [made] = await worker.refine(
    {
      jobId,
      file,
      prompt,
      strategy,
      handMask: null,
      analysis: task.analysis,
      settings: { ...settings, negativePrompt },
      seeds: [seed],
    },
    onEvent,
  );
  if (!made) throw new RangeError('A refinement gave no result');
  const { result, image: picture } = made;
  const entry = entryName(index, task);
  await keepMaps(result.before, { tools, entry, jobId, when: 'before' });
  const before = await measuredBesides({ jobId, file, input: null, prompt, task, tools });
  let after = before;
  if (picture) {
    tools.checkStopped();
    const refined = new File([picture], `${entry}.png`, { type: 'image/png' });
    after = await measuredBesides({ jobId, file: refined, input: file, prompt, task, tools });
    const saved = await worker.saveImage({
      jobId,
      image: picture,
      original: file,
      format: 'png',
      quality: 1,
      results: [result],
      measured: before && after && { before, after },
    });
    const { thumbnail } = await worker.summariseImage(refined, THUMBNAIL_SIDE);
    await worker.releaseImage(refined);
    await keep(batchFiles.refined(entry), saved);
    await keep(batchFiles.refinedThumbnail(entry), thumbnail);
    await keep(batchFiles.refinedResult(entry), new Blob([writeRefineResult(result)]));
    await keepMaps(result.after, { tools, entry, jobId, when: 'after' });
  }
  return {
    ...partsOf(result.before, promptFrom),
    outcome: result.outcome,
    before: valuesOf(result.before, before),
    after: valuesOf(result.after, after),
    regions: countedRegions(result),
    hints: result.hints,
  };
}

/** A list beside the images wins over what the file says, and that over what was typed for the rest. */
function promptOf({
  image,
  summary,
  otherwisePrompt,
}: {
  image: BatchImage;
  summary: ImageSummary;
  otherwisePrompt: string;
}): Pick<BatchResult, 'prompt' | 'promptFrom'> {
  if (image.prompt !== null) return { prompt: image.prompt, promptFrom: 'list' };
  const own = summary.metadata?.prompt ?? '';
  if (own.trim() !== '') return { prompt: own, promptFrom: 'file' };
  const typed = otherwisePrompt.trim();
  return { prompt: typed, promptFrom: typed === '' ? 'none' : 'typed' };
}

function partsOf(
  result: AnalysisResult,
  promptFrom: BatchResult['promptFrom'],
): Pick<BatchResult, 'width' | 'height' | 'prompt' | 'promptFrom' | 'model'> {
  return {
    width: result.imageWidth,
    height: result.imageHeight,
    prompt: result.prompt,
    promptFrom,
    model: result.modelName,
  };
}

/** The measures of an analysis, and those computed besides. */
function valuesOf({ perceptual, alignment }: AnalysisResult, measured: ComputedMeasures | null): BatchValues {
  const besides = Object.entries(measured ?? {}).filter(([, value]) => value !== null);
  return {
    quality: perceptual.score,
    ...perceptual.factors,
    ...(alignment && { match: alignment.score }),
    ...Object.fromEntries(besides),
  };
}

/** What the maps do not tell; null: it was not asked for. */
async function measuredBesides({
  task,
  tools,
  ...job
}: Pick<EntryWork, 'jobId' | 'file' | 'task'> & {
  input: File | null;
  prompt: string;
  tools: EntryTools;
}): Promise<ComputedMeasures | null> {
  if (task.measures === 'maps') return null;
  tools.checkStopped();
  return tools.worker.measure({ ...job, imageSize: task.analysis.imageSize });
}

function countedRegions({ regions }: RefineResult): NonNullable<BatchResult['regions']> {
  return { tried: regions.length, kept: regions.filter(({ kept }) => kept).length };
}

async function keepMaps(
  { perceptual, alignment, imageWidth, imageHeight }: AnalysisResult,
  { tools, entry, jobId, when }: { tools: EntryTools; entry: string; jobId: string; when: 'before' | 'after' },
): Promise<void> {
  const shrink = Math.min(1, THUMBNAIL_SIDE / Math.max(imageWidth, imageHeight));
  const size = {
    width: Math.max(1, Math.round(imageWidth * shrink)),
    height: Math.max(1, Math.round(imageHeight * shrink)),
  };
  const maps: ['pq' | 'aq', QualityMap][] = [['pq', perceptual.map]];
  if (alignment) maps.push(['aq', alignment.map]);
  for (const [name, map] of maps) {
    tools.checkStopped();
    const painted = await tools.worker.exportHeatmap({ jobId, map, ...size, scale: 'absolute' });
    await tools.keep(batchFiles.map(entry, { map: name, when }), painted);
  }
}
