import { UserError } from '../errors.ts';

/** Turns what the file system throws into a `StorageError` that says what to do; other user errors pass through. */
export function asStorageError(error: unknown, item: string): UserError {
  if (error instanceof UserError) return error;
  const { name, message } = error as { name?: string; message?: string };
  if (name === 'QuotaExceededError') {
    return new UserError(
      'StorageError',
      `Cannot write "${item}": the browser's storage is full (${message}). Free disk space or delete a model, then go on: what is done so far is kept.`,
      { cause: error },
    );
  }
  if (name === 'SecurityError' || name === 'TypeError') {
    return new UserError(
      'StorageError',
      `Cannot keep "${item}": this browser window has no private file system (${message}). Use a normal window instead of a private one.`,
      { cause: error },
    );
  }
  return new UserError('StorageError', `Cannot write "${item}": ${message ?? String(error)}. Try again.`, {
    cause: error,
  });
}
