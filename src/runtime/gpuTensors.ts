import type { DeviceTensor, TensorDevice } from '../pipeline/diffusionPorts.ts';
import type { GpuDevice } from './device.ts';
import { deviceLost, guarded, watched } from './guarded.ts';
import { onnxQueue } from './onnxRuntime.ts';
import { goneError, type PlacedTensors, type TensorTraffic } from './placedTensors.ts';
import { outOfMemoryError } from './runtimeErrors.ts';
import type { PlacedTensor } from './session.ts';
import {
  ADDING,
  COMBINE,
  COMBINE_SOURCES,
  COPY_WINDOW,
  FIND_NON_FINITE,
  GROUP_SIZE,
  WEIGHTED,
} from './tensorKernels.ts';

/** A GPU buffer of a multiple of 16 bytes, as onnxruntime wants them. */
class GpuTensor implements DeviceTensor {
  readonly dims: readonly number[];
  readonly length: number;
  readonly place: GPUBuffer;
  readonly owner: object;
  readonly #onDispose: (tensor: GpuTensor) => void;

  constructor(
    dims: readonly number[],
    options: { place: GPUBuffer; length: number; owner: object; onDispose: (tensor: GpuTensor) => void },
  ) {
    this.dims = dims;
    this.length = options.length;
    this.place = options.place;
    this.owner = options.owner;
    this.#onDispose = options.onDispose;
  }

  dispose(): void {
    this.#onDispose(this);
    this.place.destroy();
  }
}

/** Sizes in bytes of the kernels' uniforms. */
const UNIFORM_BYTES = { combine: 32, copyWindow: 48, findNonFinite: 16 } as const;
type KernelName = keyof typeof UNIFORM_BYTES;

const KERNELS: Readonly<Record<KernelName, string>> = {
  combine: COMBINE,
  copyWindow: COPY_WINDOW,
  findNonFinite: FIND_NON_FINITE,
};

/** Groups of one dispatch at most. */
const MAX_GROUPS = 65535;

/** Tensors in GPU buffers and arithmetic on them. What fails on the GPU is thrown by the next call that waits for it. */
export class GpuTensors implements PlacedTensors {
  readonly #gpu: GpuDevice;
  readonly #alive = new Set<GpuTensor>();
  readonly #pipelines = new Map<KernelName, GPUComputePipeline>();
  /** One per kernel: a write to it waits for the dispatches before, as everything on the queue does. */
  readonly #uniforms = new Map<KernelName, GPUBuffer>();
  #outstanding: Promise<void> = Promise.resolve();
  #failure: unknown = null;
  #heldBytes = 0;
  #readBytes = 0;
  #writtenBytes = 0;

  constructor(gpu: GpuDevice) {
    this.#gpu = gpu;
  }

  get traffic(): TensorTraffic {
    return { heldBytes: this.#heldBytes, readBytes: this.#readBytes, writtenBytes: this.#writtenBytes };
  }

  create(dims: readonly number[], values?: Float32Array): DeviceTensor {
    const length = dims.reduce((product, dim) => product * dim, 1);
    if (!Number.isSafeInteger(length) || length <= 0) throw new RangeError(`A tensor cannot be [${dims}]`);
    if (values && values.length !== length) throw new RangeError(`[${dims}] does not hold ${values.length} numbers`);
    this.#checkDevice();
    const size = Math.ceil((4 * length) / 16) * 16;
    const { maxBufferSize, maxStorageBufferBindingSize } = this.#gpu.device.limits;
    const most = Math.min(maxBufferSize, maxStorageBufferBindingSize);
    if (size > most) throw outOfMemoryError(new Error(`${size} bytes in one piece, of at most ${most}`));
    let tensor: GpuTensor | undefined;
    this.#act(() => {
      const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
      const place = this.#gpu.device.createBuffer({ label: `tensor ${dims}`, size, usage });
      tensor = new GpuTensor(dims, { place, length, owner: this, onDispose: (gone) => this.#forget(gone) });
    });
    const made = tensor as unknown as GpuTensor;
    this.#alive.add(made);
    this.#heldBytes += size;
    if (values) this.write(made, values);
    return made;
  }

  write(tensor: DeviceTensor, values: Float32Array): void {
    const { place, length, dims } = this.#own(tensor);
    if (values.length !== length) throw new RangeError(`[${dims}] does not hold ${values.length} numbers`);
    this.#act(() => this.#gpu.device.queue.writeBuffer(place, 0, values as Float32Array<ArrayBuffer>));
    this.#writtenBytes += values.byteLength;
  }

  combine(target: DeviceTensor, terms: readonly { readonly source: DeviceTensor; readonly factor: number }[]): void {
    const result = this.#own(target);
    if (terms.length === 0 || terms.length > MAX_TERMS) {
      throw new RangeError(`combine takes 1 to ${MAX_TERMS} terms, not ${terms.length}`);
    }
    let own: number | null = null;
    const others: { readonly place: GPUBuffer; readonly factor: number }[] = [];
    for (const { source, factor } of terms) {
      const { place, length, dims } = this.#own(source);
      if (length !== result.length) throw new RangeError(`[${dims}] cannot be combined into [${result.dims}]`);
      if (place === result.place) own = (own ?? 0) + factor;
      else others.push({ place, factor });
    }
    // At least once, for a target that is only scaled.
    for (let start = 0; start === 0 || start < others.length; start += COMBINE_SOURCES) {
      const sources = others.slice(start, start + COMBINE_SOURCES);
      const settings = new DataView(new ArrayBuffer(UNIFORM_BYTES.combine));
      settings.setUint32(0, result.length, true);
      settings.setUint32(4, sources.length, true);
      settings.setUint32(8, own === null ? 0 : 1, true);
      settings.setFloat32(12, own ?? 0, true);
      for (const [i, { factor }] of sources.entries()) settings.setFloat32(16 + 4 * i, factor, true);
      const places = sources.map(({ place }) => place);
      // A buffer that is written may not be bound to read as well, so an unused place gets one of its own.
      while (places.length < COMBINE_SOURCES) places.push(places[0] ?? this.#nothing);
      this.#dispatch('combine', { settings, buffers: [result.place, ...places], length: result.length });
      // What the first pass wrote is kept by the next.
      own = 1;
    }
  }

  copyWindow(
    source: DeviceTensor,
    target: DeviceTensor,
    { from, to, width, height, weights, add = false }: Parameters<TensorDevice['copyWindow']>[2],
  ): void {
    const [read, written] = [this.#own(source), this.#own(target)];
    if (read === written) throw new RangeError('A window cannot be copied within one tensor');
    const [inner, outer] = [planes(read.dims), planes(written.dims)];
    if (inner.channels !== outer.channels)
      throw new RangeError(`[${read.dims}] and [${written.dims}] differ in channels`);
    checkWindow({ ...from, width, height }, inner);
    checkWindow({ ...to, width, height }, outer);
    const weighting = weights && this.#own(weights);
    if (weighting && weighting.length !== width * height) {
      throw new RangeError(`Weights of [${weighting.dims}] do not fit a window of ${width} × ${height}`);
    }
    const length = inner.channels * height * width;
    const flags = (weighting ? WEIGHTED : 0) | (add ? ADDING : 0);
    const settings = Uint32Array.of(
      ...[length, width, height, flags],
      ...[from.y * inner.width + from.x, inner.width, inner.width * inner.height, 0],
      ...[to.y * outer.width + to.x, outer.width, outer.width * outer.height, 0],
    );
    const buffers = [written.place, read.place, weighting?.place ?? this.#nothing];
    this.#dispatch('copyWindow', { settings: new DataView(settings.buffer), buffers, length });
  }

  copyRange(
    source: DeviceTensor,
    target: DeviceTensor,
    { from, to, count }: { readonly from: number; readonly to: number; readonly count: number },
  ): void {
    const [read, written] = [this.#own(source), this.#own(target)];
    if (from < 0 || to < 0 || from + count > read.length || to + count > written.length) {
      throw new RangeError(`${count} numbers from ${from} of [${read.dims}] do not fit [${written.dims}] from ${to}`);
    }
    this.#act(() => {
      const encoder = this.#gpu.device.createCommandEncoder();
      encoder.copyBufferToBuffer(read.place, 4 * from, written.place, 4 * to, 4 * count);
      this.#gpu.device.queue.submit([encoder.finish()]);
    });
  }

  async read(tensor: DeviceTensor): Promise<Float32Array<ArrayBuffer>> {
    const { place, length } = this.#own(tensor);
    return new Float32Array(await this.#readBack(place, 4 * length));
  }

  async allFinite(tensor: DeviceTensor): Promise<boolean> {
    const { place, length } = this.#own(tensor);
    this.#checkDevice();
    const found = this.#gpu.device.createBuffer({
      size: 4,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC,
    });
    try {
      const settings = new DataView(new ArrayBuffer(UNIFORM_BYTES.findNonFinite));
      settings.setUint32(0, length, true);
      this.#dispatch('findNonFinite', { settings, buffers: [found, place], length });
      const [bits] = new Uint32Array(await this.#readBack(found, 4));
      return bits === 0;
    } finally {
      found.destroy();
    }
  }

  placed(tensor: DeviceTensor): PlacedTensor {
    return this.#own(tensor);
  }

  async finished(): Promise<void> {
    // On a lost device it may never settle.
    await Promise.race([this.#gpu.device.queue.onSubmittedWorkDone().catch(() => {}), this.#gpu.lost]);
    await this.#settled();
  }

  dispose(): void {
    for (const tensor of this.#alive) tensor.dispose();
    for (const uniform of this.#uniforms.values()) uniform.destroy();
    this.#uniforms.clear();
    this.#unused?.destroy();
    this.#unused = null;
  }

  #unused: GPUBuffer | null = null;

  /** Bound where a kernel has a place that this call does not use. */
  get #nothing(): GPUBuffer {
    this.#unused ??= this.#gpu.device.createBuffer({ size: 16, usage: GPUBufferUsage.STORAGE });
    return this.#unused;
  }

  #checkDevice(): void {
    if (this.#gpu.isLost) throw goneError();
  }

  #own(tensor: DeviceTensor): GpuTensor {
    this.#checkDevice();
    if (!(tensor instanceof GpuTensor) || tensor.owner !== this) throw goneError();
    if (!this.#alive.has(tensor)) throw new TypeError(`The tensor [${tensor.dims}] is disposed`);
    return tensor;
  }

  #forget(tensor: GpuTensor): void {
    if (this.#alive.delete(tensor)) this.#heldBytes -= tensor.place.size;
  }

  /** Something on the queue; if it fails, the next {@link #settled} throws why. */
  #act(act: () => void): void {
    const outcome = watched(this.#gpu, act).then((error) => {
      this.#failure ??= error;
    });
    this.#outstanding = Promise.all([this.#outstanding, outcome]).then(() => {});
  }

  /** Waits until the GPU process has taken everything asked for, and throws what it refused. */
  async #settled(): Promise<void> {
    await this.#outstanding;
    if (this.#gpu.isLost) throw await deviceLost(this.#gpu);
    const failure = this.#failure;
    this.#failure = null;
    if (failure) throw failure;
  }

  #dispatch(
    name: KernelName,
    { settings, buffers, length }: { settings: DataView<ArrayBuffer>; buffers: readonly GPUBuffer[]; length: number },
  ): void {
    const { device } = this.#gpu;
    this.#act(() => {
      const pipeline = this.#pipeline(name);
      const uniform = this.#uniform(name);
      device.queue.writeBuffer(uniform, 0, settings);
      const layout = pipeline.getBindGroupLayout(0);
      const entries = [uniform, ...buffers].map((buffer, binding) => ({ binding, resource: { buffer } }));
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, device.createBindGroup({ layout, entries }));
      pass.dispatchWorkgroups(Math.min(Math.ceil(length / GROUP_SIZE), MAX_GROUPS));
      pass.end();
      device.queue.submit([encoder.finish()]);
    });
  }

  #pipeline(name: KernelName): GPUComputePipeline {
    let pipeline = this.#pipelines.get(name);
    if (!pipeline) {
      const module = this.#gpu.device.createShaderModule({ label: name, code: KERNELS[name] });
      pipeline = this.#gpu.device.createComputePipeline({ label: name, layout: 'auto', compute: { module } });
      this.#pipelines.set(name, pipeline);
    }
    return pipeline;
  }

  #uniform(name: KernelName): GPUBuffer {
    let uniform = this.#uniforms.get(name);
    if (!uniform) {
      const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
      uniform = this.#gpu.device.createBuffer({ label: name, size: UNIFORM_BYTES[name], usage });
      this.#uniforms.set(name, uniform);
    }
    return uniform;
  }

  async #readBack(place: GPUBuffer, byteLength: number): Promise<ArrayBuffer> {
    const { device } = this.#gpu;
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const call = async () => {
      const staging = device.createBuffer({ label: 'read back', size: byteLength, usage });
      try {
        const encoder = device.createCommandEncoder();
        encoder.copyBufferToBuffer(place, 0, staging, 0, byteLength);
        device.queue.submit([encoder.finish()]);
        await staging.mapAsync(GPUMapMode.READ);
        return staging.getMappedRange().slice(0);
      } finally {
        staging.destroy();
      }
    };
    const bytes = await onnxQueue
      .run(() => guarded(this.#gpu, { call }))
      // A tensor that was never allocated cannot be read; what refused it says more.
      .catch((error: unknown) => this.#settled().then(() => Promise.reject(error)));
    await this.#settled();
    this.#readBytes += byteLength;
    return bytes;
  }
}

/** Terms of one `combine` at most. */
export const MAX_TERMS = 8;

interface Planes {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

function planes(dims: readonly number[]): Planes {
  const [batch, channels = 0, height = 0, width = 0] = dims;
  if (dims.length !== 4 || batch !== 1) throw new RangeError(`[${dims}] is not [1, channels, height, width]`);
  return { channels, height, width };
}

function checkWindow(
  window: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
  { width, height }: Planes,
): void {
  const { x, y } = window;
  const isInside = x >= 0 && y >= 0 && x + window.width <= width && y + window.height <= height;
  const isWhole = [x, y, window.width, window.height].every(Number.isInteger);
  if (!isInside || !isWhole || window.width < 1 || window.height < 1) {
    throw new RangeError(
      `A window of ${window.width} × ${window.height} at ${x}, ${y} is not inside ${width} × ${height}`,
    );
  }
}
