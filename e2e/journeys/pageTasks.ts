import type { Browser, Page } from '@playwright/test';

/** An event of Chromium's trace; times in microseconds. */
interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}

/**
 * Milliseconds of processor time that each task of the page's thread took while `journey` ran, longest first: long ones block a
 * page. Not wall-clock time, which counts other programs that happen to run on the same two cores.
 */
export async function pageTasks(
  { browser, page }: { browser: Browser; page: Page },
  journey: () => Promise<void>,
): Promise<number[]> {
  await browser.startTracing(page, { categories: ['toplevel', '__metadata'] });
  let trace: Buffer;
  try {
    await journey();
  } finally {
    trace = await browser.stopTracing();
  }
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] };
  const thread = (event: TraceEvent) => `${event.pid}:${event.tid}`;
  const pageThreads = new Set(
    traceEvents.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain').map(thread),
  );
  const tasks = traceEvents.filter(
    (event) => event.name === 'ThreadControllerImpl::RunTask' && event.ph === 'X' && pageThreads.has(thread(event)),
  );
  if (tasks.length === 0) throw new Error('The trace has no tasks of the page’s thread');
  return tasks.map(({ tdur = 0 }) => tdur / 1000).sort((a, b) => b - a);
}
