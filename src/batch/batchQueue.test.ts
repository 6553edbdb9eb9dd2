import { describe, expect, test } from 'vitest';
import {
  type BatchQueue,
  begun,
  countStates,
  ended,
  entryOf,
  nextEntry,
  openQueue,
  paused,
  resumed,
  retried,
  returned,
  skipped,
  stateOf,
  withTask,
} from './batchQueue.ts';
import { analyseTask, doneAt, failedWith, imagesOf, refineTask } from './sampleBatch.ts';

const three = () => openQueue(imagesOf('a.png', 'b.png', 'c.png'), { tasks: [analyseTask] });

/** Ends the next entry. */
function step(queue: BatchQueue, outcome = doneAt(1)): BatchQueue {
  const entry = nextEntry(queue);
  if (entry === null) throw new Error('nothing to do');
  return ended(begun(queue, { entry, at: 0 }), outcome);
}

describe('going through the entries', () => {
  test('nothing begins before it is started; then one after another, and at the end it rests', () => {
    expect(nextEntry(three())).toBeNull();
    let queue = resumed(three());
    expect(nextEntry(queue)).toBe(0);
    queue = begun(queue, { entry: 0, at: 5 });
    expect(nextEntry(queue)).toBeNull();
    expect(stateOf(queue, 0)).toBe('working');
    queue = step(step(ended(queue, doneAt(1))));
    expect(countStates(queue)).toEqual({ waiting: 0, working: 0, done: 3, failed: 0, skipped: 0 });
    expect(queue.isRunning).toBe(false);
    expect(resumed(queue).isRunning).toBe(false);
  });

  test('task by task: every image is through the first before the second begins', () => {
    let queue = resumed(openQueue(imagesOf('a', 'b'), { tasks: [analyseTask, refineTask] }));
    const order: string[] = [];
    for (let entry = nextEntry(queue); entry !== null; entry = nextEntry(queue)) {
      const { image, task } = entryOf(queue, entry);
      order.push(`${image.path} ${task.id}`);
      queue = step(queue);
    }
    expect(order).toEqual(['a analyse', 'b analyse', 'a gentle', 'b gentle']);
  });

  test('one broken file stops nothing, nor do a hundred', () => {
    const paths = Array.from({ length: 100 }, (_, i) => `${i}.png`);
    let queue = resumed(openQueue(imagesOf(...paths), { tasks: [analyseTask] }));
    while (nextEntry(queue) !== null) queue = step(queue, failedWith('ImageError'));
    expect(countStates(queue).failed).toBe(100);
    expect(queue.pausedBy).toBeNull();
  });

  test('the same other failure three times in a row is the machine’s: it pauses, and going on tries the rest', () => {
    const paths = Array.from({ length: 8 }, (_, i) => `${i}.png`);
    let queue = resumed(openQueue(imagesOf(...paths), { tasks: [analyseTask] }));
    queue = step(step(queue, failedWith('DeviceLostError')), failedWith('DeviceLostError'));
    queue = step(queue);
    queue = step(step(queue, failedWith('DeviceLostError')), failedWith('OutOfMemoryError'));
    queue = step(queue, failedWith('OutOfMemoryError'));
    expect(queue.isRunning).toBe(true);
    queue = step(queue, failedWith('OutOfMemoryError'));
    expect(queue.isRunning).toBe(false);
    expect(queue.pausedBy?.name).toBe('OutOfMemoryError');
    queue = resumed(queue);
    expect(queue.pausedBy).toBeNull();
    expect(step(queue, failedWith('OutOfMemoryError')).pausedBy).toBeNull();
  });
});

describe('what the user does', () => {
  test('pausing lets the entry at work end; stopping gives it back', () => {
    const working = begun(resumed(three()), { entry: 0, at: 0 });
    const atEnd = ended(paused(working), doneAt(1));
    expect([nextEntry(atEnd), stateOf(atEnd, 0)]).toEqual([null, 'done']);
    const stopped = returned(paused(working));
    expect([nextEntry(stopped), stateOf(stopped, 0)]).toEqual([null, 'waiting']);
    expect(nextEntry(resumed(stopped))).toBe(0);
  });

  test('skipped ones are passed by; only waiting ones can be', () => {
    let queue = skipped(resumed(three()), 0);
    expect(nextEntry(queue)).toBe(1);
    queue = step(queue);
    expect(skipped(queue, 1)).toBe(queue);
    queue = skipped(queue, 2);
    expect(queue.isRunning).toBe(false);
  });

  test('failures wait again, and so does a skipped one that is asked for', () => {
    let queue = step(step(resumed(three()), failedWith('ImageError')));
    queue = skipped(queue, 2);
    expect(countStates(retried(queue))).toMatchObject({ waiting: 1, done: 1, skipped: 1 });
    expect(countStates(retried(queue, [1, 2]))).toMatchObject({ waiting: 1, done: 1, failed: 1 });
    expect(nextEntry(resumed(retried(queue)))).toBe(0);
  });

  test('another task goes over all images and keeps what there is', () => {
    const queue = withTask(step(resumed(three())), refineTask);
    expect(countStates(queue)).toMatchObject({ done: 1, waiting: 5 });
    expect(entryOf(queue, 3)).toMatchObject({ image: { path: 'a.png' }, task: { id: 'gentle' } });
  });
});

test('misuse is refused', () => {
  const working = begun(resumed(three()), { entry: 0, at: 0 });
  expect(() => begun(working, { entry: 1, at: 0 })).toThrow(RangeError);
  expect(() => begun(three(), { entry: 9, at: 0 })).toThrow(RangeError);
  expect(() => ended(three(), doneAt(1))).toThrow(RangeError);
  expect(() => entryOf(three(), 3)).toThrow(RangeError);
});
