import type { SyntheticDtype } from '../../e2e/hub/syntheticCheckpoint.ts';
import type { Precision } from '../../src/graph/weights.ts';

/** Models of `models.ts`. */
export type BenchModel = 'sdxl' | 'sd15' | 'text';

/** One round, in a browser of its own. */
export interface BenchRequest {
  /**
   * `compile`: into packs, as the app does. `copy`: the same bytes as they are. `convert`: compiled and forgotten, which shows
   * what the disk does not.
   */
  readonly task: 'compile' | 'copy' | 'convert';
  readonly model: BenchModel;
  readonly dtype: SyntheticDtype;
  readonly precision: Precision;
  /** `file`: as from a folder on this machine. `stream`: over HTTP; `hashed`: with the file's SHA-256 taken meanwhile. */
  readonly from: 'file' | 'stream' | 'hashed';
  /** Asks the browser for its memory again and again, which costs time: such a round is not for timing. */
  readonly watchMemory: boolean;
}

export interface BenchResult {
  readonly milliseconds: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** What the browser says of all heaps and ArrayBuffers: before, and the most seen; 0 where it was not asked. */
  readonly idleBytes: number;
  readonly peakBytes: number;
}
