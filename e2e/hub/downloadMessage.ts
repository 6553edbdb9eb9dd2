import { expect } from 'vitest';

/** The message of the `DownloadError` that a promise must reject with. */
export async function downloadMessage(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => null,
    (reason: Error) => reason,
  );
  expect(error?.name).toBe('DownloadError');
  return error?.message ?? '';
}
