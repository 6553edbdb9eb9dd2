import { expect, test } from 'vitest';
import type { Phrase } from '../prompt/phrase.ts';
import type { AlignmentResult, PhraseResult } from '../quality/qualityResults.ts';
import { regionPrompt } from './regionPrompt.ts';
import type { RepairRegion } from './repairMask.ts';

const side = 8;
const grid = { gridWidth: side, gridHeight: side };

function at(x: number, y: number, width: number, height: number) {
  const values = new Float32Array(side * side);
  for (let j = y; j < y + height; j++) values.fill(1, j * side + x, j * side + x + width);
  return { ...grid, values };
}

const prompt = 'a photo of a red cube beside the (blue) ball, a hat and no cars on a wooden floor';

function said(
  text: string,
  over: Partial<Omit<PhraseResult, 'phrase'>> & { readonly phrase?: Partial<Phrase> },
): PhraseResult {
  const start = prompt.indexOf(text);
  const token = { text, start, end: start + text.length };
  return {
    status: 'ok',
    score: 1,
    nounScore: 1,
    emphasis: 1,
    map: at(0, 0, 0, 0),
    nounMap: at(0, 0, 0, 0),
    ...over,
    phrase: { text, tokens: [token], noun: token, ancestor: null, scope: 'place', ...over.phrase },
  };
}

const cube = said('red cube', { map: at(0, 0, 3, 3) });
const phrases = [
  said('photo', { status: 'style', phrase: { scope: 'whole' } }),
  cube,
  said('(blue) ball', { status: 'wrongAttribute', emphasis: 1.2, map: at(5, 5, 3, 3) }),
  said('cars', { status: 'ok', phrase: { negated: true }, map: at(0, 0, 3, 3) }),
  said('wooden floor', { map: at(0, 3, side, 5) }),
];
const alignment = (of: readonly PhraseResult[]) =>
  ({ phrases: of, map: at(0, 0, side, side) }) as unknown as AlignmentResult;

/** A region of an image as large as the grid times four. */
function region(x: number, y: number, width: number, height: number): RepairRegion {
  const [gridWidth, gridHeight] = [4 * side, 4 * side];
  const part = { x: 4 * x, y: 4 * y, width: 4 * width, height: 4 * height };
  const values = new Float32Array(part.width * part.height).fill(1);
  return {
    place: part,
    mask: { gridWidth, gridHeight, imageWidth: gridWidth, imageHeight: gridHeight, part, values },
    fault: 'mismatch',
  };
}

test('a region is told what is found in it, with its article, and what is said of the whole image', () => {
  expect(regionPrompt([region(0, 0, 3, 3)], { alignment: alignment(phrases), prompt })).toBe('a photo, a red cube');
});

test('what is described wrongly is emphasised as in P′, brackets of the prompt staying characters', () => {
  expect(regionPrompt([region(5, 5, 3, 3)], { alignment: alignment(phrases), prompt })).toBe(
    'a photo, (the \\(blue\\) ball:1.2), a wooden floor',
  );
});

test('several regions together are told what is in one of them', () => {
  expect(regionPrompt([region(5, 5, 3, 3), region(0, 0, 3, 3)], { alignment: alignment(phrases), prompt })).toBe(
    'a photo, a red cube, (the \\(blue\\) ball:1.2), a wooden floor',
  );
});

test('a third of a thing is enough, a corner is not', () => {
  expect(regionPrompt([region(2, 0, 1, 3)], { alignment: alignment(phrases), prompt })).toContain('red cube');
  expect(regionPrompt([region(2, 2, 1, 1)], { alignment: alignment([cube]), prompt })).toBe('a red cube');
  expect(regionPrompt([region(2, 2, 3, 3)], { alignment: alignment([cube]), prompt })).toBeNull();
});

test('something missing is asked for where it is to come', () => {
  const hat = said('hat', { status: 'missing', emphasis: 1.4, place: cube.map });
  const all = alignment([phrases[0] as PhraseResult, cube, hat]);
  expect(regionPrompt([region(0, 0, 3, 3)], { alignment: all, prompt })).toBe('a photo, a red cube, (a hat:1.4)');
  expect(regionPrompt([region(5, 5, 2, 2)], { alignment: all, prompt })).toBeNull();
});

test('a weight the user wrote is kept', () => {
  const weighted = said('red cube', { map: cube.map, emphasis: 1.2, phrase: { weight: 1.1 } });
  expect(regionPrompt([region(0, 0, 3, 3)], { alignment: alignment([weighted]), prompt })).toBe('(a red cube:1.32)');
});
