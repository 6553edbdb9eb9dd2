import { describe, expect, test } from 'vitest';
import { plainPrompt, promptText } from './promptSyntax.ts';

/** Reading is linear: quadratic, it would take minutes, and on a busy machine linear takes seconds. */
const HANG_MS = 30_000;

/** Words of the text with their weights, where it is not 1. */
function read(prompt: string): string[] {
  const { text, weights } = promptText(prompt);
  return [...text.matchAll(/[\p{L}\p{N}'’./:-]*[\p{L}\p{N}]/gu)].map(({ 0: word, index }) => {
    const weight = weights[index] as number;
    return weight === 1 ? word : `${word}*${weight}`;
  });
}

describe('promptText', () => {
  test.each([
    [
      '(red hat:1.3) on ((dog)) [table] {chair}',
      ['red*1.3', 'hat*1.3', 'on', 'dog*1.21', 'table*0.9091', 'chair*1.05'],
    ],
    ['[cat:dog:0.5] [a|b] (x : 1.1)', ['cat', 'dog', 'a*0.9091', 'b*0.9091', 'x*1.1']],
    ['cat::2 dog::-0.5 end', ['cat*2', 'dog*-0.5', 'end']],
    ['1.2::red::, dog++ (cat)1.2 (big bird)-- x', ['red*1.2', 'dog*1.21', 'cat*1.2', 'big*0.81', 'bird*0.81', 'x']],
    ['(a (b (c:1.5):0) d)', ['a*1.1', 'b*0', 'c*0', 'd*1.1']],
    ['<lora:foo_bar:0.8>dog <hypernet:x:1>', ['dog']],
    ['a cat BREAK a dog AND a bird', ['a', 'cat', 'a', 'dog', 'a', 'bird']],
    ['miku \\(vocaloid\\), long_hair', ['miku', 'vocaloid', 'long', 'hair']],
    ['a cat --ar 16:9 --v 5 --no dogs, cows', ['a', 'cat', 'no*-1', 'dogs*-1', 'cows*-1']],
    ["it's a t-shirt at 12:30, f/1.8, 1,000 men", ["it's", 'a', 't-shirt', 'at', '12:30', 'f/1.8', '1', '000', 'men']],
    ['a (b ((c', ['a', 'b*1.1', 'c*1.331']],
    ['a) b]} c', ['a', 'b', 'c']],
    ['a cat\nNegative prompt: dog\nSteps: 20, Sampler: x', ['a', 'cat']],
    ['\ud800 lone \udc00', ['lone']],
    ['', []],
  ])('%s', (prompt, expected) => {
    expect(read(prompt)).toEqual(expected);
  });

  test('keeps the place of every character as typed', () => {
    const prompt = '((red:1.2) hat), <lora:x:1> 👩‍🎨 [naïve] 雪_日 BREAK fin';
    const { text, offsets } = promptText(prompt);
    expect(offsets).toHaveLength(text.length);
    for (const { 0: run, index } of text.matchAll(/[\p{L}\p{M}\p{Extended_Pictographic}\u200d]+/gu)) {
      for (let i = 0; i < run.length; i++) expect(prompt[offsets[index + i] as number]).toBe(run[i]);
    }
  });

  test('nests a hundred thousand brackets without a hang', { timeout: HANG_MS }, () => {
    const { weights } = promptText(`${'('.repeat(1e5)}x${')'.repeat(1e5)}`);
    expect(weights.every((weight) => weight <= 10)).toBe(true);
  });
});

test('plainPrompt is the prompt as CLIP should read it', () => {
  expect(plainPrompt('a (red:1.3) hat, <lora:x:1> 8k. long_hair BREAK end')).toBe('a red hat, 8k. long hair. end');
  expect(plainPrompt('<lora:x:1>')).toBe('');
  expect(plainPrompt('a cat sleeps. --ar 16:9 --no dogs, cows')).toBe('a cat sleeps');
});
