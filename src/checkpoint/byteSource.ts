/**
 * Random access to the bytes of one published file, wherever it lies: a `Blob` in the browser, a file in Node, a URL
 * with range requests. Readers of checkpoints see nothing else of the outside world.
 */
export interface ByteSource {
  /** Path inside the folder it came from, with `/`; used in error messages. */
  readonly name: string;
  /** Length in bytes. */
  readonly size: number;
  /**
   * Bytes `[start, end)`. Callers keep `0 <= start <= end <= size`.
   * @throws whatever the medium throws (a `DownloadError`, a `NotReadableError`)
   */
  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** The files of one model as its authors published them (hub layout), by path relative to the folder. */
export type HubFolder = ReadonlyMap<string, ByteSource>;

/** A `ByteSource` over bytes in memory. */
export function bytesSource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    size: bytes.byteLength,
    async read(start, end) {
      // `slice` of a Node `Buffer` would be a view, at an offset no typed array accepts.
      return new Uint8Array(bytes.subarray(start, end));
    },
  };
}
