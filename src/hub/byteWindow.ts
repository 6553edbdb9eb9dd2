/** The last bytes of a stream, kept for those who come a little late. Whole pieces are kept and dropped, nothing is copied. */
export class ByteWindow {
  readonly #limit: number;
  #pieces: Uint8Array[] = [];
  #first = 0;
  #start: number;
  #end: number;

  /** @param start offset of the stream's first byte */
  constructor(start: number, { limit }: { limit: number }) {
    this.#limit = limit;
    this.#start = start;
    this.#end = start;
  }

  /** Offset of the first byte kept. */
  get start(): number {
    return this.#start;
  }

  /** Offset after the last byte. */
  get end(): number {
    return this.#end;
  }

  /** Adds what comes next; drops the oldest pieces beyond the limit, but never this one. */
  push(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#end += piece.byteLength;
    while (this.#end - this.#start > this.#limit && this.#first < this.#pieces.length - 1) {
      this.#start += (this.#pieces[this.#first] as Uint8Array).byteLength;
      this.#pieces[this.#first] = EMPTY;
      this.#first++;
    }
    // Now and then, so that the list does not grow with the stream.
    if (this.#first > 1024) {
      this.#pieces = this.#pieces.slice(this.#first);
      this.#first = 0;
    }
  }

  /** Keeps nothing of what has come so far. */
  forget(): void {
    this.#pieces = [];
    this.#first = 0;
    this.#start = this.#end;
  }

  /** Copies bytes from `start` on into `target`, as many as are kept, at most as many as it holds. */
  copyInto(target: Uint8Array, start: number): number {
    if (start < this.#start || start > this.#end) throw new RangeError(`Byte ${start} is not kept`);
    // From the end: most reads are of what has just come.
    let index = this.#pieces.length;
    let offset = this.#end;
    while (offset > start) {
      index--;
      offset -= (this.#pieces[index] as Uint8Array).byteLength;
    }
    let copied = 0;
    for (; index < this.#pieces.length && copied < target.byteLength; index++) {
      const piece = this.#pieces[index] as Uint8Array;
      const from = start + copied - offset;
      const bytes = piece.subarray(from, from + target.byteLength - copied);
      target.set(bytes, copied);
      copied += bytes.byteLength;
      offset += piece.byteLength;
    }
    return copied;
  }
}

const EMPTY = new Uint8Array(0);
