import { Runtime } from '../../src/runtime/runtime.ts';
import type { Tier } from '../../src/runtime/status.ts';

/** The one of `onKeptTier`; a page has one runtime at a time. */
let kept: Runtime | null = null;

/**
 * Uses a runtime of its own on one tier.
 * @throws the machine does not have it
 */
export async function onTier<T>(tier: Tier, use: (runtime: Runtime) => Promise<T>): Promise<T> {
  await disposeKept();
  const runtime = await startOn(tier);
  try {
    return await use(runtime);
  } finally {
    await runtime.dispose();
  }
}

/**
 * Uses a runtime on one tier that stays for the next use: starting one and compiling its kernels takes longer than most of what
 * is compared. For what disposes its sessions.
 * @throws the machine does not have it
 */
export async function onKeptTier<T>(tier: Tier, use: (runtime: Runtime) => Promise<T>): Promise<T> {
  if (kept?.status.tier !== tier) {
    await disposeKept();
    kept = await startOn(tier);
  }
  return use(kept);
}

async function disposeKept(): Promise<void> {
  await kept?.dispose();
  kept = null;
}

async function startOn(tier: Tier): Promise<Runtime> {
  const runtime = await Runtime.start({ preferred: tier });
  if (runtime.status.tier === tier) return runtime;
  const status = JSON.stringify(runtime.status);
  await runtime.dispose();
  throw new Error(status);
}
