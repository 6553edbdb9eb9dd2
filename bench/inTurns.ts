import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { buildFor, loadOnnxRuntime, wasmThreads } from '../src/runtime/onnxRuntime.ts';
import { Runtime } from '../src/runtime/runtime.ts';
import type { Tier } from '../src/runtime/status.ts';
import type { OperatorTimes } from './operatorTimes.ts';

/** What every bench compares, in this order. */
export const CONTESTANTS = ['ours', 'torch'] as const;
export type Contestant = (typeof CONTESTANTS)[number];

/** An ONNX file and its external data by location. */
export interface Model {
  readonly graph: Uint8Array;
  readonly weights: ReadonlyMap<string, Uint8Array | Blob>;
  /** The ONNX file and the weights it uses. */
  readonly bytes: number;
}

/** Measurements of one model on one tier; times in milliseconds. */
export interface Measured {
  readonly modelBytes: number;
  /** Making the session, from bytes in memory. */
  readonly loadTime: number;
  /** The first run, with everything that is compiled on it. */
  readonly firstRun: number;
  readonly runs: readonly number[];
  /** GPU kernels of one run; 0 on wasm. */
  readonly kernels: number;
  /** Bytes between CPU and GPU in one run: the inputs there, the output back, and whatever a kernel needs told. */
  readonly uploadedBytes: number;
  readonly readBytes: number;
}

export interface TurnsResult {
  readonly measured: Readonly<Record<Contestant, Measured>>;
  /** What each kind of operator takes of the fastest step, where asked for. */
  readonly operators: Readonly<Partial<Record<Contestant, OperatorTimes>>>;
  /** Largest difference of the two models' outputs, relative to the largest number; NaN where only one ran. */
  readonly difference: number;
  readonly environment: { readonly runtime: string; readonly adapter: string; readonly threads: number };
}

/** Runs two models in turns on one tier, in one onnxruntime. */
export async function runInTurns(
  models: Readonly<Partial<Record<Contestant, () => Promise<Model>>>>,
  {
    contestants = CONTESTANTS,
    tier,
    rounds,
    feeds,
    outputs,
    profile,
  }: {
    /** Who takes part. Alone, one shows what memory it needs; there is nothing to compare its outputs with then. */
    contestants?: readonly Contestant[];
    tier: Tier;
    rounds: number;
    feeds: Readonly<Record<string, { readonly data: Float32Array; readonly dims: readonly number[] }>>;
    /** Names of the outputs that are compared. */
    outputs: readonly string[];
    /** What `watchProfile` gave: then onnxruntime's profiler takes notes, and the steps take longer. */
    profile?: () => OperatorTimes;
  },
): Promise<TurnsResult> {
  const runtime = await Runtime.start({ preferred: tier });
  if (runtime.status.tier !== tier) throw new Error(`${tier} is not available: ${JSON.stringify(runtime.status)}`);
  const ort = await loadOnnxRuntime(buildFor(tier));
  const traffic = countTraffic(runtime.device);
  const inputs: Record<string, Tensor> = {};
  for (const [name, { data, dims }] of Object.entries(feeds)) inputs[name] = new ort.Tensor('float32', data, dims);

  const sessions = {} as Record<Contestant, InferenceSession>;
  const results = {} as Record<Contestant, Float32Array>;
  const measured = {} as Record<Contestant, Measured & { runs: number[] }>;
  const operators: Partial<Record<Contestant, OperatorTimes>> = {};
  for (const name of contestants) {
    const make = models[name];
    if (!make) throw new TypeError(`There is no model "${name}"`);
    const { graph, weights, bytes } = await make();
    const loading = performance.now();
    sessions[name] = await ort.InferenceSession.create(graph, {
      // Nodes the GPU cannot run may go to the CPU: the peer is not to be refused for what ours never does.
      executionProviders: runtime.device ? [{ name: 'webgpu', device: runtime.device }] : ['wasm'],
      externalData: [...weights].map(([path, data]) => ({ path, data })),
      enableProfiling: profile !== undefined,
    });
    const running = performance.now();
    const first = await sessions[name].run(inputs);
    const done = performance.now();
    results[name] = Float32Array.from(
      outputs.flatMap((output) => (first[output] ? [...(first[output].data as Float32Array)] : [])),
    );
    traffic.reset();
    await sessions[name].run(inputs);
    measured[name] = {
      modelBytes: bytes,
      loadTime: running - loading,
      firstRun: done - running,
      runs: [],
      ...traffic.counted(),
    };
  }
  for (let round = 0; round < rounds; round++) {
    // Who goes first changes, in case the second gains or loses by it.
    for (const name of round % 2 === 0 ? contestants : contestants.toReversed()) {
      const start = performance.now();
      await sessions[name].run(inputs);
      measured[name].runs.push(performance.now() - start);
    }
  }
  for (const name of contestants) {
    if (profile) {
      sessions[name].endProfiling();
      operators[name] = profile();
    }
    await sessions[name].release();
  }
  const { adapter } = runtime.status;
  await runtime.dispose();
  return {
    measured,
    operators,
    difference: contestants.length === 2 ? difference(results.ours, results.torch) : Number.NaN,
    environment: {
      runtime: `onnxruntime-web ${ort.env.versions.web}`,
      adapter: adapter?.description || `${adapter?.vendor} ${adapter?.architecture}`,
      threads: wasmThreads(),
    },
  };
}

/** Counts dispatches and bytes on a device from here on. */
function countTraffic(device: GPUDevice | null) {
  let counts = { kernels: 0, uploadedBytes: 0, readBytes: 0 };
  const traffic = {
    reset: () => {
      counts = { kernels: 0, uploadedBytes: 0, readBytes: 0 };
    },
    counted: () => ({ ...counts }),
  };
  if (!device) return traffic;
  const pass = GPUComputePassEncoder.prototype;
  for (const method of ['dispatchWorkgroups', 'dispatchWorkgroupsIndirect'] as const) {
    const original = pass[method] as (...args: unknown[]) => void;
    pass[method] = function (this: GPUComputePassEncoder, ...args: unknown[]) {
      counts.kernels += 1;
      return original.apply(this, args);
    } as never;
  }
  const queue = GPUQueue.prototype;
  const writeBuffer = queue.writeBuffer as (...args: unknown[]) => void;
  queue.writeBuffer = function (this: GPUQueue, ...args: unknown[]) {
    const [, , data, , size] = args as [unknown, unknown, ArrayBufferView, unknown, number | undefined];
    counts.uploadedBytes += size ?? data.byteLength;
    return writeBuffer.apply(this, args);
  } as never;
  const encoder = GPUCommandEncoder.prototype;
  const copy = encoder.copyBufferToBuffer as (...args: unknown[]) => void;
  encoder.copyBufferToBuffer = function (this: GPUCommandEncoder, ...args: unknown[]) {
    const full = typeof args[1] === 'number';
    const source = args[0] as GPUBuffer;
    const target = (full ? args[2] : args[1]) as GPUBuffer;
    const size = Number((full ? args[4] : args[2]) ?? source.size);
    if (target.usage & GPUBufferUsage.MAP_READ) counts.readBytes += size;
    if (source.usage & GPUBufferUsage.MAP_WRITE || source.mapState !== 'unmapped') counts.uploadedBytes += size;
    return copy.apply(this, args);
  } as never;
  return traffic;
}

/** Largest difference relative to the largest number of `b`. */
function difference(a: Float32Array, b: Float32Array): number {
  let largest = 0;
  let largestDifference = a.length === b.length ? 0 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < a.length; i++) {
    largest = Math.max(largest, Math.abs(b[i] as number));
    largestDifference = Math.max(largestDifference, Math.abs((a[i] as number) - (b[i] as number)));
  }
  return largestDifference / largest;
}
