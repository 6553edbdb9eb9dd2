import { UserError } from '../errors.ts';
import type { DeviceTensor, TensorDevice } from '../pipeline/diffusionPorts.ts';
import type { PlacedTensor } from './session.ts';

/** Bytes on the GPU and between it and the CPU; all 0 where there is none. */
export interface TensorTraffic {
  /** Of tensors alive. */
  readonly heldBytes: number;
  /** Read back since the device was opened. */
  readonly readBytes: number;
  /** Written since the device was opened; kernels' settings are not counted. */
  readonly writtenBytes: number;
}

/** A {@link TensorDevice} whose tensors can be fed to sessions of the same device. */
export interface PlacedTensors extends TensorDevice {
  readonly traffic: TensorTraffic;
  /**
   * The tensor as sessions take it.
   * @throws {UserError} `DeviceLostError`: it lay on a device that is gone
   */
  placed(tensor: DeviceTensor): PlacedTensor;
  /** Copies `count` numbers from one tensor into another, from the given places on. */
  copyRange(
    source: DeviceTensor,
    target: DeviceTensor,
    range: { readonly from: number; readonly to: number; readonly count: number },
  ): void;
  /** Done when the device has finished what it was given. */
  finished(): Promise<void>;
  /** Frees all tensors; on a lost device too. */
  dispose(): void;
}

/** What using a tensor throws whose device is gone, lost or left for another tier. */
export function goneError(): UserError {
  return new UserError(
    'DeviceLostError',
    'What was being worked on is gone with the GPU device it lay on. The job can be started again.',
  );
}
