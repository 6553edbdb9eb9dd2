/** Bytes read from the file at a time when something in them is asked for. */
const windowBytes = 1 << 16;

/**
 * Random access to a file by small pieces, as readers of image containers need it: they hop from header to header, and
 * the pixels in between are never read.
 */
export class BlobReader {
  /** Length of the file in bytes. */
  readonly size: number;
  readonly #blob: Blob;
  #window = new Uint8Array(0);
  #windowStart = 0;

  constructor(blob: Blob) {
    this.#blob = blob;
    this.size = blob.size;
  }

  /**
   * Bytes `[start, start + length)`, fewer where the file ends. The view is valid until the file is closed; not to be
   * written to.
   *
   * @throws whatever the medium throws (a `NotReadableError`)
   */
  async bytes(start: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const end = Math.min(start + length, this.size);
    if (start >= end) return new Uint8Array(0);
    if (start < this.#windowStart || end > this.#windowStart + this.#window.length) {
      const windowEnd = Math.max(end, Math.min(start + windowBytes, this.size));
      this.#window = new Uint8Array(await this.#blob.slice(start, windowEnd).arrayBuffer());
      this.#windowStart = start;
    }
    return this.#window.subarray(start - this.#windowStart, end - this.#windowStart);
  }
}

/** A view for reading numbers out of bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Bytes as Latin-1: one character each; for tags and keywords. */
export function latin1(bytes: Uint8Array): string {
  let text = '';
  // In pieces, because the arguments of a call are limited.
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}
