import { describe, expect, test } from 'vitest';
import { begun, openQueue, resumed } from '../batch/batchQueue.ts';
import { analyseTask, doneAt, failedWith, imagesOf, refineTask, resultOf } from '../batch/sampleBatch.ts';
import { filterCounts, niceRange, plotPoints, shownValue, sortedEntries, summaryOf, verdictOf } from './batchRows.ts';

const refined = (before: number, after: number) => doneAt(1, 1, resultOf(before, after));
const queue = openQueue(imagesOf('a', 'b', 'c', 'd'), {
  tasks: [refineTask],
  outcomes: [refined(0.5, 0.75), failedWith('ImageError'), refined(0.75, 0.25), null],
});
const order = (by: Parameters<typeof sortedEntries>[1]['sorting']['by'], ascending: boolean, filter = 'all' as const) =>
  sortedEntries(queue, { sorting: { by, ascending }, shown: 'after', filter });

describe('sorting', () => {
  test('by a measure, both ways, what has none last', () => {
    expect(order('quality', true)).toEqual([2, 0, 1, 3]);
    expect(order('quality', false)).toEqual([0, 2, 1, 3]);
  });

  test('by state: what needs attention first; by file: as in the folder', () => {
    expect(order('state', true)).toEqual([1, 3, 0, 2]);
    expect(order('file', false)).toEqual([3, 2, 1, 0]);
  });

  test('by file, tasks of one image stay together', () => {
    const two = openQueue(imagesOf('a', 'b'), { tasks: [analyseTask, refineTask] });
    const sorting = { by: 'file', ascending: true } as const;
    expect(sortedEntries(two, { sorting, shown: 'after', filter: 'all' })).toEqual([0, 2, 1, 3]);
    expect(sortedEntries(two, { sorting: { ...sorting, by: 'task' }, shown: 'after', filter: 'all' })).toEqual([
      0, 1, 2, 3,
    ]);
  });
});

test('what is shown: before, after or the change; what was only analysed has one value', () => {
  const value = (entry: number, shown: 'before' | 'after' | 'change') =>
    shownValue(queue, { entry, id: 'quality', shown });
  expect([value(0, 'before'), value(0, 'after'), value(0, 'change')]).toEqual([0.5, 0.75, 0.25]);
  expect(value(1, 'after')).toBeNull();
  const analysed = openQueue(imagesOf('a'), { tasks: [analyseTask], outcomes: [doneAt(1)] });
  expect(shownValue(analysed, { entry: 0, id: 'quality', shown: 'after' })).toBe(0.5);
  expect(shownValue(analysed, { entry: 0, id: 'quality', shown: 'change' })).toBeNull();
});

test('filters and their counts', () => {
  expect([0, 1, 2].map((entry) => verdictOf(queue, entry))).toEqual(['better', null, 'worse']);
  expect(filterCounts(queue)).toEqual({ all: 4, done: 2, failed: 1, waiting: 1, better: 1, worse: 1 });
  const working = begun(resumed(queue), { entry: 3, at: 0 });
  expect(
    sortedEntries(working, { sorting: { by: 'file', ascending: true }, shown: 'after', filter: 'waiting' }),
  ).toEqual([3]);
});

test('means are of the same images before and after', () => {
  expect(summaryOf(queue, { task: 0, id: 'quality' })).toEqual({
    count: 2,
    before: 0.625,
    after: 0.5,
    better: 1,
    worse: 1,
  });
  expect(summaryOf(queue, { task: 0, id: 'psnr' })).toBeNull();
});

test('points have both values', () => {
  const points = plotPoints(queue, { x: { id: 'quality', when: 'before' }, y: { id: 'quality', when: 'after' } });
  expect(points).toEqual([
    { entry: 0, task: 0, x: 0.5, y: 0.75 },
    { entry: 2, task: 0, x: 0.75, y: 0.25 },
  ]);
});

test.each([
  [[0.31, 0.74], { min: 0.2, max: 0.8, count: 4 }],
  [[3, 3], { min: 3, max: 4, count: 2 }],
  [[-4, 17], { min: -10, max: 20, count: 4 }],
  [[0, 0], { min: 0, max: 0.5, count: 2 }],
])('a range of round numbers around %j', (values, { min, max, count }) => {
  const range = niceRange(values);
  expect(range?.min).toBeCloseTo(min);
  expect(range?.max).toBeCloseTo(max);
  expect(range?.ticks.length).toBe(count);
});

test('no values, no range', () => expect(niceRange([])).toBeNull());
