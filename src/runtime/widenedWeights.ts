import { float16ToFloat32 } from '../checkpoint/float16.ts';
import type { StoredTensor, WeightIndex } from '../graph/weights.ts';

/** Weights: where each lies, and the shards they lie in by name. */
export interface Weights {
  readonly index: WeightIndex;
  readonly shards: ReadonlyMap<string, Blob>;
}

/**
 * Float16 weights as float32 ones, for GPUs without half precision; everything else stays as it is. Nothing is converted
 * before it is read: a shard's bytes are widened piece by piece as onnxruntime asks for them, and never lie in memory whole.
 *
 * A shard may hold other models' weights as well, which a graph of several models has widened apart: the widened shard is
 * named after the place in it where these begin.
 */
export function widenWeights({ index, shards }: Weights): Weights {
  const widened: Record<string, StoredTensor> = {};
  const widenedShards = new Map<string, Blob>();
  for (const [shard, blob] of shards) {
    const stored = Object.entries(index)
      .filter(([, tensor]) => tensor.shard === shard)
      .sort(([, a], [, b]) => a.offset - b.offset);
    const [first] = stored;
    if (!first) continue;
    const widenedShard = `${shard}@${first[1].offset}`;
    const regions: Region[] = [];
    let offset = 0;
    for (const [name, tensor] of stored) {
      const widens = tensor.type === 'float16';
      const byteLength = widens ? 2 * tensor.byteLength : tensor.byteLength;
      const type = widens ? 'float32' : tensor.type;
      widened[name] = { ...tensor, type, shard: widenedShard, offset, byteLength };
      regions.push({ source: tensor.offset, offset, byteLength, widens });
      offset += byteLength;
    }
    widenedShards.set(widenedShard, new WidenedBlob(blob, { regions, start: 0, end: offset }));
  }
  return { index: widened, shards: widenedShards };
}

/** A tensor's bytes: where they are read from, and where they lie in the widened shard. */
interface Region {
  readonly source: number;
  readonly offset: number;
  readonly byteLength: number;
  readonly widens: boolean;
}

/** Bytes widened at a time. A multiple of four, so that no number is cut. */
const PIECE = 1 << 22;

/**
 * A Blob whose bytes are computed when they are read. onnxruntime's JSPI build reads `slice(start, end).stream()`, one
 * tensor at a time; the other builds read `arrayBuffer()`.
 */
class WidenedBlob extends Blob {
  readonly #source: Blob;
  readonly #regions: readonly Region[];
  readonly #start: number;
  readonly #end: number;

  constructor(source: Blob, { regions, start, end }: { regions: readonly Region[]; start: number; end: number }) {
    super();
    this.#source = source;
    this.#regions = regions;
    this.#start = start;
    this.#end = end;
  }

  override get size(): number {
    return this.#end - this.#start;
  }

  override slice(start = 0, end = this.size): Blob {
    const from = Math.min(start, this.size);
    const to = Math.min(Math.max(from, end), this.size);
    return new WidenedBlob(this.#source, {
      regions: this.#regions,
      start: this.#start + from,
      end: this.#start + to,
    });
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const pieces = this.#pieces();
    return new ReadableStream({
      async pull(controller) {
        const { done, value } = await pieces.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await pieces.return(undefined);
      },
    });
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = new Uint8Array(this.size);
    let at = 0;
    for await (const piece of this.#pieces()) {
      bytes.set(piece, at);
      at += piece.byteLength;
    }
    return bytes.buffer;
  }

  async *#pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>, undefined, undefined> {
    for (const { source, offset, byteLength, widens } of this.#regions) {
      const first = Math.max(this.#start, offset);
      const last = Math.min(this.#end, offset + byteLength);
      for (let at = first; at < last; ) {
        // Piece boundaries are counted from the tensor's start, so that they never cut a number.
        const pieceStart = offset + Math.floor((at - offset) / PIECE) * PIECE;
        const pieceEnd = Math.min(pieceStart + PIECE, offset + byteLength);
        const scale = widens ? 2 : 1;
        const from = source + (pieceStart - offset) / scale;
        const read = await this.#source.slice(from, from + (pieceEnd - pieceStart) / scale).arrayBuffer();
        const bytes = new Uint8Array(widens ? float16ToFloat32(new Uint16Array(read)).buffer : read);
        yield bytes.subarray(at - pieceStart, Math.min(last, pieceEnd) - pieceStart);
        at = pieceEnd;
      }
    }
    return undefined;
  }
}
