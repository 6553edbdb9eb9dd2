import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compare, type Session } from '../../e2e/clip/clipComparison.ts';
import { MemorySink } from '../../e2e/clip/memorySink.ts';
import { wasmSession } from '../../e2e/clip/wasmSession.ts';
import { bytesSource } from '../checkpoint/byteSource.ts';
import { tensorAsFloat32 } from '../checkpoint/dtypes.ts';
import { openSafetensors } from '../checkpoint/safetensors.ts';
import { endPosition } from '../graph/clipText.ts';
import { compileWeights } from '../graph/compileWeights.ts';
import { buildTextEncoder } from '../graph/textEncoder.ts';
import { parseTextEncoderConfig } from '../graph/textEncoderConfig.ts';
import { textEncoderRecipes } from '../graph/textEncoderWeights.ts';
import { type ChunkTokens, emptyChunk, type PromptChunk, promptChunks } from '../prompt/promptChunks.ts';
import { parseWeightedPrompt } from '../prompt/promptWeights.ts';
import { weightHiddenStates } from '../prompt/weightHiddenStates.ts';
import { loadDiffusionTokenizer } from './diffusionTokenizer.ts';

ort.env.wasm.numThreads = 1;

const read = (path: string) => readFileSync(new URL(`../../reference/fixtures/${path}`, import.meta.url));
const source = (path: string) => bytesSource(path, read(path));
const MODEL = 'sd-inpainting-tiny';
const { prompts }: { prompts: string[] } = JSON.parse(read('golden/weighted-prompts.json').toString());

describe('prompts as typed, through parser, tokenizer, text encoder and weights, against transformers', () => {
  const config = parseTextEncoderConfig(JSON.parse(read(`${MODEL}/text_encoder/config.json`).toString()));
  const { width, endToken } = config.text;
  let tokens: ChunkTokens;
  let session: Session;

  beforeAll(async () => {
    const files = ['vocab.json', 'merges.txt', 'tokenizer_config.json'].map((name) => `tokenizer/${name}`);
    tokens = await loadDiffusionTokenizer(
      new Map(files.map((file) => [file, source(`${MODEL}/${file}`)])),
      'tokenizer/',
    );
    const sink = new MemorySink();
    const checkpoint = await openSafetensors(source(`${MODEL}/text_encoder/model.safetensors`));
    const weights = await compileWeights(
      { checkpoint, recipes: textEncoderRecipes(config) },
      { precision: 'fp32', sink },
    );
    session = await wasmSession(buildTextEncoder(config, weights, { batch: 1, hidden: 'last' }), sink.shards);
  });
  afterAll(() => session.dispose());

  async function encode({ ids }: PromptChunk): Promise<Float32Array> {
    const ends = Int32Array.of(endPosition(ids, endToken));
    const feeds = { ids: { dims: [1, ids.length], data: ids }, end_rows: { dims: [1], data: ends } };
    return (await session.run(feeds)).hidden?.data as Float32Array;
  }

  it.each(prompts.map((prompt, i) => [i, prompt] as const))('%i: %s', async (i, prompt) => {
    const chunks = promptChunks(parseWeightedPrompt(prompt), tokens);
    const hidden: number[] = [];
    for (const chunk of chunks) hidden.push(...(await encode(chunk)));
    const plain = Float32Array.from(hidden);
    const weights = Float32Array.from(chunks.flatMap((chunk) => [...chunk.weights]));
    const weighted = weightHiddenStates(plain, { empty: await encode(emptyChunk(tokens)), weights, width });

    const { tensors } = await openSafetensors(source('golden/text-encoders.safetensors'));
    const tensor = tensors.get(`weighted.${i}`);
    if (!tensor) throw new RangeError(`There is no golden ${i}`);
    const golden = await tensorAsFloat32(tensor);
    expect(compare(prompt, weighted, { golden, dim: width }).relativeError).toBeLessThan(1e-4);
    // Weights are seen, and where there are none nothing changes.
    const change = compare(prompt, plain, { golden, dim: width }).relativeError;
    if (weights.every((weight) => weight === 1)) expect(weighted).toEqual(plain);
    else expect(change).toBeGreaterThan(1e-2);
  });
});
