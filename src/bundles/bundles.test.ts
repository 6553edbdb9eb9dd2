import { readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { planDiffusion } from '../../workers/planDiffusion.ts';
import { planMaps } from '../../workers/planMaps.ts';
import { type ByteSource, bytesSource, type HubFolder } from '../checkpoint/byteSource.ts';
import { isDiffusionFolder } from '../checkpoint/diffusionParts.ts';
import type { BundleModel } from './bundle.ts';
import { BUNDLES, downloadBytes } from './bundles.ts';
import { readBundle } from './readBundle.ts';

const FIXTURES = fileURLToPath(new URL('../../reference/fixtures/', import.meta.url));

/** Tiny models of the same layout. */
const TINY: Readonly<Record<string, string>> = {
  'CLIP ViT-B/16': 'clip-tiny',
  'CLIP ViT-L/14': 'clip-tiny',
  'Stable Diffusion 1.5 Inpainting': 'sd-inpainting-tiny',
  'SDXL Inpainting 0.1': 'sdxl-inpainting-tiny',
  PASD: 'pasd-tiny',
};

const isWeights = (path: string) => /\.(safetensors|bin)$/.test(path);

/** The files a manifest names, with the bytes of a tiny model's. */
function tinyFolder({ name, files }: BundleModel): HubFolder {
  const fixture = join(FIXTURES, TINY[name] as string);
  const folder = new Map<string, ByteSource>();
  for (const { path } of files) {
    const directory = join(fixture, dirname(path));
    const own = readdirSync(directory).find((file) =>
      isWeights(path) ? isWeights(file) : join(dirname(path), file) === path,
    );
    if (own === undefined) throw new Error(`${fixture} has nothing like ${path}`);
    // The tiny CLIP is published in another format than the one it stands for.
    const as = extname(own) === extname(path) ? path : own;
    folder.set(as, bytesSource(as, new Uint8Array(readFileSync(join(directory, own)))));
  }
  return folder;
}

const plan = (folder: HubFolder, { precision }: BundleModel) =>
  isDiffusionFolder(folder) ? planDiffusion(folder, precision) : planMaps(folder, precision);

const MODELS = BUNDLES.flatMap((bundle) => bundle.models.map((model) => [bundle.name, model.name, model] as const));

describe.each(MODELS)('%s: %s', (_bundle, _name, model) => {
  it('has the files its plan wants, and no others', async () => {
    const folder = tinyFolder(model);
    const planned = await plan(folder, model);
    expect(planned.kind).toBe(model.kind);
    expect(planned.hasLearnedContexts).toBe(model.files.some(({ path }) => path.startsWith('PQ-')));
    const kept = [...planned.files.keys()].sort();
    expect(kept).toEqual([...folder.keys()].filter((path) => !isWeights(path)).sort());
  });

  it('needs each of its weights', async () => {
    const folder = tinyFolder(model);
    for (const path of [...folder.keys()].filter(isWeights)) {
      const rest = new Map([...folder].filter(([other]) => other !== path));
      await expect(plan(rest, model), path).rejects.toMatchObject({ name: 'CheckpointError' });
    }
  });

  it('is pinned: every file at a commit', () => {
    expect(model.files.filter(({ revision }) => !/^[0-9a-f]{40}$/.test(revision))).toEqual([]);
  });
});

it('has bundles of different names', () => {
  expect(new Set(BUNDLES.map(({ id }) => id)).size).toBe(BUNDLES.length);
  expect(BUNDLES.map(({ name }) => name)).toEqual([
    'Maps',
    'Maps, large',
    'Stable Diffusion 1.5',
    'SDXL',
    'SDXL, 4-bit',
  ]);
});

it('tells what will be fetched, or that it is not known', () => {
  const download = (bundle: string) => BUNDLES.find(({ id }) => id === bundle)?.models.map(downloadBytes);
  expect(download('maps-large')).toEqual([1_710_540_580]);
  expect(download('sdxl')).toEqual([5_135_178_560 + 246_144_867 + 1_389_382_884 + 334_643_238, null]);
});

describe('readBundle', () => {
  const file = { path: 'a/b.json' };
  const from = { host: 'hub', repository: 'who/what', revision: 'main', folder: 'deep', files: [file] };
  const model = {
    kind: 'maps',
    name: 'M',
    homepage: 'https://example.org',
    licence: { name: 'MIT', url: 'https://example.org' },
    furtherLicences: [],
    precision: 'q4',
    diskBytes: null,
    from: [from],
  };
  const bundle = { id: 'x', name: 'X', purpose: 'To test.', vramBytes: 1, models: [model] };
  const withFile = (changes: object) => ({
    ...bundle,
    models: [{ ...model, from: [{ ...from, files: [{ ...file, ...changes }] }] }],
  });

  it('leaves open what is not known', () => {
    expect(readBundle(bundle).models[0]?.files).toEqual([
      {
        path: 'a/b.json',
        host: 'hub',
        repository: 'who/what',
        revision: 'main',
        file: 'deep/a/b.json',
        bytes: null,
        sha256: null,
      },
    ]);
    const known = { file: 'c', bytes: 7, sha256: 'a'.repeat(64), optional: true };
    expect(readBundle(withFile(known)).models[0]?.files[0]).toMatchObject({ ...known, file: 'deep/c' });
  });

  it.each([
    [null, 'bundle is no object'],
    [{ ...bundle, models: {} }, 'bundle.models is no list'],
    [{ ...bundle, vramBytes: 0.5 }, 'bundle.vramBytes is 0.5, expected a positive integer'],
    [withFile({ path: '../up' }), 'bundle.models[0].from[0].files[0].path is "../up", expected'],
    [withFile({ path: '/top' }), 'bundle.models[0].from[0].files[0].path is "/top", expected'],
    [withFile({ sha256: 'abc' }), 'bundle.models[0].from[0].files[0].sha256 is "abc", expected'],
    [{ ...bundle, models: [{ ...model, from: [from, from] }] }, 'bundle.models[0].from has two files of one path'],
    [
      { ...bundle, models: [{ ...model, precision: 'int8' }] },
      'precision is "int8", expected one of fp32, fp16, q8, q4',
    ],
    [{ ...bundle, models: [{ ...model, homepage: 'http://x' }] }, 'bundle.models[0].homepage is "http://x", expected'],
  ])('names what is wrong: %#', (json, message) => {
    expect(() => readBundle(json)).toThrow(message);
  });
});
