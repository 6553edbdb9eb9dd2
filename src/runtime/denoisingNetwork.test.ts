import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { activationMemory } from '../graph/activationMemory.ts';
import { decodeModel } from '../graph/decodeModel.ts';
import { planWeights } from '../graph/storedLayout.ts';
import { buildUnet } from '../graph/unet.ts';
import { parseUnetConfig, type UnetConfig } from '../graph/unetConfig.ts';
import { unetRecipes } from '../graph/unetWeights.ts';
import { largestSide, networkBytes, unetActivationBytes } from './denoisingNetwork.ts';
import { automaticBudget, loadedBytes } from './memoryEstimate.ts';
import { TierWeights } from './tierWeights.ts';

const UNETS = JSON.parse(
  readFileSync(new URL('../../reference/fixtures/unet_full_size.json', import.meta.url), 'utf8'),
) as Record<string, { config: Record<string, unknown> }>;

const GIB = 2 ** 30;

function fullSize(name: string): { config: UnetConfig; weights: TierWeights } {
  const config = parseUnetConfig(UNETS[name]?.config ?? {});
  return {
    config,
    weights: new TierWeights({ index: planWeights(unetRecipes(config), 'fp16'), shards: new Map() }),
  };
}

describe.each(['stable-diffusion-inpainting', 'stable-diffusion-xl-1.0-inpainting-0.1'])('%s of full size', (name) => {
  const { config, weights } = fullSize(name);

  test.each([
    [64, 1],
    [128, 2],
  ])('the estimate of its activations holds what the graph needs at %i latents, batch %i', (side, batch) => {
    const sizes = { width: side, height: side, batch };
    const graph = buildUnet(config, weights.stored.index, { ...sizes, tokens: 77, provider: 'webgpu' });
    const { peakBytes } = activationMemory(decodeModel(graph));
    const estimate = unetActivationBytes(config, { ...sizes, elementBytes: 2 });
    // Twice for what is kept, and no more than that again.
    expect(estimate / peakBytes).toBeGreaterThan(1.5);
    expect(estimate / peakBytes).toBeLessThan(4);
  });

  test('its bytes are those of its weights in the tier, and of its activations', () => {
    const network = { kind: 'unet' as const, config, weights };
    const size = { width: 128, height: 128, batch: 1 };
    const stored = loadedBytes(weights.stored.index, { tier: 'webgpu-fp16' });
    expect(networkBytes(network, { ...size, tier: 'webgpu-fp16' })).toBe(
      stored + unetActivationBytes(config, { ...size, elementBytes: 2 }),
    );
    // Nearly all of it is in half precision and widened.
    expect(networkBytes(network, { ...size, tier: 'webgpu-fp32' })).toBeGreaterThan(1.9 * stored);
  });

  test('the largest square grows with the budget', () => {
    const network = { kind: 'unet' as const, config, weights };
    const stored = loadedBytes(weights.stored.index, { tier: 'webgpu-fp16' });
    const side = (budget: number) => largestSide(network, { budget, tier: 'webgpu-fp16' });
    const multiple = 2 ** (config.levels.length - 1);
    expect(side(stored)).toBe(multiple);
    const some = side(stored + GIB / 4);
    expect(some % multiple).toBe(0);
    expect(networkBytes(network, { width: some, height: some, batch: 1, tier: 'webgpu-fp16' })).toBeLessThan(
      stored + GIB / 4,
    );
    expect(side(stored + GIB)).toBeGreaterThan(some);
    expect(side(1000 * GIB)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('automatic budget', () => {
  test('twice the largest buffer, within reason; less on WebAssembly', () => {
    const gpu = (maxBufferSize: number) => automaticBudget('webgpu-fp16', { maxBufferSize }) / GIB;
    expect(gpu(256 * 2 ** 20)).toBe(2);
    expect(gpu(2 * GIB)).toBe(4);
    expect(gpu(4 * GIB)).toBe(6);
    expect(automaticBudget('wasm', { maxBufferSize: 4 * GIB }) / GIB).toBe(2.5);
  });
});
