import type { Precision } from '../../src/graph/weights.ts';

/** One installation, in a browser of its own. */
export interface BenchRequest {
  readonly precision: Precision;
}

export interface BenchResult {
  readonly milliseconds: number;
  /** Bytes the hub has of the model. */
  readonly publishedBytes: number;
  readonly packBytes: number;
  /** What the browser says of all heaps and ArrayBuffers: before, and the most of `samples` answers. */
  readonly idleBytes: number;
  readonly peakBytes: number;
  readonly samples: number;
}
