import type { InferenceSession, Tensor } from 'onnxruntime-web';
import type { GpuDevice } from './device.ts';
import { guarded } from './guarded.ts';
import { buildFor, loadOnnxRuntime, type OnnxRuntime, onnxQueue } from './onnxRuntime.ts';
import type { Tier } from './status.ts';
import { webgpuOptions } from './webgpuOptions.ts';

/** A tensor in memory, row-major. */
export interface TensorData {
  readonly dims: readonly number[];
  readonly data: Float32Array | Int32Array | BigInt64Array | Uint8Array;
}

/**
 * A float32 tensor where the session runs: in a GPU buffer of the session's device, of usage `STORAGE | COPY_SRC |
 * COPY_DST` and a multiple of 16 bytes, or in an array on `wasm`. It stays the caller's.
 */
export interface PlacedTensor {
  readonly dims: readonly number[];
  readonly place: GPUBuffer | Float32Array<ArrayBuffer>;
}

/** Bytes that graphs name as external data: one shard of weights. */
export interface ExternalShard {
  /** The `location` in the graph. */
  readonly path: string;
  readonly data: Blob | Uint8Array;
}

/** A graph ready to run, and what it holds on the GPU or in the WebAssembly heap. Whoever creates it disposes it. */
export interface ModelSession {
  /** False once disposed, once its device is lost, or after a failed run on a GPU: make another. */
  readonly isUsable: boolean;
  /**
   * Runs the graph. Where all outputs are placed, it is done when the GPU has its commands, not when they are finished.
   * @param into tensors that outputs are written to, by name; only those of {@link SessionOptions.placed}
   * @returns the other outputs by name, in memory
   * @throws {UserError} `DeviceLostError`, `OutOfMemoryError`
   */
  run(
    feeds: Readonly<Record<string, TensorData | PlacedTensor>>,
    into?: Readonly<Record<string, PlacedTensor>>,
  ): Promise<Record<string, TensorData>>;
  /** Frees everything, after the runs already asked for. May be called more than once, and on a lost device. */
  dispose(): Promise<void>;
}

export interface SessionOptions {
  readonly tier: Tier;
  /** The device of a WebGPU tier; null for `wasm`. */
  readonly gpu: GpuDevice | null;
  readonly externalData?: readonly ExternalShard[];
  /** Outputs that every run writes to a tensor given by the caller. */
  readonly placed?: readonly string[];
}

/**
 * Makes a session. On a WebGPU tier a graph with a node that the GPU cannot run is refused, not run half on the CPU.
 * @throws {UserError} `DeviceLostError`, `OutOfMemoryError`, `DownloadError`
 */
export async function createSession(
  model: Uint8Array,
  { tier, gpu, externalData = [], placed = [] }: SessionOptions,
): Promise<ModelSession> {
  if ((tier === 'wasm') === (gpu !== null))
    throw new TypeError(`Tier ${tier} ${gpu ? 'has no' : 'needs a'} GPU device`);
  const runtime = await loadOnnxRuntime(buildFor(tier));
  const options: InferenceSession.SessionOptions = {
    ...(gpu ? webgpuOptions(gpu, { placed }) : { executionProviders: ['wasm'] }),
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

class OnnxSession implements ModelSession {
  readonly #runtime: OnnxRuntime;
  readonly #session: InferenceSession;
  readonly #gpu: GpuDevice | null;
  #hasFailed = false;
  #disposal: Promise<void> | null = null;

  constructor(runtime: OnnxRuntime, { session, gpu }: { session: InferenceSession; gpu: GpuDevice | null }) {
    this.#runtime = runtime;
    this.#session = session;
    this.#gpu = gpu;
  }

  get isUsable(): boolean {
    return this.#disposal === null && !this.#hasFailed && !this.#gpu?.isLost;
  }

  run(
    feeds: Readonly<Record<string, TensorData | PlacedTensor>>,
    into: Readonly<Record<string, PlacedTensor>> = {},
  ): Promise<Record<string, TensorData>> {
    if (this.#disposal) return Promise.reject(new TypeError('The session is disposed'));
    return onnxQueue.run(async () => {
      const inputs: Record<string, Tensor> = {};
      for (const [name, tensor] of Object.entries(feeds)) inputs[name] = this.#tensor(tensor);
      const fetches: Record<string, Tensor | null> = {};
      for (const name of this.#session.outputNames) {
        const target = into[name];
        fetches[name] = target && !(target.place instanceof Float32Array) ? this.#tensor(target) : null;
      }
      const outputs = await guarded(this.#gpu, { call: () => this.#session.run(inputs, fetches) }).catch((error) => {
        // onnxruntime would run again with the tensors bound to the run that failed, and with buffers never allocated.
        this.#hasFailed = this.#gpu !== null;
        throw error;
      });
      const results: Record<string, TensorData> = {};
      for (const [name, output] of Object.entries(outputs)) {
        const target = into[name];
        if (!target) results[name] = { dims: output.dims, data: output.data as TensorData['data'] };
        else if (target.place instanceof Float32Array) target.place.set(output.data as Float32Array);
      }
      return results;
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

  #tensor(tensor: TensorData | PlacedTensor): Tensor {
    const { Tensor } = this.#runtime;
    const { dims } = tensor;
    const data = 'place' in tensor ? tensor.place : tensor.data;
    if (data instanceof Float32Array) return new Tensor('float32', data, dims);
    if (data instanceof Int32Array) return new Tensor('int32', data, dims);
    if (data instanceof BigInt64Array) return new Tensor('int64', data, dims);
    if (data instanceof Uint8Array) return new Tensor('uint8', data, dims);
    return Tensor.fromGpuBuffer(data, { dataType: 'float32', dims });
  }
}
