/**
 * A part of a file of a pack, looked up anew whenever it is read. A `File` stands for the file as it was when it was asked for,
 * and may refuse to be read once that was written to (File API, "snapshot state"); a pack that is repaired is written in place
 * while its models are in use.
 */
export class LiveBlob extends Blob {
  readonly #open: () => Promise<Blob>;
  readonly #start: number;
  readonly #end: number;

  constructor(open: () => Promise<Blob>, { start, end }: { start: number; end: number }) {
    super();
    this.#open = open;
    this.#start = start;
    this.#end = end;
  }

  override get size(): number {
    return this.#end - this.#start;
  }

  /** Offsets from the start; unlike a Blob's, negative ones do not count from the end. */
  override slice(start = 0, end = this.size): Blob {
    const from = Math.min(Math.max(0, start), this.size);
    const to = Math.min(Math.max(from, end), this.size);
    return new LiveBlob(this.#open, { start: this.#start + from, end: this.#start + to });
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    let reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | null = null;
    return new ReadableStream({
      pull: async (controller) => {
        reader ??= (await this.#now()).stream().getReader();
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader?.cancel(reason),
    });
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.#now()).arrayBuffer();
  }

  override async text(): Promise<string> {
    return (await this.#now()).text();
  }

  async #now(): Promise<Blob> {
    return (await this.#open()).slice(this.#start, this.#end);
  }
}
