import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { MemorySink } from '../e2e/clip/memorySink.ts';
import {
  type OriginalEntry,
  type OriginalTensor,
  originalTensors,
  safetensorsFile,
  torchCheckpoint,
} from '../e2e/diffusion/originalFiles.ts';
import { type ByteSource, bytesSource, type HubFolder } from '../src/checkpoint/byteSource.ts';
import { isDiffusionFolder } from '../src/checkpoint/diffusionParts.ts';
import { openCheckpoint } from '../src/checkpoint/hubFolder.ts';
import type { Precision, WeightIndex } from '../src/graph/weights.ts';
import { loadDiffusionTokenizer } from '../src/runtime/diffusionTokenizer.ts';
import { planDiffusion } from './planDiffusion.ts';

const FIXTURES = fileURLToPath(new URL('../reference/fixtures/', import.meta.url));
const LAYOUTS: Record<string, OriginalEntry[]> = JSON.parse(
  gunzipSync(readFileSync(join(FIXTURES, 'original_layout.json.gz'))).toString(),
);
const PARTS = {
  'sd-inpainting-tiny': ['unet', 'vae', 'text_encoder'],
  'sdxl-inpainting-tiny': ['unet', 'vae', 'text_encoder', 'text_encoder_2'],
} as const;
type Pipeline = keyof typeof PARTS;
const WRITERS = { safetensors: safetensorsFile, ckpt: torchCheckpoint };

function published(fixture: string, { only = /./ }: { only?: RegExp } = {}): HubFolder {
  const files = new Map<string, ByteSource>();
  for (const path of readdirSync(join(FIXTURES, fixture), { recursive: true, encoding: 'utf8' })) {
    if (/\.\w+$/.test(path) && only.test(path))
      files.set(path, file(path, readFileSync(join(FIXTURES, fixture, path))));
  }
  return files;
}

const file = (path: string, bytes: Uint8Array) => bytesSource(path, bytes);
const folder = (...sources: readonly ByteSource[]): HubFolder =>
  new Map(sources.map((source) => [source.name, source]));

async function original(pipeline: Pipeline): Promise<OriginalTensor[]> {
  const whole = published(pipeline);
  const parts = PARTS[pipeline].map(async (part) => [part, await openCheckpoint(whole, { directory: part })] as const);
  return originalTensors(LAYOUTS[pipeline] as OriginalEntry[], Object.fromEntries(await Promise.all(parts)));
}

/** The words as an installed pack of maps has them. */
const installed = published('clip-tiny', { only: /^(vocab\.json|merges\.txt|tokenizer\.json)$/ });

async function compiled(model: HubFolder, precision: Precision) {
  const plan = await planDiffusion(model, precision, { tokenizer: installed });
  const sink = new MemorySink({ limit: 500_000 });
  const parts: Record<string, WeightIndex> = {};
  for (const part of plan.parts) parts[part.name] = await part.compile({ sink });
  return { parts, shards: sink.shards, plan };
}

describe.each(Object.keys(PARTS) as Pipeline[])('%s', (pipeline) => {
  test.each([
    ['safetensors', 'fp16'],
    ['safetensors', 'q4'],
    ['ckpt', 'fp32'],
    ['ckpt', 'q8'],
  ] as const)('a .%s in %s is compiled to the bytes of the published folder', async (format, precision) => {
    const single = folder(file(`models/tiny.${format}`, WRITERS[format](await original(pipeline))));
    expect(isDiffusionFolder(single)).toBe(true);
    const ours = await compiled(single, precision);
    const theirs = await compiled(published(pipeline), precision);
    expect(ours.plan.description).toBe(theirs.plan.description);
    expect(Object.keys(ours.parts)).toEqual(PARTS[pipeline]);
    expect(ours.parts).toEqual(theirs.parts);
    expect([...ours.shards.keys()]).toEqual([...theirs.shards.keys()]);
    for (const [name, bytes] of theirs.shards) {
      expect(Buffer.compare(ours.shards.get(name) as Uint8Array, bytes), name).toBe(0);
    }
  });

  test('its tokenizers give the tokens of the published ones, padding included', async () => {
    const single = folder(file('tiny.safetensors', safetensorsFile(await original(pipeline))));
    const { files } = await planDiffusion(single, 'fp16', { tokenizer: installed });
    for (const directory of PARTS[pipeline].length === 4 ? ['tokenizer/', 'tokenizer_2/'] : ['tokenizer/']) {
      const { tokenize: ourTokens, ...ours } = await loadDiffusionTokenizer(files, directory);
      const { tokenize: theirTokens, ...theirs } = await loadDiffusionTokenizer(published(pipeline), directory);
      expect(ours).toEqual(theirs);
      const text = 'a (red) fox, 2 boats';
      expect(ourTokens(text)).toEqual(theirTokens(text));
    }
  });
});
