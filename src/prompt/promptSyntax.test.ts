import { describe, expect, test } from 'vitest';
import { plainPrompt, promptWords } from './promptSyntax.ts';

const texts = (prompt: string) => promptWords(prompt).map(({ text }) => text);

describe('promptWords', () => {
  test.each([
    ['(red hat:1.3) on ((dog)) [table] {chair}', ['red', 'hat', 'on', 'dog', 'table', 'chair']],
    ['[cat:dog:0.5] [a|b] (x : 1.1)', ['cat', 'dog', 'a', 'b', 'x']],
    ['cat::2 dog::-0.5 end', ['cat', 'dog', 'end']],
    ['1.2::red::, dog++ (cat)1.2', ['red', 'dog', 'cat']],
    ['<lora:foo_bar:0.8>dog <hypernet:x:1>', ['dog']],
    ['a cat BREAK a dog AND a bird', ['a', 'cat', 'a', 'dog', 'a', 'bird']],
    ['miku \\(vocaloid\\), long_hair', ['miku', 'vocaloid', 'long', 'hair']],
    ['a cat --ar 16:9 --v 5 --no dogs', ['a', 'cat', 'dogs']],
    ["it's a t-shirt at 12:30, f/1.8", ["it's", 'a', 't-shirt', 'at', '12', '30', 'f', '1.8']],
    ['café naïve 雪の日 👨‍👩‍👧 👍🏽', ['café', 'naïve', '雪の日', '👨‍👩‍👧', '👍🏽']],
    ['\ud800 lone \udc00', ['lone']],
    ['', []],
  ])('%s', (prompt, expected) => {
    expect(texts(prompt)).toEqual(expected);
  });

  test('tell what separates them', () => {
    const separators = promptWords('a red (hat:1.2), dog. Mr. X\nline <lora:a:1> z').map(({ separator }) => separator);
    expect(separators).toEqual(['stop', 'none', 'none', 'comma', 'stop', 'none', 'stop', 'comma']);
  });
});

test('plainPrompt is the prompt as CLIP should read it', () => {
  expect(plainPrompt('a (red:1.3) hat, <lora:x:1> 8k. long_hair BREAK end')).toBe('a red hat, 8k. long hair. end');
  expect(plainPrompt('<lora:x:1>')).toBe('');
});
