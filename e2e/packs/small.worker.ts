import '../../src/trustedTypes.ts';
import { expose } from 'comlink';
import { packWorkerApi } from '../../workers/packWorkerApi.ts';

/** The app's worker, with sizes and patience that let a small model have all that happens to large ones. */
expose(
  packWorkerApi({
    sizes: { shardLimit: 3_000_000, blockBytes: 262_144, commitBytes: 500_000 },
    limits: { stallMs: 1500, attempts: 2, firstPauseMs: 10, longestPauseMs: 100 },
  }),
);
