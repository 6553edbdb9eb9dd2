import { describe, expect, test } from 'vitest';
import { parseWeightedPrompt, unweightedPrompt } from './promptWeights.ts';

/** Reading is linear: quadratic, it would take minutes, and on a busy machine linear takes seconds. */
const HANG_MS = 30_000;

/** Chunks as `text*weight|…`. */
const read = (prompt: string) =>
  parseWeightedPrompt(prompt).chunks.map((pieces) =>
    pieces.map(({ text, weight }) => [text, Number(weight.toFixed(4))] as const),
  );

describe('parseWeightedPrompt', () => {
  test.each([
    // The examples in the documentation of A1111's parse_prompt_attention.
    ['normal text', [[['normal text', 1]]]],
    [
      'an (important) word',
      [
        [
          ['an ', 1],
          ['important', 1.1],
          [' word', 1],
        ],
      ],
    ],
    ['(unbalanced', [[['unbalanced', 1.1]]]],
    [String.raw`\(literal\]`, [[['(literal]', 1]]]],
    ['(unnecessary)(parens)', [[['unnecessaryparens', 1.1]]]],
    [
      'a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).',
      [
        [
          ['a ', 1],
          ['house', 1.573],
          [' ', 1.1],
          ['on', 1],
          [' a ', 1.1],
          ['hill', 0.55],
          [', sun, ', 1.1],
          ['sky', 1.4641],
          ['.', 1.1],
        ],
      ],
    ],
    // Ours.
    [
      '[less] ((more))',
      [
        [
          ['less', 0.9091],
          [' ', 1],
          ['more', 1.21],
        ],
      ],
    ],
    ['([both])', [[['both', 1]]]],
    ['(x : .5 )', [[['x ', 0.5]]]],
    ['(x:-1)(y:+2.)', [[['x', -1], ['y', 2]]]], // biome-ignore format: one row
    ['(a (b:2) c:3)', [[['a ', 3], ['b', 6], [' c', 3]]]], // biome-ignore format: one row
    [String.raw`miku \(vocaloid\), a\\b, c\d`, [[['miku (vocaloid), a\\b, c\\d', 1]]]],
    [`${'('.repeat(2000)}x${')'.repeat(2000)} (y:-999)`, [[['x', 10], [' ', 1], ['y', -10]]]], // biome-ignore format: one row
    [`${'('.repeat(20_000)}[${')'.repeat(20_000)}x`, [[['x', 0.9091]]]],
    [`${'('.repeat(20_000)}a (x:0)`, [[['a ', 10], ['x', 0]]]], // biome-ignore format: one row
    ['closed) never] opened:1.2)', [[['closed) never] opened:1.2)', 1]]]],
    ['a ) ( b', [[['a ) ', 1], [' b', 1.1]]]], // biome-ignore format: one row
    ['a (b [c) d] e', [[['a ', 1], ['b ', 1.1], ['c', 1], [' d', 0.9091], [' e', 1]]]], // biome-ignore format: one row
    ['at 12:30 (sharp:1.2', [[['at 12:30 ', 1], ['sharp:1.2', 1.1]]]], // biome-ignore format: one row
    ['<lora:add_detail:0.8>a <hypernet:x:1>dog < 3', [[['a dog < 3', 1]]]],
    ['a cat BREAK a (dog:1.2)', [[['a cat', 1]], [['a ', 1], ['dog', 1.2]]]], // biome-ignore format: one row
    ['(a BREAK b:2) c', [[['a', 2]], [['b', 2], [' c', 1]]]], // biome-ignore format: one row
    ['BREAK  BREAK a\nBREAK\nb BREAK', [[['a', 1]], [['b', 1]]]],
    ['BREAKFAST fooBREAK', [[['BREAKFAST fooBREAK', 1]]]],
    ['a [cat:dog:0.5] [late:3] [early::0.2] [red|blue] [x]', [[['a dog late  red ', 1], ['x', 0.9091]]]], // biome-ignore format: one row
    ['{nai} word++ a_b', [[['{nai} word++ a_b', 1]]]],
    ['a 👨‍👩‍👧 (雪:1.3) \ud800', [[['a 👨‍👩‍👧 ', 1], ['雪', 1.3], [' \ud800', 1]]]], // biome-ignore format: one row
    ['', [[]]],
    [' \n ', [[]]],
    ['BREAK', [[]]],
    ['<lora:x:1>', [[]]],
  ])('%s', (prompt, chunks) => {
    expect(read(prompt)).toEqual(chunks);
  });

  test('joins pieces to the prompt as typed where there is no syntax', () => {
    const prompt = '  a photo, of:  a red-haired cat!! 8k…\n\tend ';
    expect(parseWeightedPrompt(prompt)).toEqual(unweightedPrompt(prompt));
  });

  test.each(['(', ')', '([', '(:', '\\', '[a:', '[|', '<a:', ' ', ' BREAK', 'BREA', '9'])(
    'takes %j without end without a hang',
    { timeout: HANG_MS },
    (piece) => {
      const { chunks } = parseWeightedPrompt(piece.repeat(50_000));
      for (const { weight } of chunks.flat()) expect(weight).not.toBeNaN();
    },
  );
});
