import { GraphBuilder, type Value } from '../../src/graph/builder.ts';
import { attention, cast } from '../../src/graph/layers.ts';
import type { Precision } from '../../src/graph/weights.ts';
import type { Tier } from '../../src/runtime/status.ts';
import type { Comparison } from '../clip/clipComparison.ts';
import { fetchFixture } from '../pages/fetchFixture.ts';
import { onTier } from '../pages/onTier.ts';
import { countGpuBytes } from '../runtime/gpuBytes.ts';
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

const gpuBytes = navigator.gpu ? countGpuBytes() : () => 0;

/** What `pasd.spec.ts` calls. Results are plain data. */
const tests = {
  /**
   * Attention of as many queries as keys, two heads of 16.
   * @param vendor what the adapter's info says instead of its own: onnxruntime has kernels of its own for some
   * @returns bytes of the GPU that one run took beside inputs and output, and the largest error of the first rows relative to
   *   their largest number
   */
  async attend(
    tier: Tier,
    { tokens, precision, vendor }: { tokens: number; precision: 'fp32' | 'fp16'; vendor: string | null },
  ): Promise<{ bytes: number; error: number }> {
    if (vendor) Object.defineProperty(GPUAdapterInfo.prototype, 'vendor', { get: () => vendor });
    const [heads, size] = [2, 16];
    const width = heads * size;
    const dims = [1, tokens, width];
    const type = precision === 'fp32' ? 'float32' : 'float16';
    const g = new GraphBuilder('attention', {});
    const [q, k, v] = ['q', 'k', 'v'].map((name) =>
      cast(g, g.input(name, 'float32', dims), { from: 'float32', to: type }),
    ) as [Value, Value, Value];
    const attended = cast(g, attention(g, [q, k, v], { heads }), { from: type, to: 'float32' });
    g.output('y', attended, { type: 'float32', dims });
    const numbers = (scale: number, seed: number) =>
      Float32Array.from({ length: tokens * width }, (_, i) => scale * Math.sin(seed + i * i * 0.001 + i * 1.7));
    const feeds = { q: numbers(2, 1), k: numbers(2, 2), v: numbers(1, 3) };

    return onTier(tier, async (runtime) => {
      const session = await runtime.createSession(g.toBytes(), []);
      const before = gpuBytes();
      const outputs = await session.run(
        Object.fromEntries(Object.entries(feeds).map(([name, data]) => [name, { dims, data }])),
      );
      const bytes = gpuBytes() - before;
      const y = outputs.y?.data as Float32Array;
      let [largest, largestError] = [0, 0];
      for (let row = 0; row < 4; row++) {
        for (let head = 0; head < heads; head++) {
          const column = (t: number, i: number) => t * width + head * size + i;
          const weights = Array.from({ length: tokens }, (_, t) => {
            let dot = 0;
            for (let i = 0; i < size; i++)
              dot += (feeds.q[column(row, i)] as number) * (feeds.k[column(t, i)] as number);
            return Math.exp(dot / Math.sqrt(size));
          });
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          for (let i = 0; i < size; i++) {
            const exact =
              weights.reduce((sum, weight, t) => sum + weight * (feeds.v[column(t, i)] as number), 0) / total;
            largest = Math.max(largest, Math.abs(exact));
            largestError = Math.max(largestError, Math.abs(exact - (y[column(row, i)] as number)));
          }
        }
      }
      await session.dispose();
      return { bytes, error: largestError / largest };
    });
  },

  /** Makes some of the comparisons with the goldens on one tier. */
  async compare(
    tier: Tier,
    { what, precision }: { what: readonly (keyof typeof COMPARISONS)[]; precision: Precision },
  ): Promise<Comparison[]> {
    return onTier(tier, async (runtime) => {
      const options: PasdComparisonOptions = {
        provider: tier === 'wasm' ? 'wasm' : 'webgpu',
        precision,
        batch: 2,
        readFixture: fetchFixture,
        createSession: (model, shards) =>
          runtime.createSession(
            model,
            [...shards].map(([path, data]) => ({ path, data })),
          ),
      };
      const comparisons: Comparison[] = [];
      for (const name of what) comparisons.push(...(await COMPARISONS[name](options)));
      return comparisons;
    });
  },
};

export type PasdTests = typeof tests;
Object.assign(globalThis, { pasdTests: tests });
