import { ArrayTensorDevice } from '../../src/diffusion/arrayTensorDevice.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import type { DeviceTensor, TensorDevice } from '../../src/pipeline/diffusionPorts.ts';
import { Runtime } from '../../src/runtime/runtime.ts';
import type { Tier } from '../../src/runtime/status.ts';
import { onTier } from '../pages/onTier.ts';
import { countGpuBytes } from '../runtime/gpuBytes.ts';
import { countMappedBytes } from './mappedBytes.ts';

const gpuBytes = navigator.gpu ? countGpuBytes() : () => 0;

/** Deterministic numbers in -1..1. */
function numbers(count: number, seed: number): Float32Array<ArrayBuffer> {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) as number;
  });
}

/** What every device is asked to do; the results by name. */
async function exercise(device: TensorDevice): Promise<Record<string, Float32Array<ArrayBuffer>>> {
  const made: DeviceTensor[] = [];
  const create = (dims: readonly number[], values?: Float32Array) => {
    const tensor = device.create(dims, values);
    made.push(tensor);
    return tensor;
  };
  const results: Record<string, Float32Array<ArrayBuffer>> = {};
  // No multiple of a group of threads, nor of 16 bytes.
  const dims = [1, 3, 17, 23];
  const length = 3 * 17 * 23;
  const sources = Array.from({ length: 8 }, (_, i) => create(dims, numbers(length, i + 1)));
  const terms = sources.map((source, i) => ({ source, factor: 0.3 * i - 1 }));

  for (const count of [1, 2, 4, 5, 8]) {
    const target = create(dims, new Float32Array(length).fill(Number.NaN));
    device.combine(target, terms.slice(0, count));
    results[`combine ${count}`] = await device.read(target);
  }
  const [first, second] = sources as [DeviceTensor, DeviceTensor];
  const own = create(dims, numbers(length, 40));
  device.combine(own, [{ source: own, factor: 0.5 }, ...terms.slice(0, 6), { source: own, factor: 0.25 }]);
  device.combine(own, [{ source: own, factor: 3 }]);
  results['combine with itself'] = await device.read(own);

  const large = create([1, 3, 31, 29], numbers(3 * 31 * 29, 50));
  device.copyWindow(first, large, { from: { x: 5, y: 3 }, to: { x: 7, y: 11 }, width: 13, height: 9 });
  results['copy window'] = await device.read(large);
  const weights = create([9, 13], numbers(9 * 13, 60));
  const window = { from: { x: 0, y: 8 }, to: { x: 16, y: 0 }, width: 13, height: 9, weights };
  device.copyWindow(second, large, { ...window, add: true });
  device.copyWindow(second, large, { ...window, to: { x: 0, y: 22 } });
  results['copy window, weighted'] = await device.read(large);

  const written = create(dims);
  results.zeros = await device.read(written);
  device.write(written, numbers(length, 70));
  results.written = await device.read(written);
  const values = numbers(length, 80);
  const finite: number[] = [Number(await device.allFinite(create(dims, values)))];
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    const spoilt = values.slice();
    spoilt[length - 1] = bad;
    finite.push(Number(await device.allFinite(create(dims, spoilt))));
  }
  finite.push(Number(await device.allFinite(create([1], Float32Array.of(3.4e38)))));
  results['all finite'] = Float32Array.from(finite);
  for (const tensor of made) tensor.dispose();
  return results;
}

/** What `tensors.spec.ts` calls. Results are plain data. */
const tests = {
  /** Largest difference between a tier's tensors and the arrays of `diffusion`, for every operation. */
  async compareTensors(tier: Tier): Promise<{ errors: Record<string, number>; heldBytes: number; finite: number[] }> {
    const expected = await exercise(new ArrayTensorDevice());
    return onTier(tier, async (runtime) => {
      const actual = await exercise(runtime.tensors);
      const errors: Record<string, number> = {};
      for (const [name, values] of Object.entries(expected)) {
        const found = actual[name];
        if (found?.length !== values.length) throw new RangeError(`${name} has ${found?.length} numbers`);
        errors[name] = values.reduce((most, value, i) => Math.max(most, Math.abs(value - (found[i] as number))), 0);
      }
      const { heldBytes } = runtime.tensors.traffic;
      return { errors, heldBytes, finite: [...(actual['all finite'] ?? [])] };
    });
  },

  /** Runs a graph again and again on tensors that never leave the device; its result, and what went over the bus. */
  async stayOnDevice(
    tier: Tier,
    steps: number,
  ): Promise<{ x: number[]; readBytes: number; mappedBytes: number; writtenBytes: number; inMemory: number[] }> {
    return onTier(tier, async (runtime) => {
      const g = new GraphBuilder('step', {});
      const [x, scale] = [g.input('x', 'float32', [1, 4, 8, 8]), g.input('scale', 'float32', [1])];
      g.output('y', g.node('Mul', [x, scale]), { type: 'float32', dims: [1, 4, 8, 8] });
      g.output('sum', g.node('ReduceSum', [x], { attributes: { keepdims: 0 } }), { type: 'float32', dims: [] });
      const session = await runtime.createSession(g.toBytes(), [], { placed: ['y'] });
      const { tensors } = runtime;
      const dims = [1, 4, 8, 8];
      const [latents, result] = [tensors.create(dims, new Float32Array(256).fill(1)), tensors.create(dims)];
      const before = tensors.traffic;
      const mapped = countMappedBytes();
      let inMemory: number[] = [];
      for (let step = 0; step < steps; step++) {
        const outputs = await session.run(
          { x: tensors.placed(latents), scale: { dims: [1], data: Float32Array.of(2) } },
          { y: tensors.placed(result) },
        );
        inMemory = [...((outputs.sum?.data as Float32Array | undefined) ?? [])];
        tensors.combine(latents, [
          { source: latents, factor: 1 },
          { source: result, factor: 0.5 },
        ]);
      }
      const after = tensors.traffic;
      const mappedBytes = mapped();
      const y = await tensors.read(latents);
      await session.dispose();
      return {
        x: [y[0] as number, y[255] as number],
        readBytes: after.readBytes - before.readBytes,
        mappedBytes,
        writtenBytes: after.writtenBytes - before.writtenBytes,
        inMemory,
      };
    });
  },

  /** Names of what using tensors throws once their device is gone, and the result on the next one. */
  async loseTensors(): Promise<{ errors: string[]; after: number[]; bytes: number }> {
    const runtime = await Runtime.start({ preferred: 'webgpu-fp32' });
    const { tensors } = runtime;
    const old = tensors.create([1], Float32Array.of(1));
    runtime.loseDevice();
    const nameOf = (act: () => unknown) => {
      try {
        act();
        return 'none';
      } catch (error) {
        return (error as Error).name;
      }
    };
    const errors = [nameOf(() => tensors.create([1])), nameOf(() => tensors.write(old, Float32Array.of(1)))];
    errors.push(
      await tensors
        .read(old)
        .catch((error: Error) => error.name)
        .then(String),
    );
    await runtime.ready();
    errors.push(nameOf(() => tensors.combine(old, [{ source: old, factor: 1 }])));
    const fresh = tensors.create([2], Float32Array.of(1, 2));
    tensors.combine(fresh, [{ source: fresh, factor: 2 }]);
    const after = [...(await tensors.read(fresh))];
    await runtime.dispose();
    return { errors, after, bytes: gpuBytes() };
  },

  /** What a tensor larger than any buffer throws, when, and whether the device goes on. */
  async tooLarge(): Promise<{ errors: string[]; after: number[] }> {
    return onTier('webgpu-fp32', async ({ tensors }) => {
      const errors: string[] = [];
      try {
        const huge = tensors.create([2, 1 << 30]);
        errors.push(await tensors.allFinite(huge).then(String, (error: Error) => error.name));
        huge.dispose();
      } catch (error) {
        errors.push((error as Error).name);
      }
      return { errors, after: [...(await tensors.read(tensors.create([1], Float32Array.of(5))))] };
    });
  },
};

export type TensorTests = typeof tests;
Object.assign(globalThis, { tensorTests: tests });
