import type { Precision } from '../../src/graph/weights.ts';
import { Runtime } from '../../src/runtime/runtime.ts';
import type { Tier } from '../../src/runtime/status.ts';
import type { Comparison } from '../clip/clipComparison.ts';
import { compareUnet, type TinyUnet } from './unetComparison.ts';

/** What `unet.spec.ts` calls. Results are plain data. */
const tests = {
  /** Compares a tiny UNet with its goldens on one tier. */
  async compare(
    name: TinyUnet,
    { tier, ...options }: { tier: Tier; precision: Precision; blocks: boolean },
  ): Promise<Comparison[]> {
    const runtime = await Runtime.start({ preferred: tier });
    try {
      if (runtime.status.tier !== tier) throw new Error(JSON.stringify(runtime.status));
      return await compareUnet(name, {
        ...options,
        provider: tier === 'wasm' ? 'wasm' : 'webgpu',
        readFixture,
        createSession: (model, shards) =>
          runtime.createSession(
            model,
            [...shards].map(([path, data]) => ({ path, data })),
          ),
      });
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

export type UnetTests = typeof tests;
Object.assign(globalThis, { unetTests: tests });
