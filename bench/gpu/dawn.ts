import { createRequire } from 'node:module';

/** The globals of WebGPU and what Dawn's binding for Node (npm package `webgpu`) calls them in. */
interface DawnModule {
  readonly globals: Readonly<Record<string, unknown>>;
  create(options: readonly string[]): GPU;
}

/**
 * Makes this Node process offer WebGPU as a browser does, on Dawn: Chromium's own implementation, shader compiler included.
 * @param path of `dawn.node`
 */
export function installWebGpu(path: string): void {
  const { create, globals } = createRequire(import.meta.url)(path) as DawnModule;
  Object.assign(globalThis, globals);
  acceptSharedMemory();
  const navigator = { gpu: create([]), hardwareConcurrency: 1, userAgent: 'node' };
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
}

/** Dawn's binding refuses views of shared memory, which the runtime's WebAssembly heap is: those are copied first. */
function acceptSharedMemory(): void {
  const queue = GPUQueue.prototype;
  const { writeBuffer } = queue;
  queue.writeBuffer = function (buffer, offset, data, start, size) {
    const view = ArrayBuffer.isView(data) ? data : new Uint8Array(data as ArrayBuffer);
    // Counted in elements of a typed array, in bytes of anything else.
    const unit = 'BYTES_PER_ELEMENT' in data ? (data.BYTES_PER_ELEMENT as number) : 1;
    const from = view.byteOffset + (start ?? 0) * unit;
    const length = size === undefined ? view.byteLength - (start ?? 0) * unit : size * unit;
    const bytes = new Uint8Array(view.buffer, from, length);
    const readable = bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice();
    return writeBuffer.call(this, buffer, offset, readable as Uint8Array<ArrayBuffer>);
  };
}

/** Counts the kernels that are dispatched. */
export function countKernels(): { count: number } {
  const counter = { count: 0 };
  const pass = GPUComputePassEncoder.prototype;
  for (const method of ['dispatchWorkgroups', 'dispatchWorkgroupsIndirect'] as const) {
    const original = pass[method] as (...args: unknown[]) => undefined;
    pass[method] = function (this: GPUComputePassEncoder, ...args: unknown[]) {
      counter.count += 1;
      return original.apply(this, args);
    };
  }
  return counter;
}
