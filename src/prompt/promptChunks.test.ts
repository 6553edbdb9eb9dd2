import { describe, expect, test } from 'vitest';
import { type ChunkTokens, emptyChunk, promptChunks } from './promptChunks.ts';
import { parseWeightedPrompt } from './promptWeights.ts';

/** Every word is a token: its number, or 7 for a comma. Chunks of 75. */
const tokens: ChunkTokens = {
  tokenize: (text) => [...text.matchAll(/,|\d+/g)].map(([token]) => (token === ',' ? 7 : Number(token))),
  startToken: 998,
  endToken: 999,
  padding: 999,
  contextLength: 77,
};
/** Words from 100 on, with a comma after some. */
const words = (count: number, commasAfter: readonly number[] = []) =>
  Array.from({ length: count }, (_, i) => `${100 + i}${commasAfter.includes(i) ? ',' : ''}`).join(' ');
const chunks = (prompt: string, given = tokens) => promptChunks(parseWeightedPrompt(prompt), given);
/** The tokens between start and end. */
const inside = (prompt: string) =>
  chunks(prompt).map(({ ids }) => {
    expect([ids.length, ids[0], ids.indexOf(999) > 0]).toEqual([77, 998, true]);
    return [...ids.subarray(1, ids.indexOf(999))];
  });

describe('promptChunks', () => {
  test('is start, text, end and padding where the prompt fits', () => {
    const [chunk, ...more] = chunks('5 6, 8');
    expect(more).toEqual([]);
    expect([...(chunk?.ids ?? [])]).toEqual([998, 5, 6, 7, 8, 999, ...new Array(71).fill(999)]);
    expect(chunk?.weights).toEqual(new Float32Array(77).fill(1));
    expect(inside(words(75))).toHaveLength(1);
  });

  test('pads with another token where the tokenizer does', () => {
    const [chunk] = chunks('5', { ...tokens, padding: 0 });
    expect([...(chunk?.ids ?? [])]).toEqual([998, 5, 999, ...new Array(74).fill(0)]);
  });

  test('has a chunk for an empty prompt', () => {
    expect(chunks('')).toEqual([emptyChunk(tokens)]);
    expect([...emptyChunk(tokens).ids.subarray(0, 3)]).toEqual([998, 999, 999]);
  });

  test('gives each token the weight of its piece', () => {
    const [chunk] = chunks('1 (2 3:1.5) [4]');
    expect([...(chunk?.ids.subarray(0, 6) ?? [])]).toEqual([998, 1, 2, 3, 4, 999]);
    expect([...(chunk?.weights.subarray(0, 6) ?? [])]).toEqual([1, 1, 1.5, 1.5, Math.fround(0.909091), 1]);
  });

  test('starts a chunk at BREAK', () => {
    expect(inside('1 BREAK 2 BREAK 3')).toEqual([[1], [2], [3]]);
  });

  test.each([
    ['nowhere near', words(80), [75, 5]],
    ['after a comma among its last 20 tokens', words(80, [60]), [62, 19]],
    ['after the last of them', words(80, [58, 65]), [68, 14]],
    ['not before the last 20', words(80, [53]), [75, 6]],
    ['at the first of the last 20', words(80, [54]), [56, 25]],
    ['behind a comma that is the last token', words(80, [73]), [75, 6]],
    ['before a comma that would not fit, as in A1111', words(80, [60, 73]), [75, 7]],
    ['again and again', words(240), [75, 75, 75, 15]],
  ])('breaks a long prompt: %s', (_, prompt, lengths) => {
    const lines = inside(prompt);
    expect(lines.map(({ length }) => length)).toEqual(lengths);
    expect(lines.flat()).toEqual(tokens.tokenize(prompt));
  });

  test('weights follow their tokens into the next chunk', () => {
    const [first, second] = chunks(`${words(70, [65])}, (200 201 202 203 204 205 206:2)`);
    expect(first?.ids[67]).toBe(7);
    const at = second?.ids.indexOf(200) ?? -1;
    expect(at).toBeGreaterThan(0);
    expect([...(second?.weights.subarray(at - 1, at + 8) ?? [])]).toEqual([1, 2, 2, 2, 2, 2, 2, 2, 1]);
  });
});
