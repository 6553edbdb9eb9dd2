import { expect, test } from 'vitest';
import { timeLeft } from './batchPace.ts';
import { type BatchQueue, begun, ended, openQueue, resumed } from './batchQueue.ts';
import { analyseTask, doneAt, failedWith, imagesOf, refineTask } from './sampleBatch.ts';

const run = (queue: BatchQueue, entry: number, took: number) =>
  ended(begun(queue, { entry, at: 0 }), doneAt(entry, took));

test('nothing is told before something is measured, nor when nothing is left', () => {
  let queue = resumed(openQueue(imagesOf('a', 'b'), { tasks: [analyseTask] }));
  expect(timeLeft(queue, 0)).toBeNull();
  queue = run(queue, 0, 100);
  expect(timeLeft(queue, 0)).toEqual({ milliseconds: 100, of: 'all' });
  expect(timeLeft(run(queue, 1, 100), 0)).toBeNull();
});

test('the first, which loads the models, counts only until there is another', () => {
  let queue = resumed(openQueue(imagesOf('a', 'b', 'c', 'd'), { tasks: [analyseTask] }));
  queue = run(queue, 0, 9000);
  expect(timeLeft(queue, 0)?.milliseconds).toBe(27_000);
  queue = run(queue, 1, 1000);
  expect(timeLeft(queue, 0)?.milliseconds).toBe(2000);
  queue = run(queue, 2, 3000);
  expect(timeLeft(queue, 0)?.milliseconds).toBe(2000);
});

test('it counts down while one is at work, and waits where that takes longer than usual', () => {
  let queue = resumed(openQueue(imagesOf('a', 'b', 'c'), { tasks: [analyseTask] }));
  queue = begun(run(queue, 0, 1000), { entry: 1, at: 50_000 });
  expect([50_000, 50_400, 51_000, 99_000].map((at) => timeLeft(queue, at)?.milliseconds)).toEqual([
    2000, 1600, 1000, 1000,
  ]);
});

test('only the last twenty count: a machine that became slower is told', () => {
  const paths = Array.from({ length: 60 }, (_, i) => `${i}`);
  let queue = resumed(openQueue(imagesOf(...paths), { tasks: [analyseTask] }));
  for (let entry = 0; entry < 20; entry++) queue = run(queue, entry, 10);
  for (let entry = 20; entry < 40; entry++) queue = run(queue, entry, 100);
  expect(timeLeft(queue, 0)?.milliseconds).toBe(2000);
});

test('a task that was never measured is left out, and that is said; failures measure nothing', () => {
  let queue = resumed(openQueue(imagesOf('a', 'b'), { tasks: [analyseTask, refineTask] }));
  queue = run(queue, 0, 500);
  expect(timeLeft(queue, 0)).toEqual({ milliseconds: 500, of: 'some' });
  queue = ended(begun(queue, { entry: 1, at: 0 }), failedWith('ImageError'));
  expect(timeLeft(queue, 0)).toBeNull();
});

test('an earlier visit’s speed is known after a reload', () => {
  const outcomes = [doneAt(1, 8000), doneAt(2, 200), null];
  expect(timeLeft(openQueue(imagesOf('a', 'b', 'c'), { tasks: [analyseTask], outcomes }), 0)).toEqual({
    milliseconds: 200,
    of: 'all',
  });
});
