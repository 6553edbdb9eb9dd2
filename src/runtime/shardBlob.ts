/** Bytes that are read at once where less is asked for: of a large model, whose small tensors lie apart, little is read in vain. */
export const BLOCK = 1 << 20;
/** Blocks kept: tensors of one layer lie near to each other, but not in the order that a graph names them. */
const KEPT_BLOCKS = 8;

/**
 * A shard of weights as onnxruntime reads it, that tells how many of its bytes were asked for. The JSPI build reads
 * `slice(start, end).stream()`, one tensor at a time; the other builds read `arrayBuffer()`. Most tensors are small, and a file
 * takes milliseconds to answer whatever it is asked for, so small ones are read in blocks.
 */
export class ShardBlob extends Blob {
  readonly #blocks: Blocks;
  readonly #start: number;
  readonly #end: number;
  readonly #onBytes: (count: number) => void;

  /** @param onBytes told how many bytes are read, as they are */
  constructor(source: Blob, onBytes: (count: number) => void, { start = 0, end = source.size } = {}) {
    super();
    this.#blocks = source instanceof ShardBlob ? source.#blocks : new Blocks(source);
    this.#start = start;
    this.#end = end;
    this.#onBytes = onBytes;
  }

  override get size(): number {
    return this.#end - this.#start;
  }

  override slice(start = 0, end = this.size): Blob {
    const from = Math.min(start, this.size);
    const to = Math.min(Math.max(from, end), this.size);
    return new ShardBlob(this, this.#onBytes, { start: this.#start + from, end: this.#start + to });
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const pieces = this.#blocks.read(this.#start, this.#end);
    return new ReadableStream({
      pull: async (controller) => {
        const { done, value } = await pieces.next();
        if (done) return controller.close();
        this.#onBytes(value.byteLength);
        controller.enqueue(value);
      },
      cancel: async () => {
        await pieces.return(undefined);
      },
    });
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = await this.#blocks.source.slice(this.#start, this.#end).arrayBuffer();
    this.#onBytes(bytes.byteLength);
    return bytes;
  }
}

/** The last blocks of a file that were read. */
class Blocks {
  readonly source: Blob;
  readonly #kept = new Map<number, Uint8Array<ArrayBuffer>>();

  constructor(source: Blob) {
    this.source = source;
  }

  /** The bytes from `start` to `end`, piece by piece; a piece is good until the next is asked for. */
  async *read(start: number, end: number): AsyncGenerator<Uint8Array<ArrayBuffer>, undefined, undefined> {
    if (end - start >= BLOCK) {
      const reader = this.source.slice(start, end).stream().getReader();
      try {
        for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value;
      } finally {
        await reader.cancel();
      }
      return undefined;
    }
    for (let at = start; at < end; ) {
      const index = Math.floor(at / BLOCK);
      const from = index * BLOCK;
      const to = Math.min(end, from + BLOCK);
      yield (await this.#block(index)).subarray(at - from, to - from);
      at = to;
    }
    return undefined;
  }

  async #block(index: number): Promise<Uint8Array<ArrayBuffer>> {
    const kept = this.#kept.get(index);
    const block = kept ?? new Uint8Array(await this.source.slice(index * BLOCK, (index + 1) * BLOCK).arrayBuffer());
    // The one used last comes last, so that the first is the one to go.
    this.#kept.delete(index);
    this.#kept.set(index, block);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT_BLOCKS) this.#kept.delete(oldest as number);
    return block;
  }
}
