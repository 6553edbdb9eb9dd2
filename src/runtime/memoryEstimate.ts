import type { WeightIndex } from '../graph/weights.ts';
import type { AdapterStatus, Tier } from './status.ts';

const GIB = 2 ** 30;

/** WebAssembly has 4 GiB of addresses; models share them with onnxruntime's own needs and with copies made in passing. */
const WASM_BUDGET = 2.5 * GIB;
const SMALLEST_GPU_BUDGET = 2 * GIB;
const LARGEST_GPU_BUDGET = 6 * GIB;

/**
 * Memory that models may take, for want of better knowledge: WebGPU does not tell how much a GPU has. It does tell the
 * largest buffer, which browsers cap at 2 or 4 GiB and drivers at a part of the memory; twice that is little enough for
 * cards of 6 GB and above, and integrated GPUs have the machine's memory. Too small a budget costs time, as models load
 * more often than they need to; too large a one fails, which is noticed.
 */
export function automaticBudget(tier: Tier, adapter: Pick<AdapterStatus, 'maxBufferSize'> | null): number {
  if (tier === 'wasm' || !adapter) return WASM_BUDGET;
  return Math.min(LARGEST_GPU_BUDGET, Math.max(SMALLEST_GPU_BUDGET, 2 * adapter.maxBufferSize));
}

/**
 * Bytes that weights take once they are loaded.
 * @param tier half-precision weights are widened where the tier computes in float32
 */
export function loadedBytes(weights: WeightIndex, { tier, prefix = '' }: { tier: Tier; prefix?: string }): number {
  let bytes = 0;
  for (const [name, { type, byteLength }] of Object.entries(weights)) {
    if (!name.startsWith(prefix)) continue;
    bytes += byteLength * (type === 'float16' && tier !== 'webgpu-fp16' ? 2 : 1);
  }
  return bytes;
}

/** Bytes of weights that a session reads: as they are given out, widened where they are widened on the way. */
export function readBytes(weights: WeightIndex, { tier, prefix = '' }: { tier: Tier; prefix?: string }): number {
  return loadedBytes(weights, { tier: tier === 'wasm' ? 'webgpu-fp16' : tier, prefix });
}
