import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MemorySink } from '../e2e/clip/memorySink.ts';
import { type ByteSource, bytesSource, type HubFolder } from '../src/checkpoint/byteSource.ts';
import { readJson } from '../src/checkpoint/readJson.ts';
import { parseControlNetConfig } from '../src/graph/controlNetConfig.ts';
import { buildPasd } from '../src/graph/pasdUnet.ts';
import { parsePasdUnetConfig } from '../src/graph/pasdUnetConfig.ts';
import { buildUnet } from '../src/graph/unet.ts';
import { parseUnetConfig } from '../src/graph/unetConfig.ts';
import type { WeightIndex } from '../src/graph/weights.ts';
import type { PackPlan } from './packPlan.ts';
import { planDiffusion } from './planDiffusion.ts';
import { planMaps } from './planMaps.ts';

/**
 * Whether the app compiles what training/blocks writes: `BLOCKS_MODELS=<folder> npx vitest run workers/planBlocks`, the folder
 * being one that `python training/blocks/models.py <folder>` or the training scripts made. Skipped without.
 */
const MODELS = process.env.BLOCKS_MODELS ?? '';
const SIZES = { provider: 'wasm', width: 32, height: 32, batch: 1, tokens: 77 } as const;

/** Files of some of the folder's directories as if dropped together. */
function dropped(...directories: string[]): HubFolder {
  const sources = new Map<string, ByteSource>();
  for (const directory of directories) {
    for (const path of readdirSync(join(MODELS, directory), { recursive: true, encoding: 'utf8' })) {
      if (!/\.\w+$/.test(path)) continue;
      const name = `${directory}/${path}`;
      sources.set(name, bytesSource(name, readFileSync(join(MODELS, name))));
    }
  }
  return sources;
}

async function compiled({ parts }: PackPlan): Promise<Record<string, WeightIndex>> {
  const indices: Record<string, WeightIndex> = {};
  for (const { name, compile } of parts) indices[name] = await compile({ sink: new MemorySink() });
  return indices;
}

describe.skipIf(!existsSync(join(MODELS || '/nowhere', 'clip/config.json')))('the models of Blocks', () => {
  test('the CLIP compiles', async () => {
    const plan = await planMaps(dropped('clip'), 'fp16');
    expect(plan.description).toBe('ViT 192×6/16, 128-d');
    const { clip } = await compiled(plan);
    expect(clip?.['vision.positions.448']?.dims).toEqual([28 * 28, 192]);
  });

  test('the inpainting model compiles', async () => {
    const folder = dropped('inpainting');
    const { unet, vae, text_encoder } = await compiled(await planDiffusion(folder, 'fp16'));
    expect([vae, text_encoder].every((part) => Object.keys(part ?? {}).length > 40)).toBe(true);
    const config = parseUnetConfig(await readJson(folder, 'inpainting/unet/config.json'));
    expect(buildUnet(config, unet ?? {}, SIZES).length).toBeGreaterThan(1000);
  });

  test('PASD compiles, with what it shares beside it', async () => {
    const folder = dropped('restoration', 'inpainting');
    const { unet, controlnet } = await compiled(await planDiffusion(folder, 'fp16'));
    const models = {
      unet: {
        config: parsePasdUnetConfig(await readJson(folder, 'restoration/unet/config.json')),
        weights: unet ?? {},
      },
      controlNet: {
        config: parseControlNetConfig(await readJson(folder, 'restoration/controlnet/config.json')),
        weights: controlnet ?? {},
      },
    };
    expect(buildPasd(models, SIZES).length).toBeGreaterThan(1000);
  });
});
