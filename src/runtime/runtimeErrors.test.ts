import { expect, test } from 'vitest';
import { UserError } from '../errors.ts';
import { asUserError } from './runtimeErrors.ts';

test.each([
  new RangeError('Array buffer allocation failed'),
  new Error("Can't create a session. failed to allocate a buffer of size 4294967296."),
  'std::bad_alloc',
  { message: 'Out of memory' },
  new Error('OutputMLValue: Calculation for Tensor storage size overflowed'),
  new Error('Too many storage buffers in shader. Current: 31, Max is 16'),
])('%s is a full memory', (error) => {
  expect(asUserError(error)).toMatchObject({ name: 'OutOfMemoryError', cause: error });
});

test('other errors stay what they are', () => {
  const error = new Error('failed to call OrtRun(). ERROR_CODE: 2, invalid dimensions for input: x');
  expect(asUserError(error)).toBe(error);
  const lost = new UserError('DeviceLostError', 'The GPU ran out of memory and was lost');
  expect(asUserError(lost)).toBe(lost);
});
