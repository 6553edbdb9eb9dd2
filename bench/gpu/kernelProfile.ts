import type { InferenceSession } from 'onnxruntime-web';
import type { UnetAnswer } from './unetRequest.ts';

/** A line of onnxruntime's profile; times in microseconds. */
interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
}

/**
 * GPU time by kernel over all the runs of a session that was made with `enableProfiling`, which the runtime prints.
 * @returns largest first
 */
export async function collectProfile(session: InferenceSession): Promise<NonNullable<UnetAnswer['profile']>> {
  const printed: string[] = [];
  const { log } = console;
  console.log = (...parts: unknown[]) => {
    printed.push(parts.join(' '));
  };
  try {
    session.endProfiling();
    await new Promise((resolve) => setTimeout(resolve, 500));
  } finally {
    console.log = log;
  }
  const totals = new Map<string, { milliseconds: number; calls: number }>();
  for (const line of printed) {
    const event = parseEvent(line);
    // The rest are the host's: the session, and the nodes it runs.
    if (event?.cat !== 'Api') continue;
    // `Conv2DMM&/conv_in/Conv`: the program and the node.
    const kernel = event.name.split('&').at(-2) ?? event.name;
    const total = totals.get(kernel) ?? { milliseconds: 0, calls: 0 };
    totals.set(kernel, { milliseconds: total.milliseconds + event.dur / 1000, calls: total.calls + 1 });
  }
  return [...totals].map(([kernel, total]) => ({ kernel, ...total })).sort((a, b) => b.milliseconds - a.milliseconds);
}

function parseEvent(line: string): ProfileEvent | null {
  try {
    return JSON.parse(line.trim().replace(/,$/, ''));
  } catch {
    return null;
  }
}
