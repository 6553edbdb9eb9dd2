import { beforeEach, expect, test } from 'vitest';
import { emptyBrowser } from '../../e2e/packs/packHarness.ts';
import { type Activity, PackActivity } from './packActivity.ts';
import { asTheOnlyJob } from './packLocks.ts';

beforeEach(() => {
  emptyBrowser();
});

/** Lets messages between tabs arrive. */
const rest = () => new Promise((resolve) => setTimeout(resolve, 30));

function watch(tab: PackActivity<string>): Activity<string>[] {
  const seen: Activity<string>[] = [];
  tab.watch((activity) => seen.push(activity));
  return seen;
}

test('a second job waits for the first, says so, and can be given up', async () => {
  const order: string[] = [];
  let end = () => {};
  const { signal } = new AbortController();
  const first = asTheOnlyJob(
    async () => {
      order.push('first begins');
      await new Promise<void>((resolve) => (end = resolve));
      order.push('first ends');
    },
    { signal, onWait: () => order.push('first waits') },
  );
  const second = asTheOnlyJob(async () => order.push('second'), { signal, onWait: () => order.push('second waits') });
  const stopping = new AbortController();
  const third = asTheOnlyJob(async () => order.push('third'), { signal: stopping.signal, onWait: () => {} });
  await rest();
  stopping.abort();
  await expect(third).rejects.toMatchObject({ name: 'AbortError' });
  end();
  await Promise.all([first, second]);
  expect(order).toEqual(['first begins', 'second waits', 'first ends', 'second']);
});

test('another tab sees who works, also one that opens meanwhile and one whose worker is gone', async () => {
  const here = new PackActivity<string>();
  const there = new PackActivity<string>();
  const seen = watch(there);
  expect(seen).toEqual([{ running: null, elsewhere: false }]);
  let end = () => {};
  const job = asTheOnlyJob(
    async () => {
      here.running({ jobId: 'a', name: 'CLIP', progress: null });
      await new Promise<void>((resolve) => (end = resolve));
    },
    { signal: new AbortController().signal, onWait: () => {} },
  );
  await rest();
  const running = { jobId: 'a', name: 'CLIP', progress: null };
  expect(here.activity).toEqual({ running, elsewhere: false });
  expect(seen.at(-1)).toEqual({ running, elsewhere: true });

  const late = watch(new PackActivity<string>());
  await rest();
  expect(late.at(-1)).toEqual({ running, elsewhere: true });

  // The tab is closed: it says nothing, but its lock is free.
  end();
  await job;
  await rest();
  expect(seen.at(-1)).toEqual({ running: null, elsewhere: false });
  expect(late.at(-1)).toEqual({ running: null, elsewhere: false });

  const count = seen.length;
  here.ended();
  await rest();
  // The list may have changed.
  expect(seen.length).toBeGreaterThan(count);
});

test('progress is told to other tabs now and then', async () => {
  const here = new PackActivity<string>();
  const seen = watch(new PackActivity<string>());
  const job = async () => {
    for (let i = 0; i < 100; i++) here.running({ jobId: 'a', name: 'CLIP', progress: `${i}` });
    await rest();
  };
  await asTheOnlyJob(job, { signal: new AbortController().signal, onWait: () => {} });
  expect(seen.map(({ running }) => running?.progress)).toEqual([undefined, '0']);
});
