import { describe, expect, test } from 'vitest';
import { isSoftware } from './adapter.ts';
import type { AdapterStatus } from './status.ts';
import { listTiers, type TierFacts, tiersToTry } from './tiers.ts';

const gpu: AdapterStatus = {
  vendor: 'nvidia',
  architecture: 'lovelace',
  description: '',
  isSoftware: false,
  hasF16: true,
  maxBufferSize: 2 ** 32,
  maxStorageBufferBindingSize: 2 ** 31,
};
const facts = (adapter: AdapterStatus | null, rest: Partial<TierFacts> = {}): TierFacts => ({
  adapter,
  hasWebGpu: true,
  refused: new Map(),
  ...rest,
});

describe('order of trying', () => {
  test('a GPU with half precision', () => {
    expect(tiersToTry(facts(gpu), null)).toEqual(['webgpu-fp16', 'webgpu-fp32', 'wasm']);
  });
  test('a GPU without', () => {
    expect(tiersToTry(facts({ ...gpu, hasF16: false }), null)).toEqual(['webgpu-fp32', 'wasm']);
  });
  test('a software GPU comes after WebAssembly, unless it is asked for', () => {
    const software = facts({ ...gpu, isSoftware: true });
    expect(tiersToTry(software, null)).toEqual(['wasm', 'webgpu-fp16', 'webgpu-fp32']);
    expect(tiersToTry(software, 'webgpu-fp32')).toEqual(['webgpu-fp32', 'wasm', 'webgpu-fp16']);
  });
  test('a preferred tier that this machine does not have is no obstacle', () => {
    expect(tiersToTry(facts(null), 'webgpu-fp16')).toEqual(['wasm']);
  });
  test('refused tiers are not tried again', () => {
    const refused = new Map([['webgpu-fp16', 'Refused.'] as const]);
    expect(tiersToTry(facts(gpu, { refused }), 'webgpu-fp16')).toEqual(['webgpu-fp32', 'wasm']);
  });
});

test('every tier that is missing says why', () => {
  const reasons = (which: TierFacts) => listTiers(which).map(({ reason }) => reason);
  expect(reasons(facts(gpu))).toEqual([null, null, null]);
  expect(reasons(facts(null, { hasWebGpu: false }))[0]).toMatch(/has no WebGPU/);
  expect(reasons(facts(null))[1]).toMatch(/offers no GPU/);
  expect(reasons(facts({ ...gpu, hasF16: false }))[0]).toMatch(/shader-f16/);
  expect(reasons(facts({ ...gpu, isSoftware: true }))).toEqual([
    expect.stringMatching(/on the CPU/),
    expect.stringMatching(/on the CPU/),
    null,
  ]);
  const refused = new Map([['wasm', 'Refused.'] as const]);
  expect(listTiers(facts(gpu, { refused }))[2]).toEqual({ tier: 'wasm', available: false, reason: 'Refused.' });
});

test('software adapters by what they say of themselves', () => {
  const info = { vendor: '', architecture: '', description: '' };
  expect(isSoftware({ ...info, isFallbackAdapter: true })).toBe(true);
  expect(isSoftware({ ...info, vendor: 'google', architecture: 'swiftshader' })).toBe(true);
  expect(isSoftware({ ...info, vendor: 'mesa', description: 'llvmpipe (LLVM 19.1.7, 256 bits)' })).toBe(true);
  expect(isSoftware({ ...info, vendor: 'microsoft', description: 'Microsoft Basic Render Driver' })).toBe(true);
  expect(isSoftware({ ...info, vendor: 'nvidia', architecture: 'ampere' })).toBe(false);
  expect(isSoftware({ ...info, vendor: 'apple', description: 'Apple M3 Max', isFallbackAdapter: false })).toBe(false);
});
