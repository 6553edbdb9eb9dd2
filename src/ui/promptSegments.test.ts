import { expect, test } from 'vitest';
import type { Phrase, Span } from '../prompt/phrase.ts';
import { promptSegments } from './promptSegments.ts';

const span = (prompt: string, text: string): Span => {
  const start = prompt.indexOf(text);
  return { text, start, end: start + text.length };
};

const phrase = (prompt: string, ...words: string[]): { phrase: Phrase } => {
  const tokens = words.map((word) => span(prompt, word));
  return {
    phrase: { text: words.join(' '), tokens, noun: tokens.at(-1) as Span, ancestor: null, scope: 'place' },
  };
};

const shape = (prompt: string, phrases: { phrase: Phrase }[]) =>
  promptSegments(prompt, phrases).map(({ text, phrase: of, leads }) => [text, of, leads]);

test('neighbouring tokens of a phrase are one stretch, and nothing of the prompt is lost', () => {
  const prompt = 'a red  hat, on a well-worn dog';
  expect(shape(prompt, [phrase(prompt, 'red', 'hat'), phrase(prompt, 'well', 'worn', 'dog')])).toEqual([
    ['a ', null, false],
    ['red  hat', 0, true],
    [', on a ', null, false],
    ['well-worn dog', 1, true],
  ]);
});

test('tokens apart are separate stretches of which the first leads', () => {
  const prompt = 'hat, red';
  expect(shape(prompt, [phrase(prompt, 'red', 'hat')])).toEqual([
    ['hat', 0, true],
    [', ', null, false],
    ['red', 0, false],
  ]);
});

test('a phrase reaches around a word of another one without taking it', () => {
  const prompt = 'red dog hat';
  expect(shape(prompt, [phrase(prompt, 'dog'), phrase(prompt, 'red', 'hat')])).toEqual([
    ['red', 1, true],
    [' ', null, false],
    ['dog', 0, true],
    [' ', null, false],
    ['hat', 1, false],
  ]);
});

test('offsets outside the prompt draw nothing', () => {
  const outside = { text: 'x', start: -2, end: 90 };
  const beyond = { text: 'y', start: 50, end: 60 };
  const phrases = [outside, beyond].map((token) => ({
    phrase: { text: 'x', tokens: [token], noun: token, ancestor: null, scope: 'place' as const },
  }));
  expect(shape('dog', phrases)).toEqual([['dog', 0, true]]);
  expect(shape('', phrases)).toEqual([]);
});
