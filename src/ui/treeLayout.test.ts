import { expect, test } from 'vitest';
import type { ParsedWord } from '../prompt/phrase.ts';
import { treeLayout } from './treeLayout.ts';

/** "red/3 …": words with their heads. */
function sentence(text: string): ParsedWord[] {
  return text.split(' ').map((entry, i) => {
    const [word = '', head = '0'] = entry.split('/');
    return { text: word, start: i, end: i + 1, upos: 'NOUN', head: Number(head), deprel: 'dep' };
  });
}

test('words stand side by side, arcs that share a stretch above each other', () => {
  const { columns, arcs, root, levels } = treeLayout(sentence('a/3 red/3 hat/0 on/6 a/6 dog/3'), () => 20);
  expect(columns.map(({ x }) => x)).toEqual([14, 48, 82, 116, 150, 184]);
  expect(root).toBe(2);
  expect(levels).toBe(3);
  const level = (dependent: number) => arcs.find((arc) => arc.dependent === dependent)?.level;
  expect([1, 0, 4, 3, 5].map(level)).toEqual([1, 2, 1, 2, 3]);
});

test('no word, one word, a head that does not exist', () => {
  expect(treeLayout([], () => 1)).toMatchObject({ columns: [], arcs: [], root: -1, levels: 0 });
  expect(treeLayout(sentence('hat/0'), () => 1)).toMatchObject({ arcs: [], root: 0, levels: 0 });
  expect(treeLayout(sentence('hat/9'), () => 1).arcs).toEqual([]);
});
