import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ClipEncoder, ClipImageFeatures } from '../pipeline/ports.ts';
import {
  encodeLearnedPrompts,
  type LearnedContext,
  type LearnedContexts,
  learnedContextsFit,
  learnedPromptEmbeddings,
} from './learnedPrompts.ts';
import { perceptualBounds, perceptualMap, type QualityWordFeatures } from './perceptualMap.ts';
import { encodeZeroShotPrompts, zeroShotPairs, zeroShotTemplates, zeroShotTexts } from './zeroShotPrompts.ts';

/** Features in a plane: good is along x, bad along y, so a feature's logit difference is κ (x - y). */
const pair = Float32Array.of(1, 0, 0, 1);
/** The same words turned round: what is good is bad. */
const turned = Float32Array.of(0, 1, 1, 0);
const words = (over: Partial<QualityWordFeatures> = {}): QualityWordFeatures => ({
  overall: pair,
  technical: pair,
  rationality: pair,
  naturalness: pair,
  ...over,
});
const features: ClipImageFeatures = {
  gridWidth: 3,
  gridHeight: 1,
  cls: Float32Array.of(0.6, 0.8),
  patchFeatures: Float32Array.of(1, 0, 0, 1, 0.8, 0.6),
};
/** κ for which a difference of 0.2 gives odds of 3 : 1. */
const logitScale = Math.log(3) / 0.2;

describe('perceptualMap', () => {
  test('factors are the softmax over the pair on CLS', () => {
    const { factors } = perceptualMap(features, words({ naturalness: turned }), { mode: 'learned', logitScale });
    expect(factors.overall).toBeCloseTo(0.25, 6);
    expect(factors.naturalness).toBeCloseTo(0.75, 6);
  });

  test('the score is the overall factor times each factor over its bound, at most 1', () => {
    const { score } = perceptualMap(features, words({ naturalness: turned }), { mode: 'zeroShot', logitScale });
    // 0.25 overall; technical 0.25 / 0.935, rationality 0.25 / 0.535; naturalness 0.75 is above 0.661 and adds nothing.
    expect(score).toBeCloseTo(0.25 * (0.25 / 0.935) * (0.25 / 0.535), 6);
  });

  test('the map combines the factors patch by patch in the same way', () => {
    const { map, factorMaps } = perceptualMap(features, words({ overall: turned }), { mode: 'learned', logitScale });
    // The third patch differs by 0.2: 0.75 for a pair, 0.25 for the turned one.
    expect(factorMaps.technical.values[2]).toBeCloseTo(0.75, 6);
    expect(factorMaps.overall.values[2]).toBeCloseTo(0.25, 6);
    expect(map.values[2]).toBeCloseTo(0.25 * (0.75 / 0.935), 6);
    expect(map).toMatchObject({ gridWidth: 3, gridHeight: 1 });
  });

  test('a uniformly perfect image has no bad place: absolute values, not min-max', () => {
    const perfect = { ...features, patchFeatures: Float32Array.of(1, 0, 1, 0, 1, 0) };
    const { map } = perceptualMap(perfect, words(), { mode: 'learned', logitScale: 100 });
    expect(Math.min(...map.values)).toBeGreaterThan(0.999);
  });

  test('`released` draws min-max of the overall good logit and divides all factors by the first bound', () => {
    const result = perceptualMap(features, words({ naturalness: turned }), { mode: 'released', logitScale });
    expect(Array.from(result.map.values)).toEqual([1, 0, expect.closeTo(0.8, 6)]);
    expect(result.score).toBeCloseTo(0.25 * (0.25 / 0.935) * (0.25 / 0.935) * (0.75 / 0.935), 6);
  });

  test('bounds are the means of AGIN times the importance', () => {
    expect(perceptualBounds.rationality).toBeCloseTo(0.892 * 0.6, 3);
    expect(perceptualBounds.naturalness).toBeCloseTo(0.826 * 0.8, 3);
  });
});

/** A context whose every value tells where it came from: pair · 1000 + part + row. */
function context(vectors = 16, rest = 60): LearnedContext {
  const rows = (count: number, part: number) =>
    Float32Array.from({ length: 2 * count }, (_, i) => Math.floor(i / count) * 1000 + part + (i % count));
  return {
    ctx: rows(vectors, 100),
    tokenPrefix: rows(1, 1),
    tokenSuffix: rows(rest, 200),
    width: 1,
    contextLength: 1 + vectors + rest,
  };
}

function contexts(one: LearnedContext): LearnedContexts {
  return { overall: one, technical: one, rationality: one, naturalness: one };
}

/** A text encoder whose feature of a text is a unit vector made from its characters. */
function fakeClip(over: Partial<ClipEncoder> = {}): ClipEncoder {
  return {
    modelName: 'fake',
    imageSizes: [224],
    imageMean: [0, 0, 0],
    imageStd: [1, 1, 1],
    dim: 2,
    textWidth: 1,
    logitScale: 100,
    encodeImage: () => Promise.reject(new Error('not used')),
    encodeText: async (texts) => {
      const rows = texts.map((text) => [...text].reduce((sum, c) => sum + (c.codePointAt(0) ?? 0), 0) % 7);
      return Float32Array.from(rows.flatMap((angle) => [Math.cos(angle), Math.sin(angle)]));
    },
    encodePromptEmbeddings: async () => pair,
    tokenEmbedding: async () => Float32Array.of(1),
    ...over,
  };
}

describe('learnedPromptEmbeddings', () => {
  test('places start, half the vectors, the name, the other half, end of text and padding', () => {
    const { embeddings, eotIndex } = learnedPromptEmbeddings(context());
    const range = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i);
    const good = [1, ...range(100, 108), ...range(200, 203), ...range(108, 116), ...range(203, 260)];
    expect(Array.from(embeddings.subarray(0, 77))).toEqual(good);
    expect(Array.from(embeddings.subarray(77))).toEqual(good.map((value) => value + 1000));
    expect(eotIndex).toBe(20);
    // The end of text is the suffix's first row after the name.
    expect(embeddings[eotIndex]).toBe(203);
  });

  test('refuses parts that do not fit together', () => {
    expect(() => learnedPromptEmbeddings({ ...context(), contextLength: 78 })).toThrow(RangeError);
    expect(() => learnedPromptEmbeddings({ ...context(), tokenPrefix: new Float32Array(4) })).toThrow(RangeError);
  });
});

describe('learnedContextsFit', () => {
  const own = { ...context(), tokenPrefix: Float32Array.of(1, 1) };

  test('accepts the CLIP whose start token was saved with them', async () => {
    const asked: number[] = [];
    const clip = fakeClip({
      tokenEmbedding: async (token) => {
        asked.push(token);
        return Float32Array.of(1.001);
      },
    });
    expect(await learnedContextsFit(contexts(own), clip)).toBe('fits');
    expect(await learnedContextsFit(contexts(own), { ...clip, startToken: 5 })).toBe('fits');
    expect(asked).toEqual([49406, 5]);
  });

  test('notices another model by its start token, its vocabulary or its width', async () => {
    const other = fakeClip({ tokenEmbedding: async () => Float32Array.of(1.5) });
    expect(await learnedContextsFit(contexts(own), other)).toBe('otherModel');
    const small = fakeClip({ tokenEmbedding: () => Promise.reject(new RangeError('no such token')) });
    expect(await learnedContextsFit(contexts(own), small)).toBe('otherModel');
    expect(await learnedContextsFit(contexts(own), fakeClip({ textWidth: 768 }))).toBe('otherWidth');
  });

  test('does not take a failing device for another model', async () => {
    const broken = fakeClip({ tokenEmbedding: () => Promise.reject(new Error('device lost')) });
    await expect(learnedContextsFit(contexts(own), broken)).rejects.toThrow('device lost');
  });
});

test('encodeLearnedPrompts encodes each factor with its own context at the end of text', async () => {
  const seen: { first: number; eotIndex: number }[] = [];
  const clip = fakeClip({
    encodePromptEmbeddings: async (embeddings, { eotIndex }) => {
      seen.push({ first: embeddings[0] as number, eotIndex });
      return pair;
    },
  });
  const withPrefix = (value: number) => ({ ...context(), tokenPrefix: Float32Array.of(value, value) });
  await encodeLearnedPrompts(
    { overall: withPrefix(1), technical: withPrefix(2), rationality: withPrefix(3), naturalness: withPrefix(4) },
    clip,
  );
  expect(seen).toEqual([1, 2, 3, 4].map((first) => ({ first, eotIndex: 20 })));
});

describe('zero-shot prompts', () => {
  test("are the reference's", () => {
    const file = new URL('../../reference/fixtures/zero_shot_prompts.json', import.meta.url);
    const reference = JSON.parse(readFileSync(file, 'utf8'));
    expect(zeroShotTemplates).toEqual(reference.templates);
    expect(zeroShotPairs).toEqual(reference.factors);
  });

  test('put every word into every template', () => {
    const texts = zeroShotTexts('technical', 'bad');
    expect(texts).toHaveLength(16);
    expect(texts[0]).toBe('blurry photo.');
    expect(texts[15]).toBe('this image looks badly exposed.');
  });

  test('a side is the unit mean of its texts', async () => {
    const clip = fakeClip();
    const { technical } = await encodeZeroShotPrompts(clip);
    const rows = await clip.encodeText(zeroShotTexts('technical', 'bad'));
    let x = 0;
    let y = 0;
    for (let i = 0; i < rows.length; i += 2) {
      x += rows[i] as number;
      y += rows[i + 1] as number;
    }
    expect(technical[2]).toBeCloseTo(x / Math.hypot(x, y), 5);
    expect(technical[3]).toBeCloseTo(y / Math.hypot(x, y), 5);
  });
});
