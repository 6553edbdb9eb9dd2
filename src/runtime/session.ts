import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { UserError } from '../errors.ts';
import type { GpuDevice } from './device.ts';
import { buildFor, loadOnnxRuntime, type OnnxRuntime, onnxQueue } from './onnxRuntime.ts';
import { asUserError, outOfMemoryError } from './runtimeErrors.ts';
import type { Tier } from './status.ts';

/** A tensor in memory, row-major. */
export interface TensorData {
  readonly dims: readonly number[];
  readonly data: Float32Array | Int32Array | BigInt64Array | Uint8Array;
}

/** Bytes that graphs name as external data: one shard of weights. */
export interface ExternalShard {
  /** The `location` in the graph. */
  readonly path: string;
  readonly data: Blob | Uint8Array;
}

/** A graph ready to run, and what it holds on the GPU or in the WebAssembly heap. Whoever creates it disposes it. */
export interface ModelSession {
  /** False once disposed or once its device is lost: make another. */
  readonly isUsable: boolean;
  /**
   * Runs the graph.
   * @returns its outputs by name, in memory
   * @throws {UserError} `DeviceLostError`, `OutOfMemoryError`
   */
  run(feeds: Readonly<Record<string, TensorData>>): Promise<Record<string, TensorData>>;
  /** Frees everything, after the runs already asked for. May be called more than once, and on a lost device. */
  dispose(): Promise<void>;
}

export interface SessionOptions {
  readonly tier: Tier;
  /** The device of a WebGPU tier; null for `wasm`. */
  readonly gpu: GpuDevice | null;
  readonly externalData?: readonly ExternalShard[];
}

/**
 * Makes a session. On a WebGPU tier a graph with a node that the GPU cannot run is refused, not run half on the CPU.
 * @throws {UserError} `DeviceLostError`, `OutOfMemoryError`, `DownloadError`
 */
export async function createSession(
  model: Uint8Array,
  { tier, gpu, externalData = [] }: SessionOptions,
): Promise<ModelSession> {
  if ((tier === 'wasm') === (gpu !== null))
    throw new TypeError(`Tier ${tier} ${gpu ? 'has no' : 'needs a'} GPU device`);
  const runtime = await loadOnnxRuntime(buildFor(tier));
  const options: InferenceSession.SessionOptions = {
    ...(gpu ? webgpuOptions(gpu) : { executionProviders: ['wasm'] }),
    externalData: externalData.map(({ path, data }) => ({ path, data })),
  };
  const session = await onnxQueue.run(() =>
    guarded(gpu, {
      call: () => runtime.InferenceSession.create(model, options),
      undo: (made) => made.release(),
    }),
  );
  return new OnnxSession(runtime, { session, gpu });
}

function webgpuOptions({ device }: GpuDevice): InferenceSession.SessionOptions {
  const provider: InferenceSession.WebGpuExecutionProviderOption = {
    name: 'webgpu',
    device,
    // The quantised products; plain ones accumulate in float32 by a shader patch.
    enableMatmulFp32Accumulation: true,
  };
  return { executionProviders: [provider], extra: { session: { disable_cpu_ep_fallback: '1' } } };
}

class OnnxSession implements ModelSession {
  readonly #runtime: OnnxRuntime;
  readonly #session: InferenceSession;
  readonly #gpu: GpuDevice | null;
  #disposal: Promise<void> | null = null;

  constructor(runtime: OnnxRuntime, { session, gpu }: { session: InferenceSession; gpu: GpuDevice | null }) {
    this.#runtime = runtime;
    this.#session = session;
    this.#gpu = gpu;
  }

  get isUsable(): boolean {
    return this.#disposal === null && !this.#gpu?.isLost;
  }

  run(feeds: Readonly<Record<string, TensorData>>): Promise<Record<string, TensorData>> {
    if (this.#disposal) return Promise.reject(new TypeError('The session is disposed'));
    return onnxQueue.run(async () => {
      const inputs: Record<string, Tensor> = {};
      for (const [name, tensor] of Object.entries(feeds)) inputs[name] = this.#tensor(tensor);
      const outputs = await guarded(this.#gpu, { call: () => this.#session.run(inputs) });
      return Object.fromEntries(
        Object.entries(outputs).map(([name, { dims, data }]) => [name, { dims, data: data as TensorData['data'] }]),
      );
    });
  }

  dispose(): Promise<void> {
    this.#disposal ??= onnxQueue.run(async () => {
      await this.#session.release().catch((error: unknown) => {
        // Buffers of a lost device are gone already.
        if (!this.#gpu?.isLost) throw error;
      });
    });
    return this.#disposal;
  }

  #tensor({ data, dims }: TensorData): Tensor {
    const { Tensor } = this.#runtime;
    if (data instanceof Float32Array) return new Tensor('float32', data, dims);
    if (data instanceof Int32Array) return new Tensor('int32', data, dims);
    if (data instanceof BigInt64Array) return new Tensor('int64', data, dims);
    return new Tensor('uint8', data, dims);
  }
}

/** Errors that WebGPU reports beside the calls that cause them; onnxruntime looks at none of them. */
const ERROR_FILTERS = ['validation', 'out-of-memory', 'internal'] as const;

/**
 * Calls onnxruntime and finds out what really happened: it computes on with buffers that were never allocated, kernels that
 * did not compile, and a device that is lost.
 * @param undo frees what the call made, where it only seemed to succeed
 */
async function guarded<T>(
  gpu: GpuDevice | null,
  { call, undo }: { call: () => Promise<T>; undo?: (made: T) => Promise<void> },
): Promise<T> {
  if (!gpu) return call().catch((error: unknown) => Promise.reject(asUserError(error)));
  if (gpu.isLost) throw await deviceLost(gpu);
  for (const filter of ERROR_FILTERS) gpu.device.pushErrorScope(filter);
  const [outcome] = await Promise.allSettled([call()]);
  const errors: GPUError[] = [];
  for (const _ of ERROR_FILTERS) {
    const error = await gpu.device.popErrorScope().catch(() => null);
    if (error) errors.push(error);
  }
  // A failed call may be told of before the loss that failed it.
  if (outcome.status === 'rejected' && !gpu.isLost) await Promise.race([gpu.lost, wait(LOSS_DELAY)]);
  const [error = outcome.status === 'rejected' ? outcome.reason : null] = errors;
  if (outcome.status === 'fulfilled' && !gpu.isLost && error === null) return outcome.value;

  if (outcome.status === 'fulfilled') await undo?.(outcome.value).catch(() => {});
  if (gpu.isLost) throw await deviceLost(gpu);
  const outOfMemory = errors.find((reported) => reported instanceof GPUOutOfMemoryError);
  if (outOfMemory) throw outOfMemoryError(outOfMemory);
  const known = asUserError(error);
  throw known instanceof GPUError ? new Error(`The GPU refused a kernel: ${known.message}`) : known;
}

/** Milliseconds to wait for a loss to be told before an error is taken for something else. */
const LOSS_DELAY = 100;

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function deviceLost(gpu: GpuDevice): Promise<UserError> {
  return new UserError('DeviceLostError', `${await gpu.lost} The job can be started again.`);
}
