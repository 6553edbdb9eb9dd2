import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bytesSource, type HubFolder } from './byteSource.ts';
import { openCheckpoint } from './hubFolder.ts';
import { findModelDirectory } from './modelDirectory.ts';
import { MAX_JSON_BYTES, readJson } from './readJson.ts';

const FIXTURES = new URL('../../reference/fixtures/checkpoints/', import.meta.url);
const EXPECTED = JSON.parse(readFileSync(new URL('expected.json', FIXTURES), 'utf8'));

type Contents = Record<string, string | Uint8Array>;

function folder(files: Contents): HubFolder {
  const encode = (content: string | Uint8Array) =>
    typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return new Map(Object.entries(files).map(([path, content]) => [path, bytesSource(path, encode(content))]));
}

/** A safetensors file of empty U8 tensors. */
function weights(...names: string[]): Uint8Array {
  const header = JSON.stringify(
    Object.fromEntries(names.map((name) => [name, { dtype: 'U8', shape: [0], data_offsets: [0, 0] }])),
  );
  const bytes = new Uint8Array(8 + header.length);
  new DataView(bytes.buffer).setUint32(0, header.length, true);
  bytes.set(new TextEncoder().encode(header), 8);
  return bytes;
}

/** The sharded fixture, under a path. */
function sharded(prefix = ''): Contents {
  const directory = new URL('sharded/', FIXTURES);
  return Object.fromEntries(
    readdirSync(directory).map((name) => [prefix + name, readFileSync(new URL(name, directory))]),
  );
}

const namesOf = async (...args: Parameters<typeof openCheckpoint>) => [
  ...(await openCheckpoint(...args)).tensors.keys(),
];

describe('openCheckpoint', () => {
  test('shards as huggingface_hub writes them', async () => {
    const { tensors } = await openCheckpoint(folder(sharded('downloads/my-model/')));
    const contents: Record<string, unknown> = {};
    for (const { name, dtype, shape, read } of tensors.values()) {
      contents[name] = { dtype, shape, hex: Buffer.from(await read()).toString('hex') };
    }
    expect(contents).toEqual(EXPECTED.sharded);
  });

  test('pytorch_model.bin where there is nothing better', async () => {
    const bin = readFileSync(new URL('protocol4.pth', FIXTURES));
    const { tensors } = await openCheckpoint(folder({ 'config.json': '{}', 'pytorch_model.bin': bin }));
    expect(tensors.get('layers.4.weight')?.shape).toEqual([8, 8]);
    expect(
      await namesOf(folder({ 'config.json': '{}', 'pytorch_model.bin': bin, 'model.safetensors': weights('a') })),
    ).toEqual(['a']);
  });

  test.each([
    ['model.safetensors', {}],
    ['model.fp16.safetensors', {}],
    ['diffusion_pytorch_model.safetensors', {}],
    ['diffusion_pytorch_model.fp16.safetensors', {}],
    ['other.safetensors', { stem: 'other' }],
  ])('%s', async (file, options) => {
    expect(await namesOf(folder({ 'config.json': '{}', [file]: weights('a', 'b') }), options)).toEqual(['a', 'b']);
  });

  test.each(['model.safetensors.index.fp16.json', 'model.fp16.safetensors.index.json'])(
    'an index named %s',
    async (index) => {
      const files = { 'config.json': '{}', [index]: '{"weight_map":{"a":"model.fp16-00001-of-00001.safetensors"}}' };
      expect(
        await namesOf(folder({ ...files, 'model.fp16-00001-of-00001.safetensors': weights('a', 'unlisted') })),
      ).toEqual(['a']);
    },
  );

  test('full precision wins over the variant', async () => {
    const files = {
      'config.json': '{}',
      'model.fp16.safetensors': weights('half'),
      'model.safetensors': weights('single'),
    };
    expect(await namesOf(folder(files))).toEqual(['single']);
  });

  test('a part of a pipeline', async () => {
    const files = folder({
      'sdxl/model_index.json': '{}',
      'sdxl/unet/config.json': '{}',
      'sdxl/unet/diffusion_pytorch_model.safetensors': weights('unet'),
      'sdxl/vae/config.json': '{}',
      'sdxl/vae/diffusion_pytorch_model.safetensors': weights('vae'),
    });
    expect(await namesOf(files, { directory: 'vae' })).toEqual(['vae']);
    expect(findModelDirectory(files)).toBe('sdxl/');
  });

  test.each<[string, HubFolder, RegExp]>([
    [
      'a missing shard by name',
      without(sharded(), 'model-00002-of-00003.safetensors'),
      /"model\.safetensors\.index\.json": 1 of the 3 files it names are missing: "model-00002-of-00003\.safetensors"/,
    ],
    [
      'a tensor its shard lacks',
      folder({ ...sharded(), 'model-00002-of-00003.safetensors': weights('layers.2.weight') }),
      /"model-00002-of-00003\.safetensors": tensor "layers\.3\.weight" is missing/,
    ],
    [
      'an index without a map',
      folder({ 'config.json': '{}', 'model.safetensors.index.json': '{}' }),
      /no "weight_map"/,
    ],
    [
      'an index of no files',
      folder({ 'config.json': '{}', 'model.safetensors.index.json': '{"weight_map":{}}' }),
      /names 0 files/,
    ],
    [
      'an index whose file is a number',
      folder({ 'config.json': '{}', 'model.safetensors.index.json': '{"weight_map":{"a":1}}' }),
      /tensor "a" has no file/,
    ],
    [
      'no weights',
      folder({ 'config.json': '{}' }),
      /has no weights; expected model\.safetensors or pytorch_model\.bin or diffusion_pytorch_model/,
    ],
    ['no configuration', folder({ 'model.safetensors': weights('a') }), /"config\.json": it is not in the folder/],
    [
      'two models side by side',
      folder({ 'a/config.json': '{}', 'b/config.json': '{}' }),
      /several models: "a\/", "b\/"/,
    ],
  ])('refuses %s', async (_, files, message) => {
    await expect(openCheckpoint(files)).rejects.toMatchObject({
      name: 'CheckpointError',
      message: expect.stringMatching(message),
    });
  });
});

function without(files: Contents, path: string): HubFolder {
  return folder(Object.fromEntries(Object.entries(files).filter(([name]) => name !== path)));
}

describe('readJson', () => {
  test('numbers that only Python has count as left out, texts of the same name stay', async () => {
    const text = '{"a": -Infinity, "b": [NaN, Infinity], "c": "NaN \\" Infinity", "Infinity": 1}';
    const json = await readJson(folder({ 'config.json': text }), 'config.json');
    expect(json).toEqual({ a: null, b: [null, null], c: 'NaN " Infinity', Infinity: 1 });
  });

  test('an object', async () => {
    expect(await readJson(folder({ 'a/config.json': '\uFEFF{"x": [1]}' }), 'a/config.json')).toEqual({ x: [1] });
  });

  test.each<[string, string | Uint8Array, string]>([
    ['broken', '{"a":', 'not JSON'],
    ['a list', '[]', 'not an object'],
    ['not UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'not JSON'],
    ['nested beyond any stack', '['.repeat(1_000_000), 'nested at most'],
    ['too long', new Uint8Array(MAX_JSON_BYTES + 1), 'expected at most'],
    ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1', 'git lfs pull'],
  ])('refuses what is %s', async (_, content, message) => {
    await expect(readJson(folder({ 'config.json': content }), 'config.json')).rejects.toMatchObject({
      name: 'CheckpointError',
      message: expect.stringContaining(message),
    });
  });

  test('names a missing file', async () => {
    await expect(readJson(folder({}), 'vae/config.json')).rejects.toMatchObject({
      message: expect.stringContaining('Cannot read "vae/config.json"'),
    });
  });
});
