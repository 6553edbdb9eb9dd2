import { expect, test } from 'vitest';
import { SerialQueue } from './serialQueue.ts';

test('tasks never overlap and keep their order', async () => {
  const queue = new SerialQueue();
  const events: string[] = [];
  const task = (name: string) => async () => {
    events.push(`${name} starts`);
    await new Promise((resolve) => setTimeout(resolve, name === 'a' ? 5 : 0));
    events.push(`${name} ends`);
    return name;
  };
  expect(await Promise.all([queue.run(task('a')), queue.run(task('b'))])).toEqual(['a', 'b']);
  expect(events).toEqual(['a starts', 'a ends', 'b starts', 'b ends']);
});

test('a failed task rejects for its caller alone', async () => {
  const queue = new SerialQueue();
  const failed = queue.run(() => {
    throw new Error('no');
  });
  const next = queue.run(() => 'yes');
  await expect(failed).rejects.toThrow('no');
  expect(await next).toBe('yes');
});
