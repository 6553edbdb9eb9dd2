import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseClipConfig } from '../../src/graph/clipConfig.ts';
import { clipRecipes } from '../../src/graph/clipWeights.ts';
import { consumedTensors } from '../../src/graph/weightRecipe.ts';
import { fileOfBytes, filesOfFolder, type HubFiles } from '../hub/hubFiles.ts';
import { syntheticFile } from '../hub/syntheticFile.ts';

const TINY_CLIP = fileURLToPath(new URL('../../reference/fixtures/clip-tiny', import.meta.url));

/** Sides that make 14 MB of the tiny one's 2 MB: there is time to be interrupted in. */
const VISION = { hidden_size: 256, intermediate_size: 1024 };

/** The repository of a CLIP like the tiny one, but wider, of made-up weights. */
export function syntheticClip(): HubFiles {
  const tiny = JSON.parse(readFileSync(join(TINY_CLIP, 'config.json'), 'utf8'));
  const config = { ...tiny, vision_config: { ...tiny.vision_config, ...VISION } };
  const text = new TextEncoder().encode(JSON.stringify(config));
  const { 'model.safetensors': _, ...others } = filesOfFolder(TINY_CLIP);
  return {
    ...others,
    'config.json': fileOfBytes(text, { isLarge: false }),
    'model.safetensors': syntheticFile(consumedTensors(clipRecipes(parseClipConfig(config))), { dtype: 'F16' }),
  };
}
