/** Milliseconds of a run by the operator's name, as onnxruntime's profiler counts them. */
export type OperatorTimes = Readonly<Record<string, number>>;

interface ProfileEvent {
  readonly name: string;
  /** In microseconds. */
  readonly dur: number;
  readonly args: { readonly op_name?: string };
}

/**
 * Starts to read what onnxruntime's profiler prints. Call it before onnxruntime is loaded: it prints through the console it
 * finds then.
 * @returns tells the times of the fastest run since it was last asked. A session prints when it ends its profiling
 */
export function watchProfile(): () => OperatorTimes {
  let events: ProfileEvent[] = [];
  const { log } = console;
  console.log = (...args: unknown[]) => {
    // An array with one event a line.
    for (const line of args.join(' ').split('\n')) {
      const text = line.trim().replace(/[,\]]+$/, '');
      if (!text.startsWith('{')) continue;
      try {
        events.push(JSON.parse(text));
      } catch {
        log(line);
      }
    }
  };
  return () => {
    const times = fastestRun(events);
    events = [];
    return times;
  };
}

/** @param events in the order they ended, so that those of a run stand before the run's own */
function fastestRun(events: readonly ProfileEvent[]): OperatorTimes {
  let fastest: OperatorTimes | null = null;
  let shortest = Number.POSITIVE_INFINITY;
  let times: Record<string, number> = {};
  for (const { name, dur, args } of events) {
    const { op_name: operator } = args;
    if (operator && name.endsWith('_kernel_time')) times[operator] = (times[operator] ?? 0) + dur / 1000;
    if (name !== 'model_run') continue;
    if (dur < shortest) [shortest, fastest] = [dur, times];
    times = {};
  }
  if (!fastest) throw new Error('The profiler printed no run');
  return fastest;
}
