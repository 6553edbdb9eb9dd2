import { viewOf } from './container/blobReader.ts';
import { pngChunkParts, pngHeadData, pngSignature, uint32 } from './pngChunk.ts';

/** A zlib stream without a dictionary, fastest. */
const zlibHead = new Uint8Array([0x78, 0x01]);
/** Longest stored block of deflate. */
const maxBlock = 65_535;
/** Rows are written in chunks of about this many bytes. */
const chunkBytes = 1 << 20;
/** Additions after which Adler-32's sums still fit a double's integers by far. */
const adlerRun = 1 << 12;

/**
 * Writes an 8-bit PNG row by row without packing it: to hand pixels to the browser's own decoder, whose handling of colour
 * profiles is wanted. Packing would take many times as long as everything else.
 */
export class PngWriter {
  readonly #parts: BlobPart[] = [];
  #pending: Uint8Array<ArrayBuffer>[] = [];
  #pendingBytes = 0;
  /** Whether the zlib header, which stands before the first block, is written. */
  #begun = false;
  #adlerA = 1;
  #adlerB = 0;

  /** @param options.kind PNG's colour type: 0 gray, 2 RGB, 4 gray and alpha, 6 RGB and alpha */
  constructor(
    width: number,
    height: number,
    { kind, interlaced }: { readonly kind: number; readonly interlaced: boolean },
  ) {
    this.#parts.push(pngSignature);
    this.chunk('IHDR', pngHeadData({ width, height }, { kind, interlaced }));
  }

  /** Adds a chunk as it is. Chunks that describe the colours go before the first row. */
  chunk(type: string, ...data: readonly Uint8Array<ArrayBuffer>[]): void {
    this.#parts.push(...pngChunkParts(type, ...data));
  }

  /** Adds a row, its filter byte first. The bytes are copied. */
  row(bytes: Uint8Array): void {
    this.#pending.push(bytes.slice());
    this.#pendingBytes += bytes.length;
    for (let start = 0; start < bytes.length; start += adlerRun) {
      const end = Math.min(bytes.length, start + adlerRun);
      for (let i = start; i < end; i++) {
        this.#adlerA += bytes[i] as number;
        this.#adlerB += this.#adlerA;
      }
      this.#adlerA %= 65_521;
      this.#adlerB %= 65_521;
    }
    if (this.#pendingBytes >= chunkBytes) this.#flush();
  }

  /** Writes the pending rows as stored blocks. */
  #flush(): void {
    const pieces = this.#begun ? [] : [zlibHead];
    this.#begun = true;
    for (const row of this.#pending) {
      for (let start = 0; start < row.length; start += maxBlock) {
        const block = row.subarray(start, start + maxBlock);
        const head = new Uint8Array(5);
        viewOf(head).setUint16(1, block.length, true);
        viewOf(head).setUint16(3, ~block.length & 0xffff, true);
        pieces.push(head, block);
      }
    }
    this.chunk('IDAT', ...pieces);
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  /** Ends the file. */
  finish(): Blob {
    this.#flush();
    this.chunk('IDAT', new Uint8Array([1, 0, 0, 0xff, 0xff]), uint32(this.#adlerB * 65_536 + this.#adlerA));
    this.chunk('IEND');
    return new Blob(this.#parts, { type: 'image/png' });
  }
}
