import { describe, expect, test } from 'vitest';
import { emphasisBeside, emphasisedPrompt, emphasisWeight } from './emphasis.ts';
import type { Phrase } from './phrase.ts';

/** The phrase made of these words of the prompt, the last its noun. */
function phraseOf(prompt: string, ...words: string[]): Phrase {
  const tokens = words.map((text) => ({ text, start: prompt.indexOf(text), end: prompt.indexOf(text) + text.length }));
  return { text: words.join(' '), tokens, noun: tokens.at(-1) as Phrase['noun'], ancestor: null, scope: 'place' };
}

describe('emphasisWeight', () => {
  test('grows linearly with the deficit from 1.1 to 1.5', () => {
    expect(emphasisWeight(0.5, 0.5)).toBeCloseTo(1.1, 12);
    expect(emphasisWeight(0.25, 0.5)).toBeCloseTo(1.3, 12);
    expect(emphasisWeight(0, 0.5)).toBeCloseTo(1.5, 12);
  });
});

describe('emphasisBeside', () => {
  test('both weights together stay below 1.8, and ours never weakens', () => {
    expect(emphasisBeside(1, 1.5)).toBe(1.5);
    expect(emphasisBeside(1.5, 1.5)).toBeCloseTo(1.2, 12);
    expect(emphasisBeside(2.5, 1.3)).toBe(1);
    expect(emphasisBeside(0.5, 1.5)).toBe(1.5);
    expect(emphasisBeside(0, 1.4)).toBe(1.4);
  });
});

describe('emphasisedPrompt', () => {
  test('brackets the words of a phrase and leaves the rest as typed', () => {
    const prompt = 'A dog,  with a  red hat!';
    expect(emphasisedPrompt(prompt, [{ phrase: phraseOf(prompt, 'red', 'hat'), emphasis: 1.3 }])).toBe(
      'A dog,  with a  (red hat:1.3)!',
    );
  });

  test('gives words that are not adjacent brackets of their own, also across ones the user typed', () => {
    const prompt = 'a (red:1.2) hat';
    expect(emphasisedPrompt(prompt, [{ phrase: phraseOf(prompt, 'red', 'hat'), emphasis: 1.25 }])).toBe(
      'a ((red:1.25):1.2) (hat:1.25)',
    );
  });

  test('keeps neighbouring phrases apart and those that need nothing as they are', () => {
    const prompt = 'cat dog bird';
    expect(
      emphasisedPrompt(prompt, [
        { phrase: phraseOf(prompt, 'dog'), emphasis: 1.5 },
        { phrase: phraseOf(prompt, 'cat'), emphasis: 1.5 },
        { phrase: phraseOf(prompt, 'bird'), emphasis: 1 },
      ]),
    ).toBe('(cat:1.5) (dog:1.5) bird');
  });
});
