import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { alignmentOf } from '../calibration/alignmentLearning.ts';
import { normalise } from '../math/vectors.ts';
import { DependencyParser } from '../prompt/parser/dependencyParser.ts';
import { promptReader } from '../prompt/promptReader.ts';
import { defaultAlignmentThresholds } from '../quality/alignmentScore.ts';
import { analyse } from './analyse.ts';
import { measureForRating } from './measureForRating.ts';
import type { ClipEncoder } from './ports.ts';

const dim = 16;
const readPrompt = promptReader(
  new DependencyParser(readFileSync(new URL('../../public/parser/english-ewt.bin', import.meta.url))),
);

/** The same numbers for the same text, every time. */
function feature(text: string): Float32Array {
  let state = [...text].reduce((sum, c) => Math.imul(sum, 31) + (c.codePointAt(0) ?? 0), 7) >>> 0;
  return normalise(
    Float32Array.from({ length: dim }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32 - 0.3;
    }),
  );
}

const rows = (texts: readonly string[]) => Float32Array.from(texts.flatMap((text) => Array.from(feature(text))));
const clip: ClipEncoder = {
  modelName: 'fake',
  imageSizes: [224],
  imageMean: [0.5, 0.5, 0.5],
  imageStd: [0.5, 0.5, 0.5],
  dim,
  textWidth: 2,
  logitScale: 100,
  encodeImage: async () => ({
    gridWidth: 2,
    gridHeight: 1,
    cls: feature('a dog in snow'),
    patchFeatures: rows(['dog', 'snow']),
  }),
  encodeText: async (texts) => rows(texts),
  encodePromptEmbeddings: async () => new Float32Array(0),
  tokenEmbedding: async () => new Float32Array(2),
};
const image = { width: 2, height: 2, data: new Uint8ClampedArray(16).fill(255) };
const options = { clip, imageSize: 224, readPrompt };

test('a standing gives the Q_A that an analysis finds, negated phrases among them', async () => {
  for (const prompt of ['a dog in snow', 'a red car without a driver, oil painting']) {
    const { cls, standing } = await measureForRating(image, { ...options, prompt });
    const { alignment } = await analyse({ image: { ...image }, prompt, clip, contexts: null, readPrompt });
    expect(cls).toEqual(feature('a dog in snow'));
    expect(standing && alignmentOf(standing, defaultAlignmentThresholds)).toBeCloseTo(alignment?.score ?? -1, 6);
  }
});

test('without a prompt that can be looked for there is only the image', async () => {
  for (const prompt of [null, '', '8k']) {
    expect((await measureForRating(image, { ...options, prompt })).standing).toBeNull();
  }
  expect((await measureForRating(image, { ...options, readPrompt: null, prompt: 'a dog' })).standing).toBeNull();
  await expect(measureForRating(image, { ...options, prompt: null, signal: { aborted: true } })).rejects.toMatchObject({
    name: 'AbortError',
  });
});
