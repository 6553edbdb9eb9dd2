import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PROGRESS_INTERVAL, throttledProgress } from './throttledProgress.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp() {
  const told: string[] = [];
  const { tell, stop } = throttledProgress<{ stage: string; done: number }>(({ stage, done }) =>
    told.push(`${stage}${done}`),
  );
  return { told, stop, tell: (stage: string, done: number) => tell({ stage, done }) };
}

test('within a stage it is told a few times a second, and the last of it always', () => {
  const { told, tell } = setUp();
  for (let done = 0; done < 10; done++) tell('a', done);
  expect(told).toEqual(['a0']);
  vi.advanceTimersByTime(PROGRESS_INTERVAL);
  expect(told).toEqual(['a0', 'a9']);
  tell('a', 10);
  expect(told).toEqual(['a0', 'a9']);
  vi.advanceTimersByTime(PROGRESS_INTERVAL);
  expect(told).toEqual(['a0', 'a9', 'a10']);
  vi.advanceTimersByTime(PROGRESS_INTERVAL);
  tell('a', 11);
  expect(told).toEqual(['a0', 'a9', 'a10', 'a11']);
});

test('a new stage is told at once, and nothing of the old one after it', () => {
  const { told, tell } = setUp();
  tell('a', 0);
  tell('a', 1);
  tell('b', 0);
  vi.advanceTimersByTime(PROGRESS_INTERVAL * 3);
  expect(told).toEqual(['a0', 'b0']);
});

test('after the stop nothing is told', () => {
  const { told, tell, stop } = setUp();
  tell('a', 0);
  tell('a', 1);
  stop();
  vi.advanceTimersByTime(PROGRESS_INTERVAL * 3);
  expect(told).toEqual(['a0']);
});
