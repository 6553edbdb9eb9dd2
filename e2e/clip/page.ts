import { GraphBuilder } from '../../src/graph/builder.ts';
import type { Precision } from '../../src/graph/weights.ts';
import { Runtime } from '../../src/runtime/runtime.ts';
import type { Tier } from '../../src/runtime/status.ts';
import { type Comparison, compareClip, type TinyCheckpoint } from './clipComparison.ts';

/** What `clip.spec.ts` calls. Results are plain data. */
const tests = {
  /** Compares a tiny checkpoint with its goldens on one tier. */
  compare(
    checkpoint: TinyCheckpoint,
    { tier, ...options }: { tier: Tier; precision: Precision; imageSizes: readonly number[] },
  ): Promise<Comparison[]> {
    return onTier(tier, (runtime) =>
      compareClip(checkpoint, {
        ...options,
        readFixture,
        createSession: (model, shards) =>
          runtime.createSession(
            model,
            [...shards].map(([path, data]) => ({ path, data })),
          ),
      }),
    );
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

async function onTier<T>(tier: Tier, use: (runtime: Runtime) => Promise<T>): Promise<T> {
  const runtime = await Runtime.start({ preferred: tier });
  try {
    if (runtime.status.tier !== tier) throw new Error(JSON.stringify(runtime.status));
    return await use(runtime);
  } finally {
    await runtime.dispose();
  }
}

async function readFixture(path: string): Promise<Uint8Array> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

export type ClipTests = typeof tests;
Object.assign(globalThis, { clipTests: tests });
