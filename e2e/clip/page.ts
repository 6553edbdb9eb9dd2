import { GraphBuilder } from '../../src/graph/builder.ts';
import { addLayerNorm, cast } from '../../src/graph/layers.ts';
import type { Precision, WeightIndex } from '../../src/graph/weights.ts';
import type { Tier } from '../../src/runtime/status.ts';
import { fetchFixture } from '../pages/fetchFixture.ts';
import { onKeptTier, onTier } from '../pages/onTier.ts';
import { type Comparison, compareClip, type TinyCheckpoint } from './clipComparison.ts';

/** What `clip.spec.ts` calls. Results are plain data. */
const tests = {
  /** Compares a tiny checkpoint with its goldens on one tier. */
  compare(
    checkpoint: TinyCheckpoint,
    { tier, ...options }: { tier: Tier; precision: Precision; imageSizes: readonly number[] },
  ): Promise<Comparison[]> {
    return onKeptTier(tier, (runtime) =>
      compareClip(checkpoint, {
        ...options,
        readFixture: fetchFixture,
        createSession: (model, shards) =>
          runtime.createSession(
            model,
            [...shards].map(([path, data]) => ({ path, data })),
          ),
      }),
    );
  },

  /** Largest error of layer normalisation in half precision, relative to its largest number, for tokens with outliers. */
  async normaliseLarge(outlier: number): Promise<number> {
    const [tokens, width] = [8, 768];
    const x = Float32Array.from(
      { length: tokens * width },
      (_, i) => Math.sin(i * 1.3) * (i % 97 === 0 ? outlier : 30),
    );
    const branch = x.map((_, i) => Math.cos(i * 0.7) * 5);
    const weights: WeightIndex = {
      'norm.scale': { type: 'float16', dims: [width], shard: 'shard', offset: 0, byteLength: 2 * width },
      'norm.bias': { type: 'float16', dims: [width], shard: 'shard', offset: 2 * width, byteLength: 2 * width },
    };
    const shard = new Uint16Array(2 * width).fill(0x3c00, 0, width); // ones, then zeros
    const g = new GraphBuilder('large', weights);
    const half = (name: string) =>
      cast(g, g.input(name, 'float32', [tokens, width]), { from: 'float32', to: 'float16' });
    const { normed } = addLayerNorm(g, [half('x'), half('branch')], { name: 'norm', epsilon: 1e-5 });
    g.output('y', cast(g, normed, { from: 'float16', to: 'float32' }), { type: 'float32', dims: [tokens, width] });
    const outputs = await onTier('webgpu-fp16', async (runtime) => {
      const session = await runtime.createSession(g.toBytes(), [{ path: 'shard', data: new Uint8Array(shard.buffer) }]);
      return session.run({ x: { dims: [tokens, width], data: x }, branch: { dims: [tokens, width], data: branch } });
    });
    const y = outputs.y?.data;
    if (!(y instanceof Float32Array)) throw new Error('There is no output');
    const exact = Array.from({ length: tokens }, (_, row) => {
      const values = Array.from({ length: width }, (_, c) => {
        return (x[row * width + c] as number) + (branch[row * width + c] as number);
      });
      const mean = values.reduce((sum, value) => sum + value, 0) / width;
      const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width + 1e-5);
      return values.map((value) => (value - mean) / deviation);
    }).flat();
    const largest = Math.max(...exact.map(Math.abs));
    return Math.max(...exact.map((value, i) => Math.abs(value - (y[i] as number)))) / largest;
  },

  /** Message of what making a session throws for a graph with a node that the GPU cannot run. */
  refuseCpuNode(tier: Tier): Promise<string> {
    const g = new GraphBuilder('determinant', {});
    g.output('y', g.node('Det', [g.input('x', 'float32', [2, 2])]), { type: 'float32', dims: [] });
    return onTier(tier, (runtime) =>
      runtime.createSession(g.toBytes()).then(
        () => 'none',
        (error: Error) => error.message,
      ),
    );
  },
};

export type ClipTests = typeof tests;
Object.assign(globalThis, { clipTests: tests });
