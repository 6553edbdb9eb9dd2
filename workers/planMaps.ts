import type { ByteSource, HubFolder } from '../src/checkpoint/byteSource.ts';
import { openCheckpoint } from '../src/checkpoint/hubFolder.ts';
import { CALIBRATION_FILE, readMapsCalibration } from '../src/checkpoint/mapsCalibration.ts';
import { findModelDirectory } from '../src/checkpoint/modelDirectory.ts';
import { findPromptContexts, PROMPT_CONTEXT_FILES, readPromptContexts } from '../src/checkpoint/promptContexts.ts';
import type { ClipConfig } from '../src/graph/clipConfig.ts';
import { CLIP_IMAGE_SIZES } from '../src/graph/clipWeights.ts';
import { compileClip, planClip } from '../src/graph/compileClip.ts';
import type { Precision } from '../src/graph/weights.ts';
import { readClipFolder } from '../src/runtime/clipFolder.ts';
import { type PackPlan, publishedBytes, publishedPaths, within } from './packPlan.ts';

/** Published files that are kept beside the weights where the folder has them. */
const KEPT_FILES = [
  'config.json',
  'preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'vocab.json',
  'merges.txt',
  CALIBRATION_FILE,
];

/**
 * Reads a folder with a CLIP (transformers' CLIPModel) and, where they are there, the authors' learned contexts.
 * @throws {UserError} `CheckpointError`, `UnsupportedModelError`
 */
export async function planMaps(folder: HubFolder, precision: Precision): Promise<PackPlan> {
  const directory = findModelDirectory(folder);
  // All that an analysis will need is read now, so that a folder without its tokenizer fails before anything is compiled.
  const { config } = await readClipFolder(within(folder, directory));
  const checkpoint = await openCheckpoint(folder);
  const contextSources = findPromptContexts(folder);
  const contexts = contextSources && (await readPromptContexts(contextSources));
  await readMapsCalibration(within(folder, directory));

  const files = new Map<string, ByteSource>();
  const keep = (name: string, path: string) => {
    const source = folder.get(path);
    if (source) files.set(name, source);
  };
  for (const file of KEPT_FILES) keep(file, directory + file);
  for (const [factor, source] of Object.entries(contextSources ?? {})) {
    keep(PROMPT_CONTEXT_FILES[factor as keyof typeof PROMPT_CONTEXT_FILES], source.name);
  }
  return {
    kind: 'maps',
    description: shapeName(config),
    precision,
    imageSizes: CLIP_IMAGE_SIZES,
    hasLearnedContexts: contexts !== null && contexts.overall.width === config.text.width,
    parts: [
      {
        name: 'clip',
        byteLength: publishedBytes(checkpoint),
        sources: publishedPaths(checkpoint),
        planned: planClip(config, precision),
        compile: (options) => compileClip(checkpoint, config, { ...options, precision }),
      },
    ],
    files,
  };
}

/** The common name of a CLIP's shape, e.g. `ViT-B/16, 512-d`. */
function shapeName({ dim, vision }: ClipConfig): string {
  const size = { 768: 'B', 1024: 'L', 1280: 'H' }[vision.width];
  const shape = size ? `ViT-${size}/${vision.patchSize}` : `ViT ${vision.width}×${vision.blocks}/${vision.patchSize}`;
  return `${shape}, ${dim}-d`;
}
