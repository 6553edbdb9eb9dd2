import { describe, expect, test } from 'vitest';
import { sigmoid } from '../math/softmax.ts';
import type { ClipImageFeatures } from '../pipeline/ports.ts';
import type { Phrase } from '../prompt/phrase.ts';
import { attributeEvidence, attributeLead, attributeProbability, bestRival, rivalPhrases } from './attributeScore.ts';

const words = [
  ['red', 'blue', 'green'],
  ['small', 'large'],
];

/** A phrase of the words of a text; its noun are the last `nouns`. */
function phrase(text: string, { nouns = 1 } = {}): Phrase {
  let end = -1;
  const tokens = text.split(' ').map((word) => {
    const start = end + 1;
    end = start + word.length;
    return { text: word, start, end };
  });
  const start = tokens.at(-nouns)?.start as number;
  return { text, tokens, noun: { text: text.slice(start), start, end }, ancestor: null, scope: 'place' };
}

describe('rivalPhrases', () => {
  const texts = (of: Phrase) => rivalPhrases(of, words).map(({ text }) => text);

  test('are the phrase with one attribute of another value', () => {
    expect(texts(phrase('small shiny Red cube'))).toEqual([
      'large shiny Red cube',
      'small shiny blue cube',
      'small shiny green cube',
    ]);
  });

  test('have rivals of their own, the phrase among them', () => {
    const [rival] = rivalPhrases(phrase('small cube'), words);
    expect(texts(rival as Phrase)).toEqual(['small cube']);
  });

  test('none without an attribute of the list; a noun that is a colour is no attribute', () => {
    expect(texts(phrase('shiny cube'))).toEqual([]);
    expect(texts(phrase('red'))).toEqual([]);
    expect(texts(phrase('large red panda', { nouns: 2 }))).toEqual(['small red panda']);
  });
});

/** Axes: red, blue, cube. CLS sees something blue; of 200 patches the first two are a red cube, the next two a blue ball. */
const features: ClipImageFeatures = {
  gridWidth: 20,
  gridHeight: 10,
  cls: Float32Array.of(0.2, 0.4, 0.3),
  patchFeatures: Float32Array.from({ length: 600 }, (_, i) => {
    const [cell, axis] = [Math.floor(i / 3), i % 3];
    if (cell < 2) return [0.5, 0.1, 0.5][axis] as number;
    return cell < 4 ? ([0, 0.9, 0.1][axis] as number) : 0;
  }),
};
const along = (axis: number) => features.patchFeatures.filter((_, i) => i % 3 === axis);
const evidence = attributeEvidence(features, {
  direction: Float32Array.of(1, 0, 0),
  similarity: along(0),
  nounSimilarity: along(2),
  rivals: [Float32Array.of(0, 1, 0), Float32Array.of(0, 0.5, 0)],
});

test('rivals are looked for where the phrase and its noun are, not where they themselves fit best', () => {
  expect(evidence.phrase.whole).toBeCloseTo(0.2, 6);
  expect(evidence.phrase.best).toBeCloseTo(0.5, 6);
  expect(evidence.rivals.map(({ whole }) => whole)).toEqual([expect.closeTo(0.4, 6), expect.closeTo(0.2, 6)]);
  expect(evidence.rivals.map(({ best }) => best)).toEqual([expect.closeTo(0.1, 6), expect.closeTo(0.05, 6)]);
});

test('the lead is over the best rival by what CLS and patches say together', () => {
  expect(attributeLead(evidence, { wholeShare: 0 })).toBeCloseTo(0.4, 6);
  expect(attributeLead(evidence, { wholeShare: 1 })).toBeCloseTo(-0.2, 6);
  expect(attributeLead(evidence, { wholeShare: 0.25 })).toBeCloseTo(0.425 - 0.175, 6);
});

test('the best rival is what fits best in its place', () => {
  expect(bestRival(evidence, { wholeShare: 0.5 })).toBe(0);
  const of = (best: number) => ({ whole: 0, best });
  expect(bestRival({ phrase: of(1), rivals: [of(0.1), of(0.3), of(0.2)] }, { wholeShare: 0.5 })).toBe(1);
});

test('its probability is calibrated', () => {
  const calibration = { scale: 0.5, bias: 0.3, wholeShare: 0 };
  expect(attributeProbability(evidence, calibration, { logitScale: 100 })).toBeCloseTo(sigmoid(50 * 0.1), 6);
});
