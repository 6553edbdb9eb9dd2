import type { DeviceTensor, TensorDevice } from '../pipeline/diffusionPorts.ts';
import type { PlacedTensors, TensorTraffic } from './placedTensors.ts';
import type { PlacedTensor } from './session.ts';

/** The tensors of whatever tier and device are running now; those of earlier ones are gone with them. */
export class RuntimeTensors implements Omit<PlacedTensors, 'dispose'> {
  readonly #current: () => PlacedTensors;

  constructor(current: () => PlacedTensors) {
    this.#current = current;
  }

  get traffic(): TensorTraffic {
    return this.#current().traffic;
  }

  create(dims: readonly number[], values?: Float32Array): DeviceTensor {
    return this.#current().create(dims, values);
  }

  write(tensor: DeviceTensor, values: Float32Array): void {
    this.#current().write(tensor, values);
  }

  combine(...args: Parameters<TensorDevice['combine']>): void {
    this.#current().combine(...args);
  }

  copyWindow(...args: Parameters<TensorDevice['copyWindow']>): void {
    this.#current().copyWindow(...args);
  }

  copyRange(...args: Parameters<PlacedTensors['copyRange']>): void {
    this.#current().copyRange(...args);
  }

  read(tensor: DeviceTensor): Promise<Float32Array<ArrayBuffer>> {
    return this.#current().read(tensor);
  }

  allFinite(tensor: DeviceTensor): Promise<boolean> {
    return this.#current().allFinite(tensor);
  }

  placed(tensor: DeviceTensor): PlacedTensor {
    return this.#current().placed(tensor);
  }

  finished(): Promise<void> {
    return this.#current().finished();
  }
}
