import type { ShardSink, TensorLayout } from '../../src/graph/weights.ts';

/** Keeps compiled weights in memory: for tests. */
export class MemorySink implements ShardSink {
  readonly #limit: number;
  readonly #shards: { pieces: Uint8Array[]; length: number }[] = [];

  /** @param limit bytes after which a new shard starts */
  constructor({ limit = Number.POSITIVE_INFINITY }: { limit?: number } = {}) {
    this.#limit = limit;
  }

  async append(
    { byteLength }: TensorLayout,
    pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<{ shard: string; offset: number }> {
    let shard = this.#shards.at(-1);
    if (!shard || shard.length + byteLength > this.#limit) {
      shard = { pieces: [], length: 0 };
      this.#shards.push(shard);
    }
    const offset = shard.length;
    const kept: Uint8Array[] = [];
    for await (const piece of pieces) kept.push(piece.slice());
    // Only now: of a tensor that broke off nothing is kept.
    for (const piece of kept) shard.pieces.push(piece);
    shard.length += byteLength;
    return { shard: `weights-${this.#shards.length - 1}.bin`, offset };
  }

  /** All shards so far, by name. */
  get shards(): Map<string, Uint8Array<ArrayBuffer>> {
    return new Map(
      this.#shards.map(({ pieces, length }, i) => {
        const whole = new Uint8Array(length);
        let offset = 0;
        for (const piece of pieces) {
          whole.set(piece, offset);
          offset += piece.byteLength;
        }
        return [`weights-${i}.bin`, whole];
      }),
    );
  }
}
