import { expect, test } from 'vitest';
import type { StrategyId } from '../pipeline/strategy.ts';
import { defaultRefineSettings } from '../refine/refineSettings.ts';
import {
  changeWords,
  emphasisedPieces,
  planWords,
  refineStageWords,
  settingsSummary,
  timeLeftWords,
} from './refineWords.ts';

test.each([
  [400, '1 s'],
  [9400, '9 s'],
  [12_400, '10 s'],
  [58_000, '60 s'],
  [200_000, '3 min'],
  [9_000_000, '2.5 h'],
])('%i ms left', (milliseconds, words) => {
  expect(timeLeftWords({ milliseconds, of: 'job' })).toBe(`about ${words} left`);
  expect(timeLeftWords({ milliseconds, of: 'stage' })).toBe(`about ${words} left in this stage`);
});

test('a change fits the rounded numbers beside it', () => {
  expect(changeWords(0.554, 0.556)).toEqual({ points: '+1', word: 'better' });
  expect(changeWords(0.551, 0.554)).toEqual({ points: '±0', word: 'same' });
  expect(changeWords(0.8, 0.72)).toEqual({ points: '−8', word: 'worse' });
  expect(changeWords(null, 0.72)).toBeNull();
});

test('what was stressed stands out, brackets that are part of the words do not', () => {
  expect(emphasisedPieces('a (red hat:1.30) on a (dog:1.1)')).toEqual([
    { text: 'a ', weight: 1 },
    { text: 'red hat', weight: 1.3 },
    { text: ' on a ', weight: 1 },
    { text: 'dog', weight: 1.1 },
  ]);
  expect(emphasisedPieces('a dog (sitting)')).toEqual([{ text: 'a dog (sitting)', weight: 1 }]);
  expect(emphasisedPieces(String.raw`\(a:1.2\) dog`)).toEqual([{ text: String.raw`\(a:1.2\) dog`, weight: 1 }]);
  expect(emphasisedPieces('')).toEqual([]);
});

test.each([
  [
    'gRefine',
    'Repaints bad regions, then restores the detail of the whole picture; what measures worse keeps its old pixels.',
  ],
  [
    'qRefine',
    'Repaints what is not of high quality, then enhances the whole picture. Nothing is undone where it measures worse.',
  ],
  ['inpaintingByHand', 'Repaints the mask; every other pixel stays as it is.'],
] as const)('what %s will do', (strategy, words) => {
  const choices = { strategy, settings: defaultRefineSettings, variants: 1, seed: null };
  expect(planWords({ inpaints: true, restores: true }, choices)).toBe(words);
  expect(planWords({ inpaints: true, restores: true }, { ...choices, variants: 3 })).toMatch(
    / 3 variants, best kept\.$/,
  );
});

test('a result names its strategy and the steps it took', () => {
  const of = (strategy: StrategyId) => settingsSummary({ strategy, settings: defaultRefineSettings, seeds: 1 });
  expect(of('gRefine')).toBe('DPM++ 2M Karras 10 · PASD 10');
  expect(of('repaintOnly')).toBe('G-Refine, stage 1 only · DPM++ 2M Karras 10');
  expect(of('imageToImage')).toBe('Image-to-image · DPM++ 2M Karras 20');
  expect(of('reconstruction')).toBe('Reconstruction · PASD 20');
});

test('stages are called by what the strategy does in them', () => {
  expect(refineStageWords('inpaint', 'gRefine')).toBe('Repainting bad regions');
  expect(refineStageWords('inpaint', 'inpaintingByHand')).toBe('Repainting the mask');
  expect(refineStageWords('analyseAgain', 'restoration')).toBe('Measuring the result');
});
