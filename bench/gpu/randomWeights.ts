import { float32ToFloat16 } from '../../src/checkpoint/float16.ts';
import type { StoredTensor, WeightIndex } from '../../src/graph/weights.ts';

/** Bytes of a shard; onnxruntime reads them in 32 bits. */
const SHARD_BYTES = 2 ** 30;
/** Numbers drawn for a tensor before they repeat: a prime, so that no two rows are alike. */
const PERIOD = 65_521;
const SEED = 1234;

/** Seeded weights, and where each lies. */
export interface RandomWeights {
  readonly index: WeightIndex;
  readonly shards: ReadonlyMap<string, Uint8Array>;
}

/**
 * Weights of a size that keeps activations at the size of one: normally distributed with variance 1 / inputs, biases of 0.02,
 * scales of one. The same numbers every time.
 * @param plan `planWeights` of fp16: matrices `[in, out]`, convolutions `[out, in, k, k]`
 */
export function randomWeights(plan: WeightIndex): RandomWeights {
  const index: Record<string, StoredTensor> = {};
  const sizes: number[] = [0];
  for (const [name, tensor] of Object.entries(plan)) {
    if ((sizes.at(-1) as number) + tensor.byteLength > SHARD_BYTES) sizes.push(0);
    const offset = sizes.at(-1) as number;
    index[name] = { ...tensor, shard: `random-${sizes.length - 1}`, offset };
    sizes[sizes.length - 1] = offset + tensor.byteLength;
  }
  const shards = new Map(sizes.map((size, i) => [`random-${i}`, new Uint8Array(size)]));
  const noise = normals(PERIOD);
  for (const [name, tensor] of Object.entries(index)) {
    const { shard, offset, byteLength } = tensor;
    const bytes = (shards.get(shard) as Uint8Array).subarray(offset, offset + byteLength);
    repeat(bytes, encode(valuesOf(name, { dims: tensor.dims, noise }), tensor.type));
  }
  return { index, shards };
}

function valuesOf(
  name: string,
  { dims, noise }: { dims: readonly number[]; noise: Float32Array },
): Float32Array<ArrayBuffer> {
  if (name.endsWith('.scale')) return new Float32Array(PERIOD).fill(1);
  const [outputs = 1, inputs = 1, ...kernel] = dims;
  const fanIn = kernel.length > 0 ? kernel.reduce((product, side) => product * side, inputs) : outputs;
  const deviation = dims.length === 1 ? 0.02 : 1 / Math.sqrt(fanIn);
  return noise.map((value) => value * deviation) as Float32Array<ArrayBuffer>;
}

function encode(values: Float32Array<ArrayBuffer>, type: StoredTensor['type']): Uint8Array {
  if (type === 'uint8') throw new TypeError('Random weights are floats');
  return new Uint8Array((type === 'float32' ? values : float32ToFloat16(values)).buffer);
}

function repeat(target: Uint8Array, pattern: Uint8Array): void {
  for (let at = 0; at < target.length; at += pattern.length) {
    target.set(pattern.subarray(0, Math.min(pattern.length, target.length - at)), at);
  }
}

/** Numbers of the normal distribution (Box and Muller's, on the minimal standard generator). */
function normals(count: number): Float32Array {
  let state = SEED;
  const uniform = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  return Float32Array.from({ length: count }, () => {
    const radius = Math.sqrt(-2 * Math.log(uniform()));
    return radius * Math.cos(2 * Math.PI * uniform());
  });
}
