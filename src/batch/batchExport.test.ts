import { describe, expect, test } from 'vitest';
import { parseCsv } from '../table/csv.ts';
import { batchCsv, batchJson, measuresIn, refinedPaths } from './batchExport.ts';
import { openQueue } from './batchQueue.ts';
import { analyseTask, doneAt, failedWith, imagesOf, refineTask, resultOf } from './sampleBatch.ts';

/** The table as objects, a line each. */
function lines(csv: string): Record<string, string>[] {
  const [header = [], ...rows] = parseCsv(csv);
  return rows.map((row) => Object.fromEntries(header.map((name, i) => [name, row[i] ?? ''])));
}

describe('CSV', () => {
  test('a line for each image in each task, with what became of it', () => {
    const queue = openQueue(imagesOf('a.png', 'b.png', 'c.png', 'd.png'), {
      tasks: [analyseTask],
      outcomes: [doneAt(1, 1500), failedWith('ImageError', 'Cannot open "b.png"'), { state: 'skipped' }, null],
    });
    const table = lines(batchCsv(queue));
    expect(table.map(({ file, state }) => [file, state])).toEqual([
      ['a.png', 'done'],
      ['b.png', 'failed'],
      ['c.png', 'skipped'],
      ['d.png', 'waiting'],
    ]);
    expect(table[0]).toMatchObject({
      task: 'Analyse',
      outcome: 'analysed',
      quality: '0.5',
      match: '0.25',
      seconds: '1.5',
    });
    expect(table[1]?.problem).toBe('ImageError: Cannot open "b.png"');
    expect(table[0]).not.toHaveProperty('quality_after');
  });

  test('before, after and change where something was refined', () => {
    const queue = openQueue(imagesOf('a.png'), {
      tasks: [analyseTask, refineTask],
      outcomes: [doneAt(1), doneAt(2, 1000, resultOf(0.5, 0.75))],
    });
    const [first, second] = lines(batchCsv(queue));
    expect(first).toMatchObject({ quality: '0.5', quality_after: '', quality_change: '', strategy: '' });
    expect(second).toMatchObject({
      quality: '0.5',
      quality_after: '0.75',
      quality_change: '0.25',
      strategy: 'gRefine',
      seed: '7',
      regions: '2',
      regions_kept: '1',
    });
  });

  test('names and prompts of any script survive, and none becomes a formula', () => {
    const prompt = '=HYPERLINK("http://x","猫")';
    const queue = openQueue([{ path: '@ünï "q", 漢.png', size: 1, prompt }], { tasks: [analyseTask] });
    const csv = batchCsv(queue);
    expect(csv).toContain(`"'@ünï ""q"", 漢.png"`);
    expect(lines(csv)[0]).toMatchObject({ file: `'@ünï "q", 漢.png`, prompt: `'${prompt}` });
  });
});

test('JSON has the tasks with their settings and every image with its results', () => {
  const queue = openQueue(imagesOf('=a.png', 'b.png'), {
    tasks: [analyseTask, refineTask],
    outcomes: [doneAt(0), failedWith('ImageError'), doneAt(1_700_000_000_000, 1000, resultOf(1 / 3, 2 / 3))],
  });
  const json = JSON.parse(JSON.stringify(batchJson(queue, { name: 'dogs', version: '1.2.3' })));
  expect(json).toMatchObject({
    format: 1,
    generator: 'g-refine 1.2.3',
    name: 'dogs',
    tasks: [{ id: 'analyse' }, { id: 'gentle', work: { seed: 7, settings: { maskThreshold: 0.4 } } }],
  });
  expect(json.images[0]).toMatchObject({
    file: '=a.png',
    results: [
      { task: 'analyse', state: 'done', after: null },
      {
        task: 'gentle',
        before: { quality: 0.33333 },
        after: { quality: 0.66667 },
        finishedAt: '2023-11-14T22:13:20.000Z',
      },
    ],
  });
  expect(json.images[1].results).toEqual([
    { task: 'analyse', state: 'failed', problem: { name: 'ImageError', message: 'it cannot be read' } },
    { task: 'gentle', state: 'waiting' },
  ]);
});

test('measures come in their usual order, those that there are', () => {
  const outcomes = [doneAt(1, 1, { ...resultOf(0.5), before: { psnr: 3, technical: 0.1, quality: 0.2 } })];
  expect(measuresIn(openQueue(imagesOf('a'), { tasks: [analyseTask], outcomes }))).toEqual([
    'quality',
    'technical',
    'psnr',
  ]);
});

describe('names of refined pictures', () => {
  test('as of the originals, no two the same', () => {
    const queue = openQueue(imagesOf('x/a.png', 'x/A.jpg', 'b'), { tasks: [analyseTask, refineTask] });
    expect(refinedPaths(queue, { entries: [3, 4, 5], extension: 'png' })).toEqual([
      'x/a-refined.png',
      'x/A-refined-2.png',
      'b-refined.png',
    ]);
  });

  test('a folder for each task where several refine', () => {
    const other = { ...refineTask, id: 'strong', title: '../Strong: “all”' };
    const queue = openQueue(imagesOf('a.png'), { tasks: [refineTask, other] });
    expect(refinedPaths(queue, { entries: [0, 1], extension: 'jpg' })).toEqual([
      'Gentle/a-refined.jpg',
      '-Strong- -all-/a-refined.jpg',
    ]);
  });
});
