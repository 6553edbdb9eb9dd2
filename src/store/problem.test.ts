import { expect, test } from 'vitest';
import { UserError } from '../errors.ts';
import { adviceFor, isAbort, toProblem } from './problem.ts';

test('every advice tells what happened, what it means and one remedy', () => {
  const names = [
    'WebGpuUnavailableError',
    'TierUnavailableError',
    'DeviceLostError',
    'OutOfMemoryError',
    'DownloadError',
    'CheckpointError',
    'UnsupportedModelError',
    'PackMissingError',
    'NumbersError',
    'ImageError',
    'TableError',
    'StorageError',
  ] as const;
  const advice = names.map((name) => adviceFor(toProblem(new UserError(name, 'why'), 'analyse')));
  for (const { title, meaning, label } of advice)
    for (const words of [title, meaning, label]) expect(words).not.toBe('');
  expect(new Set(advice.map(({ title }) => title)).size).toBe(names.length);
});

test('an error that no table knows is answered by a restart', () => {
  const problem = toProblem(new TypeError('x is not a function'), 'analyse');
  expect(problem).toEqual({ name: 'TypeError', message: 'x is not a function', during: 'analyse' });
  expect(adviceFor(problem).remedy).toBe('restartWorkers');
  expect(adviceFor(toProblem('thrown as text', 'open')).remedy).toBe('restartWorkers');
});

test('names that every object has are no names of errors', () => {
  expect(adviceFor({ name: 'constructor', message: '', during: 'open' }).remedy).toBe('restartWorkers');
});

test('too little memory while a model is added leads to a smaller precision, else to the processor', () => {
  const error = new UserError('OutOfMemoryError', 'full');
  expect(adviceFor(toProblem(error, 'install')).remedy).toBe('addModel');
  expect(adviceFor(toProblem(error, 'analyse')).remedy).toBe('useProcessor');
});

test('a cancelled job is no problem', () => {
  expect(isAbort(new DOMException('stopped', 'AbortError'))).toBe(true);
  expect(isAbort(new Error('AbortError'))).toBe(false);
});

test('a refinement that fails keeps everything and has a remedy of its own', () => {
  const refining = (name: ConstructorParameters<typeof UserError>[0]) =>
    adviceFor(toProblem(new UserError(name, 'why'), 'refine'));
  expect(refining('OutOfMemoryError').remedy).toBe('showPacks');
  expect(refining('TierUnavailableError').remedy).toBe('useExactNumbers');
  expect(refining('NumbersError').remedy).toBe('useExactNumbers');
  const numbers = toProblem(new UserError('NumbersError', 'why'), 'refine');
  expect(adviceFor(numbers, { tier: 'webgpu-fp32' }).remedy).toBe('useExactNumbers');
  expect(adviceFor(numbers, { tier: 'wasm' }).remedy).toBe('showPacks');
  expect(refining('DeviceLostError')).toMatchObject({ remedy: 'retry', label: 'Refine again' });
  for (const name of ['OutOfMemoryError', 'TierUnavailableError', 'DeviceLostError', 'CheckpointError'] as const)
    expect(refining(name).meaning).toContain('earlier results are kept');
  expect(adviceFor(toProblem(new UserError('ImageError', 'why'), 'save')).remedy).toBe('showSave');
});
