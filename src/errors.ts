/**
 * The errors a user can act on. Each has a stable `name`, because comlink carries only `name`, `message` and `stack` of
 * an error from a worker to the page: match on `name`, never on `instanceof`, on the page's side. The interface has one
 * remedy per name. Misuse by a programmer is a `TypeError` or `RangeError`; a cancelled job rejects with an
 * `AbortError` (see {@link abortError}).
 */

/** Names of the errors that carry a remedy in the interface. */
export type UserErrorName =
  | 'WebGpuUnavailableError'
  | 'TierUnavailableError'
  | 'DeviceLostError'
  | 'OutOfMemoryError'
  | 'DownloadError'
  | 'CheckpointError'
  | 'UnsupportedModelError'
  | 'PackMissingError'
  | 'NumbersError'
  | 'ImageError'
  | 'TableError'
  | 'StorageError';

/**
 * An error a user can act on.
 *
 * Wording: name the file or tensor, what was expected, what was found and what to do, for example
 * `Cannot load "unet/model.safetensors": tensor "conv_in.weight" is [320,4,3,3], expected [320,9,3,3]; this is not an
 * inpainting model`.
 */
export class UserError extends Error {
  override readonly name: UserErrorName;

  constructor(name: UserErrorName, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = name;
  }
}

/** The error of a cancelled job: its `name` is `AbortError`, as the web platform's own. */
export function abortError(message = 'The job was cancelled'): Error {
  const error = new Error(message);
  error.name = 'AbortError';
  return error;
}
