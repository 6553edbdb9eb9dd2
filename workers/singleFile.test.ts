import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { MemorySink } from '../e2e/clip/memorySink.ts';
import {
  type OriginalEntry,
  type OriginalTensor,
  originalTensors,
  safetensorsFile,
  torchCheckpoint,
} from '../e2e/diffusion/originalFiles.ts';
import { droppedFolder, emptyBrowser } from '../e2e/packs/packHarness.ts';
import { type ByteSource, bytesSource, type HubFolder } from '../src/checkpoint/byteSource.ts';
import { isDiffusionFolder } from '../src/checkpoint/diffusionParts.ts';
import { openCheckpoint } from '../src/checkpoint/hubFolder.ts';
import { readJson } from '../src/checkpoint/readJson.ts';
import type { Precision, WeightIndex } from '../src/graph/weights.ts';
import { readDiffusionFolder } from '../src/runtime/diffusionFolder.ts';
import { loadDiffusionTokenizer } from '../src/runtime/diffusionTokenizer.ts';
import { keptFiles, openPack } from '../src/storage/packStore.ts';
import { type InstallOptions, installPack } from './installPack.ts';
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

describe('installed', () => {
  afterEach(() => void vi.unstubAllGlobals());
  const options: InstallOptions = { signal: new AbortController().signal, onProgress: () => {} };

  test.each(Object.keys(PARTS) as Pipeline[])(
    '%s becomes a pack that can be used, with the words of Maps',
    async (pipeline) => {
      emptyBrowser();
      const bytes = safetensorsFile(await original(pipeline));
      const dropped = new File([bytes], 'inpainting.safetensors', { lastModified: 1_700_000_000_000 });
      const single = {
        name: 'inpainting',
        precision: 'fp16',
        licence: null,
        source: { from: 'files', files: [{ path: 'inpainting.safetensors', file: dropped }] },
      } as const;
      await expect(installPack(single, options)).rejects.toMatchObject({
        name: 'CheckpointError',
        message: expect.stringContaining('install Maps first'),
      });
      await installPack({ ...single, name: 'clip', source: droppedFolder('clip-tiny') }, options);
      const summary = await installPack(single, options);
      expect(summary).toMatchObject({ kind: 'inpainting', name: 'inpainting' });

      const pack = await openPack(summary.id);
      const kept = await keptFiles(pack);
      const parts = Object.entries(pack.manifest.parts).map(
        async ([part, weights]) => [part, { weights, config: await readJson(kept, `${part}/config.json`) }] as const,
      );
      const opened = await readDiffusionFolder({
        modelName: 'inpainting',
        task: 'inpainting',
        parts: Object.fromEntries(await Promise.all(parts)),
        shard: (name) => pack.file(name),
        folder: kept,
      });
      const [ours, theirs] = await Promise.all(
        [kept, published(pipeline)].map((files) => loadDiffusionTokenizer(files, 'tokenizer/')),
      );
      expect(ours?.tokenize('a fox')).toEqual(theirs?.tokenize('a fox'));
      expect(opened.textEncoders).toHaveLength(PARTS[pipeline].length - 2);
      expect(opened.nativeSize).toBe(PARTS[pipeline].length === 4 ? 1024 : 512);
      expect(opened.emptyIsZero).toBe(PARTS[pipeline].length === 4);
    },
  );
});

describe('beside a single file', () => {
  const sd = async (without = /^$/) => {
    const tensors = (await original('sd-inpainting-tiny')).filter(({ name }) => !without.test(name));
    return file('sd/model-inpainting.safetensors', safetensorsFile(tensors));
  };
  const under = (at: string, files: HubFolder): [string, ByteSource][] =>
    [...files].map(([path, source]) => [at + path, { ...source, name: at + path }]);

  test('a folder of the part it lacks completes it', async () => {
    const pruned = await sd(/^first_stage_model/);
    await expect(planDiffusion(folder(pruned), 'fp16', { tokenizer: installed })).rejects.toMatchObject({
      name: 'CheckpointError',
      message: expect.stringMatching(/"sd\/model-inpainting\.safetensors": it has no VAE .*the folder "vae"/),
    });
    const vae = published('sd-inpainting-tiny', { only: /^vae\// });
    const whole = new Map([...folder(pruned), ...under('sd/', vae)]);
    const ours = await compiled(whole, 'fp16');
    expect(ours.parts).toEqual((await compiled(published('sd-inpainting-tiny'), 'fp16')).parts);
    expect(ours.plan.files.get('vae/config.json')).toBe(whole.get('sd/vae/config.json'));
  });

  test('its tokenizer may lie there; without any, Maps have to be installed first', async () => {
    const single = await sd();
    await expect(planDiffusion(folder(single), 'fp16')).rejects.toMatchObject({
      name: 'CheckpointError',
      message: expect.stringMatching(/"sd\/model-inpainting\.safetensors": .*install Maps first/),
    });
    const words = published('clip-tiny', { only: /^(vocab\.json|merges\.txt)$/ });
    const { files } = await planDiffusion(new Map([...folder(single), ...under('sd/', words)]), 'fp16');
    expect([...files.keys()].filter((path) => path.startsWith('tokenizer'))).toEqual([
      'tokenizer/vocab.json',
      'tokenizer/merges.txt',
      'tokenizer/tokenizer_config.json',
    ]);
    const other = new Map([
      ['vocab.json', file('vocab.json', new TextEncoder().encode('{"a": 0}'))],
      ['merges.txt', file('merges.txt', new Uint8Array(0))],
    ]);
    await expect(planDiffusion(folder(single), 'fp16', { tokenizer: other })).rejects.toMatchObject({
      name: 'CheckpointError',
      message: expect.stringContaining('has 1 words, expected 924'),
    });
  });

  test('PASD takes what it shares with Stable Diffusion from the file', async () => {
    const pasd = published('pasd-tiny', { only: /^(unet|controlnet|scheduler)\// });
    const plan = await planDiffusion(new Map([...pasd, ...folder(await sd())]), 'fp16', { tokenizer: installed });
    expect(plan.kind).toBe('restoration');
    expect(plan.parts.map(({ name }) => name)).toEqual(['unet', 'controlnet', 'vae', 'text_encoder']);
    expect(plan.files.get('scheduler/scheduler_config.json')).toBe(pasd.get('scheduler/scheduler_config.json'));
  });

  test('another checkpoint: one of them has to be chosen', async () => {
    const both = new Map([...folder(await sd()), ...folder(file('sd/b.ckpt', new Uint8Array(9)))]);
    await expect(planDiffusion(both, 'fp16', { tokenizer: installed })).rejects.toThrow(
      'Cannot read "sd/": it holds 2 checkpoints: "sd/model-inpainting.safetensors", "sd/b.ckpt"; add one of them',
    );
  });

  test('an ordinary checkpoint, which cannot inpaint, is refused like a folder that cannot', async () => {
    const tensors = (await original('sd-inpainting-tiny')).map((tensor) =>
      tensor.name === 'model.diffusion_model.input_blocks.0.0.weight'
        ? { ...tensor, shape: [16, 4, 3, 3], bytes: tensor.bytes.subarray(0, 2 * 16 * 4 * 9) }
        : tensor,
    );
    const ordinary = folder(file('v1-5-pruned-emaonly.safetensors', safetensorsFile(tensors)));
    await expect(planDiffusion(ordinary, 'fp16', { tokenizer: installed })).rejects.toMatchObject({
      name: 'UnsupportedModelError',
      message: expect.stringContaining('reads 4 channels, expected 9'),
    });
  });

  test('a CLIP with its learned contexts is no diffusion model, and a pipeline with a copy in one file is its folders', async () => {
    expect(isDiffusionFolder(published('clip-tiny'))).toBe(false);
    expect(isDiffusionFolder(folder(file('PQ-overall.pth', new Uint8Array(9))))).toBe(false);
    const copy = file('sd-v1-5-inpainting.ckpt', new Uint8Array(9));
    const plan = await planDiffusion(new Map([...published('sd-inpainting-tiny'), ...folder(copy)]), 'fp16');
    expect(plan.parts).toHaveLength(3);
  });
});
