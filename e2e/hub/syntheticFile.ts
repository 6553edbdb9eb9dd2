import type { HubFile } from './hubFiles.ts';
import { rangeParts, type SyntheticDtype, syntheticCheckpoint } from './syntheticCheckpoint.ts';

/**
 * A safetensors file of any size that a hub serves from nowhere.
 * @param tensors shapes by name, in the order of the file
 * @param options `dtype` of all of them. `publishesHash`: the hub tells its SHA-256, which takes seconds for each gigabyte when it is
 *   first asked
 */
export function syntheticFile(
  tensors: ReadonlyMap<string, readonly number[]>,
  { dtype, publishesHash = true }: { dtype: SyntheticDtype; publishesHash?: boolean },
): HubFile {
  const checkpoint = syntheticCheckpoint(tensors, dtype);
  return {
    size: checkpoint.byteLength,
    isLarge: true,
    ...(publishesHash ? {} : { sha256: null }),
    read(start, end) {
      const bytes = new Uint8Array(end - start);
      let at = 0;
      for (const part of rangeParts(checkpoint, { start, end })) {
        bytes.set(part, at);
        at += part.byteLength;
      }
      return bytes;
    },
  };
}
