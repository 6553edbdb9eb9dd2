import { describe, expect, test } from 'vitest';
import type { AnalysisResult } from '../pipeline/analysis.ts';
import type { RefineResult } from '../pipeline/refinement.ts';
import { parseRefineResult, writeRefineResult } from './refineResultRecord.ts';
import { sampleAnalysisSettings, sampleRefineSettings } from './sampleBatch.ts';

const map = { gridWidth: 2, gridHeight: 1, values: Float32Array.of(0.25, 0.5) };
const noun = { text: 'dog', start: 2, end: 5 };
const before: AnalysisResult = {
  modelName: 'clip',
  imageWidth: 8,
  imageHeight: 8,
  prompt: 'a dog',
  perceptual: {
    mode: 'zeroShot',
    score: 0.3,
    factors: { overall: 0.1, technical: 0.2, rationality: 0.3, naturalness: 0.4 },
    map,
    factorMaps: { overall: map, technical: map, rationality: map, naturalness: map },
  },
  alignment: {
    score: 0.4,
    promptScore: 0.5,
    phrases: [
      {
        phrase: { text: 'a dog', tokens: [noun], noun, ancestor: null, scope: 'place' },
        status: 'ok',
        score: 0.9,
        nounScore: 0.9,
        map,
        nounMap: map,
        emphasis: 1,
      },
    ],
    map,
    defect: map,
  },
  hints: [],
  settings: sampleAnalysisSettings,
};
const result: RefineResult = {
  strategy: 'gRefine',
  outcome: 'refined',
  before,
  after: { ...before, alignment: null },
  regions: [
    { place: { x: 0, y: 0, width: 8, height: 8 }, stage: 'inpaint', before: 0.1, after: 0.2, kept: true, reason: null },
  ],
  emphasisedPrompt: 'a (dog:1.2)',
  seed: 7,
  settings: sampleRefineSettings,
  models: { maps: 'clip', inpainting: 'sd', restoration: null },
  hints: [],
};

test('comes back as it was, maps as they are computed with', () => {
  expect(parseRefineResult(writeRefineResult(result))).toEqual(result);
});

describe('refused', () => {
  test.each<[string, (text: string) => string]>([
    ['it is no JSON, or was cut off', (text) => text.slice(0, 200)],
    ['it has format 2', (text) => text.replace('"format":1', '"format":2')],
    ['a map has not one value for each place', (text) => text.replace('[0.25,0.5]', '[0.25]')],
    ['a map has a value that is no number', (text) => text.replace('[0.25,0.5]', '[0.25,null]')],
    ['its outcome is not that of a refined picture', (text) => text.replace('"refined"', '"rejected"')],
    ['before.perceptual is no object', (text) => text.replace('"perceptual"', '"x"')],
    [
      'regions is no list',
      (text) =>
        text.replace('"regions":[', '"regions":{"x":[').replace('],"emphasisedPrompt"', ']},"emphasisedPrompt"'),
    ],
    ['prompt or seed is missing', (text) => text.replace('"seed"', '"x"')],
  ])('%s', (message, change) => {
    const text = writeRefineResult(result);
    expect(change(text)).not.toBe(text);
    expect(() => parseRefineResult(change(text))).toThrow(message);
  });
});
