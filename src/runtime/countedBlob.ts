/**
 * A Blob that tells how many of its bytes are read, as they are. onnxruntime's JSPI build reads `slice(start, end).stream()`,
 * one tensor at a time; the other builds read `arrayBuffer()`.
 */
export class CountedBlob extends Blob {
  readonly #source: Blob;
  readonly #onBytes: (count: number) => void;

  constructor(source: Blob, onBytes: (count: number) => void) {
    super();
    this.#source = source;
    this.#onBytes = onBytes;
  }

  override get size(): number {
    return this.#source.size;
  }

  override slice(start?: number, end?: number): Blob {
    return new CountedBlob(this.#source.slice(start, end), this.#onBytes);
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const reader = this.#source.stream().getReader();
    return new ReadableStream({
      pull: async (controller) => {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        this.#onBytes(value.byteLength);
        controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    });
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = await this.#source.arrayBuffer();
    this.#onBytes(bytes.byteLength);
    return bytes;
  }
}
