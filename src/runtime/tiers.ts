import type { AdapterStatus, Tier, TierStatus } from './status.ts';

const TIERS: readonly Tier[] = ['webgpu-fp16', 'webgpu-fp32', 'wasm'];

/** What is known about this machine and its tiers. */
export interface TierFacts {
  readonly adapter: AdapterStatus | null;
  /** Whether the browser has WebGPU at all. */
  readonly hasWebGpu: boolean;
  /** Tiers that were tried and refused, with a sentence why. */
  readonly refused: ReadonlyMap<Tier, string>;
}

/** All tiers, fastest first, each with what speaks against it. */
export function listTiers(facts: TierFacts): TierStatus[] {
  return TIERS.map((tier) => {
    const obstacle = facts.refused.get(tier) ?? obstacleOf(tier, facts);
    return { tier, available: obstacle === null, reason: obstacle ?? reservationOf(tier, facts) };
  });
}

/**
 * Tiers in the order to try them: the preferred one, then a real GPU's, fp16 first, then WebAssembly; a software GPU only
 * after that.
 */
export function tiersToTry(facts: TierFacts, preferred: Tier | null): Tier[] {
  const rank = (tier: Tier) => {
    if (tier === preferred) return -1;
    return TIERS.indexOf(tier) + (tier !== 'wasm' && facts.adapter?.isSoftware ? TIERS.length : 0);
  };
  return listTiers(facts)
    .filter(({ available }) => available)
    .map(({ tier }) => tier)
    .sort((a, b) => rank(a) - rank(b));
}

function obstacleOf(tier: Tier, { adapter, hasWebGpu }: TierFacts): string | null {
  if (tier === 'wasm') return null;
  if (!hasWebGpu) return 'This browser has no WebGPU; a current Chrome or Edge has.';
  if (!adapter) return 'The browser has WebGPU but offers no GPU; its hardware acceleration may be switched off.';
  if (tier === 'webgpu-fp16' && !adapter.hasF16) return 'This GPU has no half precision in shaders (shader-f16).';
  return null;
}

function reservationOf(tier: Tier, { adapter }: TierFacts): string | null {
  if (tier === 'wasm' || !adapter?.isSoftware) return null;
  return 'WebGPU runs on the CPU here, where WebAssembly is three to four times as fast.';
}
