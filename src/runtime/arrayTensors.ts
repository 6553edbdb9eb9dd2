import { ArrayTensorDevice } from '../diffusion/arrayTensorDevice.ts';
import type { DeviceTensor, TensorDevice } from '../pipeline/diffusionPorts.ts';
import { goneError, type PlacedTensors, type TensorTraffic } from './placedTensors.ts';
import type { PlacedTensor } from './session.ts';

/** Tensors of the `wasm` tier: arrays, which sessions read and write as they are. */
export class ArrayTensors implements PlacedTensors {
  /** Nothing goes over a bus. */
  readonly traffic: TensorTraffic = { heldBytes: 0, readBytes: 0, writtenBytes: 0 };
  readonly #device = new ArrayTensorDevice();
  readonly #own = new WeakSet<DeviceTensor>();
  #isDisposed = false;

  create(dims: readonly number[], values?: Float32Array): DeviceTensor {
    if (this.#isDisposed) throw goneError();
    const tensor = this.#device.create(dims, values);
    this.#own.add(tensor);
    return tensor;
  }

  write(tensor: DeviceTensor, values: Float32Array): void {
    this.#check(tensor);
    this.#device.write(tensor, values);
  }

  combine(target: DeviceTensor, terms: Parameters<TensorDevice['combine']>[1]): void {
    this.#check(target, ...terms.map(({ source }) => source));
    this.#device.combine(target, terms);
  }

  copyWindow(source: DeviceTensor, target: DeviceTensor, window: Parameters<TensorDevice['copyWindow']>[2]): void {
    this.#check(source, target, ...(window.weights ? [window.weights] : []));
    this.#device.copyWindow(source, target, window);
  }

  copyRange(
    source: DeviceTensor,
    target: DeviceTensor,
    { from, to, count }: { readonly from: number; readonly to: number; readonly count: number },
  ): void {
    const [read, written] = [this.placed(source).place, this.placed(target).place];
    if (from < 0 || to < 0 || from + count > read.length || to + count > written.length) {
      throw new RangeError(`${count} numbers from ${from} of [${source.dims}] do not fit [${target.dims}] from ${to}`);
    }
    written.set(read.subarray(from, from + count), to);
  }

  async read(tensor: DeviceTensor): Promise<Float32Array<ArrayBuffer>> {
    this.#check(tensor);
    return this.#device.read(tensor);
  }

  async allFinite(tensor: DeviceTensor): Promise<boolean> {
    this.#check(tensor);
    return this.#device.allFinite(tensor);
  }

  placed(tensor: DeviceTensor): PlacedTensor & { readonly place: Float32Array<ArrayBuffer> } {
    this.#check(tensor);
    const { values } = tensor as DeviceTensor & { readonly values: Float32Array<ArrayBuffer> | null };
    if (!values) throw new TypeError(`The tensor [${tensor.dims}] is disposed`);
    return { dims: tensor.dims, place: values };
  }

  async finished(): Promise<void> {}

  dispose(): void {
    this.#isDisposed = true;
  }

  #check(...tensors: readonly DeviceTensor[]): void {
    if (this.#isDisposed || tensors.some((tensor) => !this.#own.has(tensor))) throw goneError();
  }
}
