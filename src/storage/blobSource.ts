import type { ByteSource } from '../checkpoint/byteSource.ts';

/** Bytes read at a time. Each read is a message to another process and back, whatever its length. */
const WINDOW_BYTES = 8 * 1024 ** 2;

/** What was read last, of whichever source: a model may have hundreds of files open. */
let window: { readonly of: Blob; readonly start: number; readonly bytes: Uint8Array<ArrayBuffer> } | null = null;

/**
 * A `ByteSource` over a `Blob` or `File`. Whoever reads it from front to back is served out of a few MB, and each byte is read
 * once; what lies before what was read already is read by itself.
 */
export function blobSource(name: string, blob: Blob, { windowBytes = WINDOW_BYTES } = {}): ByteSource {
  let frontier = 0;
  let turn: Promise<unknown> = Promise.resolve();

  const readBlob = async (start: number, end: number) => new Uint8Array(await blob.slice(start, end).arrayBuffer());
  const read = async (start: number, end: number): Promise<Uint8Array<ArrayBuffer>> => {
    const own = window?.of === blob && start >= window.start ? window : null;
    const kept = own?.bytes.subarray(start - own.start, end - own.start);
    if (kept?.byteLength === end - start) return kept.slice();
    if (start + (kept?.byteLength ?? 0) < frontier) return readBlob(start, end);
    const from = start + (kept?.byteLength ?? 0);
    const bytes = await readBlob(from, Math.min(blob.size, Math.max(end, from + windowBytes)));
    frontier = from + bytes.byteLength;
    window = end < blob.size ? { of: blob, start: from, bytes } : null;
    if (!kept?.byteLength) return bytes.slice(0, end - start);
    const whole = new Uint8Array(kept.byteLength + Math.min(bytes.byteLength, end - from));
    whole.set(kept);
    whole.set(bytes.subarray(0, end - from), kept.byteLength);
    return whole;
  };
  return {
    name,
    size: blob.size,
    read(start, end) {
      const result = turn.then(() => read(start, end));
      turn = result.catch(() => {});
      return result;
    },
  };
}
