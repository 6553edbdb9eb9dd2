import { UserError } from '../errors.ts';
import type { GpuDevice } from './device.ts';
import { asUserError, outOfMemoryError } from './runtimeErrors.ts';

/** Errors that WebGPU reports beside the calls that cause them; onnxruntime looks at none of them. */
const ERROR_FILTERS = ['validation', 'out-of-memory', 'internal'] as const;

/**
 * Calls onnxruntime, or our own kernels, and finds out what really happened: both compute on with buffers that were never
 * allocated, kernels that did not compile, and a device that is lost. One call at a time (`onnxQueue`), or errors are told
 * to the wrong one.
 * @param undo frees what the call made, where it only seemed to succeed
 * @throws {UserError} `DeviceLostError`, `OutOfMemoryError`
 */
export async function guarded<T>(
  gpu: GpuDevice | null,
  { call, undo }: { call: () => Promise<T>; undo?: (made: T) => Promise<void> },
): Promise<T> {
  if (!gpu) return call().catch((error: unknown) => Promise.reject(asUserError(error)));
  if (gpu.isLost) throw await deviceLost(gpu);
  for (const filter of ERROR_FILTERS) gpu.device.pushErrorScope(filter);
  const [outcome] = await Promise.allSettled([call()]);
  const errors = await popErrors(gpu);
  // A failed call may be told of before the loss that failed it.
  if (outcome.status === 'rejected' && !gpu.isLost) await Promise.race([gpu.lost, wait(LOSS_DELAY)]);
  const [error = outcome.status === 'rejected' ? outcome.reason : null] = errors;
  if (outcome.status === 'fulfilled' && !gpu.isLost && error === null) return outcome.value;

  if (outcome.status === 'fulfilled') await undo?.(outcome.value).catch(() => {});
  if (gpu.isLost) throw await deviceLost(gpu);
  throw inWords(errors, error);
}

/**
 * Does something on the device that returns at once, and tells later what came of it.
 * @returns null, or the error; never rejects
 */
export async function watched(gpu: GpuDevice, act: () => void): Promise<unknown> {
  for (const filter of ERROR_FILTERS) gpu.device.pushErrorScope(filter);
  // Nothing else runs before the scopes are closed, so that they hold this act's errors alone.
  let errors: Promise<GPUError[]>;
  try {
    act();
  } finally {
    errors = popErrors(gpu);
  }
  const found = await errors;
  const [error] = found;
  return error ? inWords(found, error) : null;
}

/** What the user is told when the device is lost. */
export async function deviceLost(gpu: GpuDevice): Promise<UserError> {
  return new UserError('DeviceLostError', `${await gpu.lost} The job can be started again.`);
}

async function popErrors({ device }: GpuDevice): Promise<GPUError[]> {
  // Closed all at once: an `await` between would let others open theirs.
  const popped = await Promise.all(ERROR_FILTERS.map(() => device.popErrorScope().catch(() => null)));
  return popped.filter((error) => error !== null);
}

function inWords(errors: readonly GPUError[], error: unknown): unknown {
  const outOfMemory = errors.find((reported) => reported instanceof GPUOutOfMemoryError);
  if (outOfMemory) return outOfMemoryError(outOfMemory);
  const known = asUserError(error);
  return known instanceof GPUError ? new Error(`The GPU refused a kernel: ${known.message}`) : known;
}

/** Milliseconds to wait for a loss to be told before an error is taken for something else. */
const LOSS_DELAY = 100;

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
