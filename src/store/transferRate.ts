/** Time constant of the smoothing, ms: long enough to be readable, short enough to follow a network that changes. */
const SMOOTHING = 4000;
/** Shorter spans tell more of how packets arrive than of the speed, ms. */
const SHORTEST_SPAN = 250;

/** The speed of something that is counted in bytes, smoothed. */
export interface TransferRate {
  /** Null until it can be told. */
  readonly bytesPerSecond: number | null;
  /** Bytes at the latest moment that counted, and that moment in ms. */
  readonly bytes: number;
  readonly at: number;
}

/** A speed measured from here on: what was done before does not count. */
export function startRate(bytes: number, at: number): TransferRate {
  return { bytesPerSecond: null, bytes, at };
}

/** The speed once more bytes are done: an exponential mean over the time since. A count that falls starts anew. */
export function nextRate(
  rate: TransferRate,
  { bytes, at }: { readonly bytes: number; readonly at: number },
): TransferRate {
  if (bytes < rate.bytes) return { ...rate, bytes, at };
  const span = at - rate.at;
  if (span < SHORTEST_SPAN) return rate;
  const measured = ((bytes - rate.bytes) * 1000) / span;
  const weight = rate.bytesPerSecond === null ? 1 : 1 - Math.exp(-span / SMOOTHING);
  return { bytesPerSecond: (rate.bytesPerSecond ?? 0) * (1 - weight) + measured * weight, bytes, at };
}
