import type { ByteSource } from '../checkpoint/byteSource.ts';

/** A `ByteSource` over a `Blob` or `File`: reads only the range asked for. */
export function blobSource(name: string, blob: Blob): ByteSource {
  return {
    name,
    size: blob.size,
    async read(start, end) {
      return new Uint8Array(await blob.slice(start, end).arrayBuffer());
    },
  };
}
