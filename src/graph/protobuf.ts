/**
 * The part of Protocol Buffers' wire format that ONNX files need (protobuf.dev/programming-guides/encoding): a message is
 * a run of fields, each a key (number and wire type) followed by a varint, a 32-bit float or a run of bytes.
 */

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

const utf8 = new TextEncoder();

/** Collects the fields of one message, in the order they are written. */
export class ProtoWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  /** A whole number: int32, int64, bool or enum. Negative numbers take ten bytes, as two's complement of 64 bits. */
  integer(field: number, value: number | bigint): this {
    this.#key(field, VARINT);
    this.#varint(value);
    return this;
  }

  float(field: number, value: number): this {
    this.#key(field, FIXED32);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    this.#append(bytes);
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, utf8.encode(value));
  }

  bytes(field: number, value: Uint8Array): this {
    this.#key(field, LENGTH_DELIMITED);
    this.#varint(value.byteLength);
    this.#append(value);
    return this;
  }

  /** A message inside the message. */
  message(field: number, value: ProtoWriter): this {
    return this.bytes(field, value.finish());
  }

  /** Repeated whole numbers, packed. */
  integers(field: number, values: readonly (number | bigint)[]): this {
    const packed = new ProtoWriter();
    for (const value of values) packed.#varint(value);
    return this.bytes(field, packed.finish());
  }

  /** The message's bytes. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  #key(field: number, wireType: number): void {
    this.#varint(field * 8 + wireType);
  }

  #varint(value: number | bigint): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    this.#reserve(10);
    while (rest > 0x7fn) {
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.byteLength);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.byteLength;
  }

  #reserve(extra: number): void {
    const needed = this.#length + extra;
    if (needed <= this.#bytes.byteLength) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.byteLength));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** Value of a field: a varint, or the bytes of a string, a message, packed numbers or a 32-bit float. */
export type ProtoField =
  | { readonly field: number; readonly kind: 'integer'; readonly value: bigint }
  | { readonly field: number; readonly kind: 'bytes' | 'fixed32'; readonly value: Uint8Array<ArrayBuffer> };

/**
 * The fields of a message in the order they lie there.
 * @throws {RangeError} it is cut off, or has fields of other wire types than those above
 */
export function* readProto(bytes: Uint8Array<ArrayBuffer>): Generator<ProtoField> {
  const reader = new VarintReader(bytes);
  while (!reader.isAtEnd) {
    const key = Number(reader.next());
    const [field, wireType] = [Math.floor(key / 8), key % 8];
    if (wireType === VARINT) yield { field, kind: 'integer', value: BigInt.asIntN(64, reader.next()) };
    else if (wireType === LENGTH_DELIMITED) yield { field, kind: 'bytes', value: reader.bytes(Number(reader.next())) };
    else if (wireType === FIXED32) yield { field, kind: 'fixed32', value: reader.bytes(4) };
    else throw new RangeError(`Field ${field} has wire type ${wireType}`);
  }
}

/** Packed whole numbers. */
export function readPacked(bytes: Uint8Array<ArrayBuffer>): number[] {
  const reader = new VarintReader(bytes);
  const values: number[] = [];
  while (!reader.isAtEnd) values.push(Number(BigInt.asIntN(64, reader.next())));
  return values;
}

class VarintReader {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #at = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.byteLength;
  }

  next(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('A number is cut off');
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    const end = this.#at + length;
    if (end > this.#bytes.byteLength) throw new RangeError('A field is cut off');
    const value = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return value;
  }
}
