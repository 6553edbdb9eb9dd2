import type { Precision } from '../../src/graph/weights.ts';
import { Runtime } from '../../src/runtime/runtime.ts';
import type { Tier } from '../../src/runtime/status.ts';
import type { Comparison } from '../clip/clipComparison.ts';
import {
  compareConditionEmbedding,
  compareControlNet,
  comparePasd,
  comparePixelAttention,
  type PasdComparisonOptions,
} from './pasdComparison.ts';

const COMPARISONS = {
  controlNet: (options: PasdComparisonOptions) => compareControlNet('controlnet-sd-tiny', options),
  pasd: comparePasd,
  pixelAttention: comparePixelAttention,
  denseBlocks: (options: PasdComparisonOptions) => compareConditionEmbedding('rrdb', options),
};

/** What `pasd.spec.ts` calls. Results are plain data. */
const tests = {
  /** Makes some of the comparisons with the goldens on one tier. */
  async compare(
    tier: Tier,
    { what, precision }: { what: readonly (keyof typeof COMPARISONS)[]; precision: Precision },
  ): Promise<Comparison[]> {
    const runtime = await Runtime.start({ preferred: tier });
    try {
      if (runtime.status.tier !== tier) throw new Error(JSON.stringify(runtime.status));
      const options: PasdComparisonOptions = {
        provider: tier === 'wasm' ? 'wasm' : 'webgpu',
        precision,
        batch: 2,
        readFixture,
        createSession: (model, shards) =>
          runtime.createSession(
            model,
            [...shards].map(([path, data]) => ({ path, data })),
          ),
      };
      const comparisons: Comparison[] = [];
      for (const name of what) comparisons.push(...(await COMPARISONS[name](options)));
      return comparisons;
    } finally {
      await runtime.dispose();
    }
  },
};

async function readFixture(path: string): Promise<Uint8Array> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

export type PasdTests = typeof tests;
Object.assign(globalThis, { pasdTests: tests });
