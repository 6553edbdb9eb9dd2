import type { Precision } from '../../src/graph/weights.ts';
import type { Tier } from '../../src/runtime/status.ts';
import type { Comparison } from '../clip/clipComparison.ts';
import { fetchFixture } from '../pages/fetchFixture.ts';
import { onKeptTier } from '../pages/onTier.ts';
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
    return onKeptTier(tier, async (runtime) => {
      const options: CodecOptions = {
        precision,
        provider: tier === 'wasm' ? 'wasm' : 'webgpu',
        readFixture: fetchFixture,
        createSession: (model, shards) =>
          runtime.createSession(
            model,
            [...shards].map(([path, data]) => ({ path, data })),
          ),
      };
      return isAutoencoder(name) ? compareAutoencoder(name, options) : compareTextEncoder(name, options);
    });
  },
};

function isAutoencoder(name: TinyAutoencoder | TinyTextEncoder): name is TinyAutoencoder {
  return Object.hasOwn(AUTOENCODERS, name);
}

export type CodecTests = typeof tests;
Object.assign(globalThis, { codecTests: tests });
