import { GraphBuilder } from '../../src/graph/builder.ts';
import { fromChannelsFirst, groupNorm, toChannelsFirst } from '../../src/graph/imageLayers.ts';
import { cast } from '../../src/graph/layers.ts';
import type { Precision } from '../../src/graph/weights.ts';
import type { Tier } from '../../src/runtime/status.ts';
import type { Comparison } from '../clip/clipComparison.ts';
import { fetchFixture } from '../pages/fetchFixture.ts';
import { onKeptTier, onTier } from '../pages/onTier.ts';
import { compareUnet, type TinyUnet } from './unetComparison.ts';

/** What `unet.spec.ts` calls. Results are plain data. */
const tests = {
  /** Compares a tiny UNet with its goldens on one tier. */
  async compare(
    name: TinyUnet,
    { tier, ...options }: { tier: Tier; precision: Precision; blocks: boolean },
  ): Promise<Comparison[]> {
    return onKeptTier(tier, (runtime) =>
      compareUnet(name, {
        ...options,
        provider: tier === 'wasm' ? 'wasm' : 'webgpu',
        readFixture: fetchFixture,
        createSession: (model, shards) =>
          runtime.createSession(
            model,
            [...shards].map(([path, data]) => ({ path, data })),
          ),
      }),
    );
  },

  /**
   * Largest error of group normalisation in half precision, relative to its largest number, for images as they occur deep in
   * a UNet: thousands with a few outliers, far from zero.
   * @param shift whether something is added to each channel before, in the same kernels
   */
  async normaliseLarge({ shift }: { shift: boolean }): Promise<number> {
    const [channels, height, width, groups, epsilon] = [8, 64, 32, 2, 1e-5];
    const pixels = height * width;
    const x = Float32Array.from({ length: channels * pixels }, (_, i) => {
      return 3000 + Math.sin(i * 1.3) * (i % 997 === 0 ? 30_000 : 1500);
    });
    const added = Float32Array.from({ length: channels }, (_, c) => (shift ? 500 * Math.cos(c) : 0));
    const stored = { type: 'float16', dims: [channels], shard: 's', byteLength: 2 * channels } as const;
    const g = new GraphBuilder('large', {
      'n.scale': { ...stored, offset: 0 },
      'n.bias': { ...stored, offset: 2 * channels },
    });
    const half = (name: string, dims: readonly number[]) =>
      cast(g, g.input(name, 'float32', dims), { from: 'float32', to: 'float16' });
    const dims = [1, channels, height, width];
    const image = fromChannelsFirst(g, half('x', dims), { provider: 'webgpu', batch: 1, channels, height, width });
    const options = { name: 'n', groups, epsilon, ...(shift ? { shift: half('shift', [1, channels]) } : {}) };
    const normed = toChannelsFirst(g, groupNorm(g, image, options));
    g.output('y', cast(g, normed, { from: 'float16', to: 'float32' }), { type: 'float32', dims });
    const weights = new Uint16Array(2 * channels).fill(0x3c00, 0, channels); // ones, then zeros
    const { y } = await onTier('webgpu-fp16', async (runtime) => {
      const session = await runtime.createSession(g.toBytes(), [{ path: 's', data: new Uint8Array(weights.buffer) }]);
      const shifts = { shift: { dims: [1, channels], data: added } };
      return session.run({ x: { dims, data: x }, ...(shift ? shifts : {}) });
    });

    let [largest, largestError] = [0, 0];
    const size = x.length / groups;
    for (let start = 0; start < x.length; start += size) {
      const group = Array.from(x.subarray(start, start + size), (value, i) => {
        return value + (added[Math.floor((start + i) / pixels)] as number);
      });
      const mean = group.reduce((sum, value) => sum + value, 0) / size;
      const deviation = Math.sqrt(group.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size + epsilon);
      group.forEach((value, i) => {
        const exact = (value - mean) / deviation;
        largest = Math.max(largest, Math.abs(exact));
        largestError = Math.max(largestError, Math.abs(exact - Number(y?.data[start + i])));
      });
    }
    return largestError / largest;
  },
};

export type UnetTests = typeof tests;
Object.assign(globalThis, { unetTests: tests });
