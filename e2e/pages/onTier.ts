import { Runtime } from '../../src/runtime/runtime.ts';
import type { Tier } from '../../src/runtime/status.ts';

/**
 * Uses a runtime of its own on one tier.
 * @throws the machine does not have it
 */
export async function onTier<T>(tier: Tier, use: (runtime: Runtime) => Promise<T>): Promise<T> {
  const runtime = await Runtime.start({ preferred: tier });
  try {
    if (runtime.status.tier !== tier) throw new Error(JSON.stringify(runtime.status));
    return await use(runtime);
  } finally {
    await runtime.dispose();
  }
}
