import { viewOf } from './container/blobReader.ts';

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

function crc32(pieces: readonly Uint8Array[]): number {
  let crc = 0xffffffff;
  for (const piece of pieces) {
    for (let i = 0; i < piece.length; i++) crc = (crcTable[(crc ^ (piece[i] as number)) & 255] as number) ^ (crc >>> 8);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function uint32(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value);
  return bytes;
}

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
    this.#parts.push(new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]));
    const head = new Uint8Array(13);
    const view = viewOf(head);
    view.setUint32(0, width);
    view.setUint32(4, height);
    head.set([8, kind, 0, 0, interlaced ? 1 : 0], 8);
    this.chunk('IHDR', head);
  }

  /** Adds a chunk as it is. Chunks that describe the colours go before the first row. */
  chunk(type: string, ...data: readonly Uint8Array<ArrayBuffer>[]): void {
    const name = Uint8Array.from(type, (letter) => letter.charCodeAt(0));
    const length = data.reduce((sum, piece) => sum + piece.length, 0);
    this.#parts.push(uint32(length), name, ...data, uint32(crc32([name, ...data])));
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
