/**
 * The worker that owns the runtime, the GPU and the pipeline: the composition root where files, packs and the runtime
 * become what the pipeline asks for.
 */
import '../src/trustedTypes.ts';
import { expose, transfer } from 'comlink';
import { version } from '../package.json' with { type: 'json' };
import type { ImageSummary, OpenedImage, RefineWorkerApi } from '../src/bridge/protocol.ts';
import { UserError } from '../src/errors.ts';
import { openImage } from '../src/image/decodeImage.ts';
import { relativeRange } from '../src/image/heatmap.ts';
import { heatmapPng } from '../src/image/heatmapPng.ts';
import { jpegOf } from '../src/image/jpegOf.ts';
import { readGenerationMetadata } from '../src/image/metadata/readGenerationMetadata.ts';
import { savePicture } from '../src/image/saving/savePicture.ts';
import { analyse } from '../src/pipeline/analyse.ts';
import { measureImage } from '../src/pipeline/measureImage.ts';
import { refineRecord } from '../src/pipeline/refineRecord.ts';
import { Runtime } from '../src/runtime/runtime.ts';
import { selfTestFile } from '../src/storage/selfTestFile.ts';
import {
  calibrate,
  deleteCalibration,
  exportCalibration,
  importCalibration,
  listCalibrations,
  saveCalibration,
  wantedCalibration,
} from './calibrations.ts';
import { Jobs } from './jobs.ts';
import { KEPT_PIXELS, OpenImages } from './openImages.ts';
import { PacksInUse } from './packsInUse.ts';
import { loadPromptReader } from './promptParser.ts';
import { pause, refineImage } from './refineImage.ts';

/** Longest side of the preview, in pixels: what the strip shows, and the stage where the page cannot draw the file. */
const PREVIEW_SIDE = 2048;

const jobs = new Jobs();
const images = new OpenImages();
const packs = new PacksInUse();
let runtime: Runtime | null = null;
let tellStarted: (runtime: Runtime) => void = () => {};
/** What is asked for while the tiers are still being tested waits; so does what is asked after a start that failed. */
const hasStarted = new Promise<Runtime>((resolve) => {
  tellStarted = resolve;
});

const api = {
  async start(preferred) {
    runtime ??= await Runtime.start({ preferred, selfTests: selfTestFile });
    tellStarted(runtime);
    return runtime.status;
  },

  selectTier: async (tier) => (await hasStarted).selectTier(tier),

  async watchDevice(onLost) {
    (await hasStarted).onDeviceLost(onLost);
  },

  usePack: async (packId) => packs.use(packId, await hasStarted),

  async setMemoryBudget(bytes) {
    const { residency } = await hasStarted;
    await residency.setBudget(bytes);
    return residency.budget;
  },

  async openImage(file): Promise<OpenedImage> {
    const image = await images.open(file);
    const preview = image.preview(PREVIEW_SIDE);
    const { metadata, warning } = await readGenerationMetadata(file);
    const opened = { width: image.width, height: image.height, preview, metadata, hints: warning ? [warning] : [] };
    // Moved: reading a copy of 16 MB would keep the page's thread busy for 15 to 45 ms.
    return transfer(opened, [preview]);
  },

  async summariseImage(file, side): Promise<ImageSummary> {
    const image = await images.open(file);
    const { width, height } = image;
    const thumbnail = await jpegOf(image.preview(side));
    const { metadata } = await readGenerationMetadata(file);
    return { width, height, thumbnail, metadata };
  },

  releaseImage: async (file) => images.close(file),

  analyse: ({ jobId, file, prompt, settings }, onEvent) =>
    jobs.run(jobId, async (signal) => {
      const maps = mapsInUse();
      const { clip, contexts, calibration: packCalibration } = maps;
      onEvent({ type: 'stage', stage: 'decode', done: 0, total: 1 });
      const image = await images.open(file);
      const readPrompt = await loadPromptReader();
      const calibrated = await wantedCalibration(settings, maps);
      return analyse({
        image,
        prompt,
        clip,
        contexts,
        packCalibration,
        calibrated,
        readPrompt,
        settings,
        onEvent,
        signal,
      });
    }),

  refine: (job, onEvent) =>
    jobs.run(job.jobId, async (signal) => {
      const { residency } = await hasStarted;
      return refineImage(job, { packs, images, residency, onEvent, signal });
    }),

  measure: ({ jobId, file, input, prompt, imageSize }) =>
    jobs.run(jobId, async (signal) => {
      const clip = packs.maps?.clip ?? null;
      const image = await images.open(file);
      // Both have to stay open at once.
      const canCompare = 2 * image.width * image.height <= KEPT_PIXELS;
      const before = input && canCompare ? await images.open(input) : null;
      return measureImage({ image, prompt, clip, imageSize, input: before, signal, pause });
    }),

  saveImage: ({ jobId, image, original, format, quality, results, measured }) =>
    jobs.run(jobId, async (signal) => {
      const picture = await openImage(image, { name: original.name });
      try {
        return await savePicture({
          image: picture,
          original,
          format,
          quality,
          record: refineRecord(results, { version, measured }),
          signal,
        });
      } finally {
        picture.close();
      }
    }),

  exportHeatmap: ({ jobId, map, scale, ...size }) =>
    jobs.run(jobId, (signal) =>
      heatmapPng(map, { ...size, range: scale === 'relative' ? relativeRange([map]) : [0, 1], signal }),
    ),

  calibrate: (job, onProgress) =>
    jobs.run(job.jobId, async (signal) => {
      const maps = mapsInUse();
      const readPrompt = await loadPromptReader();
      return calibrate(job, { packId: packs.mapsId ?? '', maps, readPrompt, onProgress, signal });
    }),

  listCalibrations: () => listCalibrations(packs.maps),
  saveCalibration: (calibration) => saveCalibration(calibration, packs.maps),
  importCalibration: async (file) => importCalibration(file, mapsInUse()),
  exportCalibration,
  deleteCalibration,

  cancel: async (jobId) => jobs.cancel(jobId),
} satisfies RefineWorkerApi;

/** @throws {UserError} `PackMissingError` */
function mapsInUse() {
  if (packs.maps) return packs.maps;
  throw new UserError('PackMissingError', 'No model is installed yet. Add a CLIP folder to see the maps.');
}

expose(api);
