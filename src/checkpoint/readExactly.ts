import type { ByteSource } from './byteSource.ts';
import { checkpointError, DOWNLOAD_AGAIN } from './checkpointError.ts';

/**
 * Bytes `[start, end)` of a file, all of them: a range beyond the file, and a medium that returns fewer bytes than asked
 * for (a file that shrank, a server that ignores ranges), are errors instead of zeros further on.
 * @throws {UserError} `CheckpointError`, and whatever the medium throws
 */
export async function readExactly(source: ByteSource, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
  if (!(start >= 0 && start <= end && end <= source.size)) {
    throw checkpointError(
      source.name,
      `bytes ${start} to ${end} were expected, found ${source.size} bytes in all; ${DOWNLOAD_AGAIN}`,
    );
  }
  const bytes = await source.read(start, end);
  if (bytes.byteLength !== end - start) {
    throw checkpointError(
      source.name,
      `${end - start} bytes were expected at ${start}, found ${bytes.byteLength}; ${DOWNLOAD_AGAIN}`,
    );
  }
  return bytes;
}
