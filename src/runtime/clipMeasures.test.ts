import { readdirSync, readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web';
import { describe, expect, test } from 'vitest';
import { syntheticPixels } from '../../e2e/clip/clipComparison.ts';
import { MemorySink } from '../../e2e/clip/memorySink.ts';
import { wasmSession } from '../../e2e/clip/wasmSession.ts';
import { type ByteSource, bytesSource } from '../checkpoint/byteSource.ts';
import { tensorAsFloat32 } from '../checkpoint/dtypes.ts';
import { openCheckpoint } from '../checkpoint/hubFolder.ts';
import { readJson } from '../checkpoint/readJson.ts';
import { openSafetensors } from '../checkpoint/safetensors.ts';
import { parseClipConfig } from '../graph/clipConfig.ts';
import { CLASS_EMBEDDING } from '../graph/clipWeights.ts';
import { compileClip } from '../graph/compileClip.ts';
import { softmax } from '../math/softmax.ts';
import { dot } from '../math/vectors.ts';
import { openClipEncoder, type SessionSource } from './clipEncoder.ts';
import { Residency } from './residency.ts';

ort.env.wasm.numThreads = 1;

const FIXTURES = new URL('../../reference/fixtures/', import.meta.url);

/** Sessions in onnxruntime's WebAssembly, as the runtime would make them. */
const runtime: SessionSource = {
  status: { tier: 'wasm' } as SessionSource['status'],
  residency: new Residency(2 ** 30),
  createSession: async (model, external = []) => {
    const shards = new Map<string, Uint8Array>();
    for (const { path, data } of external) shards.set(path, new Uint8Array(await (data as Blob).arrayBuffer()));
    return { ...(await wasmSession(model, shards)), isUsable: true } as Awaited<
      ReturnType<SessionSource['createSession']>
    >;
  },
};

/** A tiny checkpoint as an installed pack would open; `without` names weights that an older pack lacks. */
async function openTiny(name: string, { without = [] }: { without?: readonly string[] } = {}) {
  const folder = new Map<string, ByteSource>(
    readdirSync(new URL(`${name}/`, FIXTURES)).map((file) => [
      file,
      bytesSource(file, readFileSync(new URL(`${name}/${file}`, FIXTURES))),
    ]),
  );
  const config = parseClipConfig(await readJson(folder, 'config.json'));
  const sink = new MemorySink();
  const index = await compileClip(await openCheckpoint(folder), config, { precision: 'fp32', sink });
  const weights = Object.fromEntries(Object.entries(index).filter(([weight]) => !without.includes(weight)));
  const shard = async (shardName: string) => new Blob([(sink.shards.get(shardName) as Uint8Array).slice()]);
  return { clip: await openClipEncoder(runtime, { modelName: name, weights, shard, folder }), config };
}

describe.each(['clip-tiny', 'clip-tiny-gelu'])('%s, from pixels and words', (name) => {
  test('CLIP-IQA and CLIPScore are those of transformers', { timeout: 300_000 }, async () => {
    const { clip, config } = await openTiny(name);
    const file = `golden/${name}.unpositioned.safetensors`;
    const { tensors } = await openSafetensors(bytesSource(file, readFileSync(new URL(file, FIXTURES))));
    const golden = async (key: string) =>
      (await tensorAsFloat32(tensors.get(key) as NonNullable<ReturnType<typeof tensors.get>>))[0];

    const words = await clip.encodeText(['Good photo.', 'Bad photo.', 'a photo of a red cat']);
    const { dim, logitScale } = clip;
    const cosine = (feature: Float32Array, row: number) => dot(feature, words, { rowB: row * dim, dim });
    const side = config.vision.patchSize;
    const [width, height] = [14 * side, 10 * side];
    const whole = syntheticPixels(0, 224);
    const pixels = Float32Array.from({ length: 3 * width * height }, (_, i) => {
      const [c, y, x] = [Math.floor(i / (width * height)), Math.floor(i / width) % height, i % width];
      return whole[(c * 224 + y) * 224 + x] as number;
    });
    const feature = await clip.unpositioned?.encode(pixels, { width, height });
    const [good] = softmax([0, 1].map((row) => logitScale * cosine(feature as Float32Array, row)));
    expect(good).toBeCloseTo((await golden('14x10.224.clip_iqa')) as number, 3);

    const { cls } = await clip.encodeImage(whole, 224);
    expect(2.5 * Math.max(cosine(cls, 2), 0)).toBeCloseTo((await golden('image0.224.clip_score')) as number, 4);
    await expect(clip.unpositioned?.encode(pixels, { width: width - 1, height })).rejects.toThrow('whole patches');
    await clip.dispose();
  });
});

test('a pack from before CLIP-IQA was measured opens without it', async () => {
  const { clip } = await openTiny('clip-tiny', { without: [CLASS_EMBEDDING] });
  expect(clip.unpositioned).toBeNull();
});
