import type { Precision } from '../../src/graph/weights.ts';
import { Runtime } from '../../src/runtime/runtime.ts';
import type { Tier } from '../../src/runtime/status.ts';
import type { Comparison } from '../clip/clipComparison.ts';
import {
  AUTOENCODERS,
  type CodecOptions,
  compareAutoencoder,
  compareTextEncoder,
  type TinyAutoencoder,
  type TinyTextEncoder,
} from './codecComparison.ts';

/** What `codecs.spec.ts` calls. Results are plain data. */
const tests = {
  /** Compares an autoencoder or text encoder of a tiny pipeline with its goldens on one tier. */
  async compare(
    name: TinyAutoencoder | TinyTextEncoder,
    { tier, precision }: { tier: Tier; precision: Precision },
  ): Promise<Comparison[]> {
    const runtime = await Runtime.start({ preferred: tier });
    try {
      if (runtime.status.tier !== tier) throw new Error(JSON.stringify(runtime.status));
      const options: CodecOptions = {
        precision,
        provider: tier === 'wasm' ? 'wasm' : 'webgpu',
        readFixture,
        createSession: (model, shards) =>
          runtime.createSession(
            model,
            [...shards].map(([path, data]) => ({ path, data })),
          ),
      };
      return await (isAutoencoder(name) ? compareAutoencoder(name, options) : compareTextEncoder(name, options));
    } finally {
      await runtime.dispose();
    }
  },
};

function isAutoencoder(name: TinyAutoencoder | TinyTextEncoder): name is TinyAutoencoder {
  return Object.hasOwn(AUTOENCODERS, name);
}

async function readFixture(path: string): Promise<Uint8Array> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

export type CodecTests = typeof tests;
Object.assign(globalThis, { codecTests: tests });
