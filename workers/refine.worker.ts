/**
 * The worker that owns the runtime, the GPU and the pipeline: the composition root where files, packs and the runtime
 * become what the pipeline asks for.
 */
import { expose } from 'comlink';
import type { OpenedImage, RefineWorkerApi } from '../src/bridge/protocol.ts';
import { findPromptContexts, type PromptContexts, readPromptContexts } from '../src/checkpoint/promptContexts.ts';
import { UserError } from '../src/errors.ts';
import { relativeRange } from '../src/image/heatmap.ts';
import { heatmapPng } from '../src/image/heatmapPng.ts';
import { readGenerationMetadata } from '../src/image/metadata/readGenerationMetadata.ts';
import { analyse } from '../src/pipeline/analyse.ts';
import { type OnnxClipEncoder, openClipEncoder } from '../src/runtime/clipEncoder.ts';
import { Runtime } from '../src/runtime/runtime.ts';
import { blobSource } from '../src/storage/blobSource.ts';
import { storedName } from '../src/storage/packManifest.ts';
import { type OpenPack, openPack } from '../src/storage/packStore.ts';
import { selfTestFile } from '../src/storage/selfTestFile.ts';
import { Jobs } from './jobs.ts';
import { OpenImages } from './openImages.ts';
import { loadPromptReader } from './promptParser.ts';

/** Longest side of the preview, in pixels: what the strip shows, and the stage where the page cannot draw the file. */
const PREVIEW_SIDE = 2048;

/** The pack in use and what has been loaded of it. */
interface PackInUse {
  readonly pack: OpenPack;
  readonly clip: OnnxClipEncoder;
  readonly contexts: PromptContexts | null;
}

const jobs = new Jobs();
const images = new OpenImages();
let runtime: Runtime | null = null;
let inUse: PackInUse | null = null;

function started(): Runtime {
  if (!runtime) throw new TypeError('start() must be called first');
  return runtime;
}

async function load(pack: OpenPack): Promise<PackInUse> {
  const files = new Map<string, File>();
  for (const path of pack.manifest.files) files.set(path, await pack.file(storedName(path)));
  const folder = new Map([...files].map(([name, file]) => [name, blobSource(name, file)]));
  const contextSources = findPromptContexts(folder);
  return {
    pack,
    contexts: contextSources && (await readPromptContexts(contextSources)),
    clip: await openClipEncoder(started(), {
      modelName: pack.manifest.summary.name,
      weights: pack.manifest.parts.clip ?? {},
      shard: (name) => pack.file(name),
      folder,
    }),
  };
}

const api = {
  async start(preferred) {
    runtime ??= await Runtime.start({ preferred, selfTests: selfTestFile });
    return runtime.status;
  },

  selectTier: (tier) => started().selectTier(tier),

  async watchDevice(onLost) {
    started().onDeviceLost(onLost);
  },

  async usePack(packId) {
    if (inUse?.pack.manifest.summary.id !== packId) {
      const loaded = await load(await openPack(packId));
      await inUse?.clip.dispose();
      inUse = loaded;
    }
    return inUse.pack.manifest.summary;
  },

  async openImage(file): Promise<OpenedImage> {
    const image = await images.open(file);
    const preview = image.preview(PREVIEW_SIDE);
    const { metadata, warning } = await readGenerationMetadata(file);
    return { width: image.width, height: image.height, preview, metadata, hints: warning ? [warning] : [] };
  },

  analyse: ({ jobId, file, prompt, settings }, onEvent) =>
    jobs.run(jobId, async (signal) => {
      if (!inUse) {
        throw new UserError('PackMissingError', 'No model is installed yet. Add a CLIP folder to see the maps.');
      }
      const { clip, contexts } = inUse;
      onEvent({ type: 'stage', stage: 'decode', done: 0, total: 1 });
      const image = await images.open(file);
      const readPrompt = await loadPromptReader();
      return analyse({ image, prompt, clip, contexts, readPrompt, settings, onEvent, signal });
    }),

  // Wired once the runtime implements the ports.
  setMemoryBudget: () => Promise.reject(new TypeError('not yet')),
  refine: () => Promise.reject(new TypeError('not yet')),
  saveImage: () => Promise.reject(new TypeError('not yet')),

  exportHeatmap: ({ jobId, map, scale, ...size }) =>
    jobs.run(jobId, (signal) =>
      heatmapPng(map, { ...size, range: scale === 'relative' ? relativeRange([map]) : [0, 1], signal }),
    ),

  cancel: async (jobId) => jobs.cancel(jobId),
} satisfies RefineWorkerApi;

expose(api);
