import { expect, test } from 'vitest';
import {
  addEntry,
  currentEntry,
  goTo,
  type HistoryEntry,
  nextEntry,
  pathTo,
  type RefineHistory,
  redone,
  undone,
  withoutEntry,
} from './refineHistory.ts';

const entry = (id: string, parent: string | null): HistoryEntry => ({
  id,
  parent: parent === null ? null : { id: parent, variant: 0 },
});
const empty: RefineHistory = { entries: [], currentId: null, visited: [] };
/** a, then b and c from it, then d from the original. */
const tree = [entry('a', null), entry('b', 'a'), entry('c', 'a'), entry('d', null)].reduce(addEntry, empty);

test('undo walks to the original and stops there, redo back to the end', () => {
  const two = [entry('a', null), entry('b', 'a')].reduce(addEntry, empty);
  expect(two.currentId).toBe('b');
  const one = undone(two);
  expect(one.currentId).toBe('a');
  const none = undone(one);
  expect(none.currentId).toBeNull();
  expect(undone(none)).toBe(none);
  expect(redone(none).currentId).toBe('a');
  expect(redone(redone(none)).currentId).toBe('b');
  expect(redone(redone(redone(none))).currentId).toBe('b');
});

test('redo takes the branch looked at last, and refining from an earlier place loses none', () => {
  expect(redone(undone(tree)).currentId).toBe('d');
  const atB = goTo(tree, 'b');
  const original = undone(undone(atB));
  expect(original.currentId).toBeNull();
  expect(redone(original).currentId).toBe('a');
  expect(redone(redone(original)).currentId).toBe('b');
  expect(tree.entries.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd']);
});

test('the way to an entry is told oldest first', () => {
  expect(pathTo(tree, 'c').map(({ id }) => id)).toEqual(['a', 'c']);
  expect(pathTo(tree, 'd').map(({ id }) => id)).toEqual(['d']);
  expect(pathTo(tree, 'x')).toEqual([]);
});

test('an unknown id changes nothing, the original is always there', () => {
  expect(goTo(tree, 'x')).toBe(tree);
  expect(currentEntry(goTo(tree, null))).toBeNull();
  expect(nextEntry(empty)).toBeNull();
});

test('what is discarded goes with all that started from it, and what it started from is shown', () => {
  const { history, removed } = withoutEntry(goTo(tree, 'b'), 'a');
  expect(removed.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  expect(history).toEqual({ entries: [entry('d', null)], currentId: null, visited: ['d'] });
  expect(withoutEntry(goTo(tree, 'b'), 'b').history.currentId).toBe('a');
  expect(withoutEntry(tree, 'b').history.currentId).toBe('d');
  expect(withoutEntry(tree, 'x')).toEqual({ history: tree, removed: [] });
});
