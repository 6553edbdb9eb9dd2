import type { ExternalShard } from './session.ts';
import { ShardBlob } from './shardBlob.ts';
import type { Tier } from './status.ts';
import { type Weights, widenWeights } from './widenedWeights.ts';

/** Stored weights as each tier loads them. */
export class TierWeights {
  readonly stored: Weights;
  #widened: Weights | null = null;

  constructor(stored: Weights) {
    this.stored = stored;
  }

  /** Half precision is widened for GPUs without it; WebAssembly widens as it loads, as fast and as lean (measured). */
  on(tier: Tier): Weights {
    if (tier !== 'webgpu-fp32') return this.stored;
    this.#widened ??= widenWeights(this.stored);
    return this.#widened;
  }
}

/**
 * Shards as sessions take them.
 * @param onBytes told how many bytes are read, as they are
 */
export function externalShards(weights: readonly Weights[], onBytes: (count: number) => void): ExternalShard[] {
  return weights.flatMap(({ shards }) =>
    [...shards].map(([path, data]) => ({ path, data: new ShardBlob(data, onBytes) })),
  );
}
