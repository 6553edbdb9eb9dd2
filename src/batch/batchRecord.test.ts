import { describe, expect, test } from 'vitest';
import {
  BATCH_FORMAT,
  type BatchRecord,
  entryName,
  parseBatchRecord,
  parseOutcome,
  type RecordDefaults,
  writeBatchRecord,
  writeOutcome,
} from './batchRecord.ts';
import {
  analyseTask,
  doneAt,
  failedWith,
  imagesOf,
  refineTask,
  resultOf,
  sampleAnalysisSettings,
  sampleRefineSettings,
} from './sampleBatch.ts';

const defaults: RecordDefaults = {
  analysis: sampleAnalysisSettings,
  strategies: ['gRefine'],
  refineSettings: (stored) => ({ ...sampleRefineSettings, ...(stored as object) }),
};
const batch: BatchRecord = {
  format: BATCH_FORMAT,
  name: 'Dogs & “cats” 🐕',
  createdAt: 1_700_000_000_000,
  images: [...imagesOf('a.png', 'deep/b.png'), { path: 'c.png', size: 0, prompt: 'a\n"hat"' }],
  tasks: [analyseTask, refineTask],
  otherwisePrompt: '',
};

/** The record with a part of it changed. */
const changed = (change: (stored: Record<string, unknown>) => void): string => {
  const stored = JSON.parse(writeBatchRecord(batch)) as Record<string, unknown>;
  change(stored);
  return JSON.stringify(stored);
};

describe('batch.json', () => {
  test('comes back as it was written', () => {
    expect(parseBatchRecord(writeBatchRecord(batch), defaults)).toEqual(batch);
  });

  test.each<[string, (stored: Record<string, unknown>) => void]>([
    ['it has format 2, and this version of the app reads 1', (stored) => (stored.format = 2)],
    ['images is no list', (stored) => (stored.images = {})],
    ['it names no images', (stored) => (stored.images = [])],
    ['it names an image twice', (stored) => (stored.images = [...imagesOf('a'), ...imagesOf('a')])],
    ['the size of an image is no whole number', (stored) => (stored.images = [{ path: 'a', size: -1, prompt: null }])],
    ['the prompt of an image is no text', (stored) => (stored.images = [{ path: 'a', size: 1, prompt: 3 }])],
    ['a task has no usable id', (stored) => (stored.tasks = [{ ...analyseTask, id: '../x' }])],
    ['two of its tasks have the same id', (stored) => (stored.tasks = [analyseTask, analyseTask])],
    ['the work of a task is of no known kind', (stored) => (stored.tasks = [{ ...analyseTask, work: { kind: 'x' } }])],
    [
      'this version does not know its strategy "x"',
      (stored) => (stored.tasks = [{ ...refineTask, work: { ...refineTask.work, strategy: 'x' } }]),
    ],
    ['name is empty', (stored) => (stored.name = '')],
  ])('refused: %s', (message, change) => {
    expect(() => parseBatchRecord(changed(change), defaults)).toThrow(message);
  });

  test('cut off, or no JSON at all', () => {
    expect(() => parseBatchRecord(writeBatchRecord(batch).slice(0, 80), defaults)).toThrow(
      'it is no JSON, or was cut off',
    );
    expect(() => parseBatchRecord('[]', defaults)).toThrow('it is no object');
  });

  test('settings that are damaged or missing are the usual ones', () => {
    const text = changed((stored) => {
      stored.tasks = [{ ...analyseTask, analysis: { perceptualMode: 'x', nounThreshold: 7, imageSize: 448 } }];
    });
    expect(parseBatchRecord(text, defaults).tasks[0]?.analysis).toEqual({ ...sampleAnalysisSettings, imageSize: 448 });
  });
});

describe('the outcome of an entry', () => {
  test.each([
    ['done', doneAt(5, 1234, resultOf(0.25, 0.75))],
    ['analysed', doneAt(5)],
    ['failed', failedWith('ImageError', 'Cannot open “a”')],
    ['skipped', { state: 'skipped' as const }],
  ])('%s comes back as it was written', (_, outcome) => {
    expect(parseOutcome(writeOutcome(outcome))).toEqual(outcome);
  });

  test('measures that this version does not know are left out', () => {
    const text = writeOutcome(doneAt(1)).replace('"quality"', '"beauty"');
    expect(parseOutcome(text)).toEqual(doneAt(1, 1000, { ...resultOf(0.5), before: { match: 0.25 } }));
  });

  test.each([
    ['its state is not known', '{"format":1,"state":"x"}'],
    ['result is no object', '{"format":1,"state":"done"}'],
    ['problem.name is no text', '{"format":1,"state":"failed","problem":{}}'],
    ['result.before.quality is no number', writeOutcome(doneAt(1)).replace('"quality":0.5', '"quality":"x"')],
    ['result.outcome is not known', writeOutcome(doneAt(1)).replace('"analysed"', '"x"')],
    ['it is no JSON, or was cut off', ''],
  ])('refused: %s', (message, text) => {
    expect(() => parseOutcome(text)).toThrow(message);
  });
});

test('files of entries are named by image and task', () => {
  expect(entryName(7, analyseTask)).toBe('0007-analyse');
});
