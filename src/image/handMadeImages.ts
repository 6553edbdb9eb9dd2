/**
 * Image files made by hand for tests: containers with whatever is to be read in them. Never imported by the app.
 */

type Bytes = Uint8Array<ArrayBuffer>;

/** Bytes from numbers, texts (as Latin-1) and bytes. */
export function bytesOf(...parts: (number | string | Uint8Array | readonly number[])[]): Bytes {
  const pieces = parts.map((part) => {
    if (typeof part === 'number') return [part];
    return typeof part === 'string' ? Array.from(part, (letter) => letter.charCodeAt(0)) : part;
  });
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** A big-endian 32-bit number. */
export const uint32 = (value: number): Bytes =>
  bytesOf(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
const uint16 = (value: number) => bytesOf((value >> 8) & 255, value & 255);
const little = (bytes: Uint8Array) => bytes.slice().reverse();

function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** A PNG chunk with its checksum. */
export function pngChunk(type: string, data: Uint8Array): Bytes {
  const body = bytesOf(type, data);
  return bytesOf(uint32(data.length), body, uint32(crc32(body)));
}

/** A PNG's IHDR chunk. */
export function pngHead(width: number, height: number, { depth = 8, kind = 2 } = {}): Bytes {
  return pngChunk('IHDR', bytesOf(uint32(width), uint32(height), depth, kind, 0, 0, 0));
}

export const PNG_SIGNATURE = bytesOf('\x89PNG\r\n\x1a\n');

/** A PNG with chunks between its head and its end; without pixels unless a chunk has them. */
export function png(chunks: readonly Uint8Array[], { width = 2, height = 1 } = {}): Bytes {
  return bytesOf(PNG_SIGNATURE, pngHead(width, height), ...chunks, pngChunk('IEND', bytesOf()));
}

/** Utf-8 text of a PNG in an iTXt chunk, not compressed. */
export function iTXt(keyword: string, text: string): Bytes {
  return pngChunk('iTXt', bytesOf(keyword, 0, 0, 0, 0, 0, new TextEncoder().encode(text)));
}

/** An EXIF tag: number, field type (2 text, 3 short, 7 bytes), value. */
export type ExifTag = readonly [tag: number, type: 2 | 3 | 7, value: Uint8Array | number | string];

/** An EXIF block with tags in the image's and in the EXIF directory. */
export function exifBlock(
  imageTags: readonly ExifTag[],
  { exifTags = [], order = 'MM' }: { exifTags?: readonly ExifTag[]; order?: 'MM' | 'II' } = {},
): Bytes {
  const ordered = (bytes: Uint8Array) => (order === 'II' ? little(bytes) : bytes);
  const sizeOf = (count: number) => 2 + 12 * count + 4;
  const exifAt = 8 + sizeOf(imageTags.length + (exifTags.length > 0 ? 1 : 0));
  let dataAt = exifAt + (exifTags.length > 0 ? sizeOf(exifTags.length) : 0);
  const data: Uint8Array[] = [];
  const entry = ([tag, type, value]: ExifTag | readonly [number, 4, number]): Bytes => {
    const head = bytesOf(ordered(uint16(tag)), ordered(uint16(type)));
    if (type === 4) return bytesOf(head, ordered(uint32(1)), ordered(uint32(value as number)));
    if (typeof value === 'number') return bytesOf(head, ordered(uint32(1)), ordered(uint16(value)), 0, 0);
    const bytes = typeof value === 'string' ? bytesOf(new TextEncoder().encode(value), 0) : value;
    if (bytes.length <= 4) return bytesOf(head, ordered(uint32(bytes.length)), bytes, Array(4 - bytes.length).fill(0));
    data.push(bytes);
    dataAt += bytes.length;
    return bytesOf(head, ordered(uint32(bytes.length)), ordered(uint32(dataAt - bytes.length)));
  };
  const directory = (tags: readonly (ExifTag | readonly [number, 4, number])[]) =>
    bytesOf(ordered(uint16(tags.length)), ...tags.map(entry), 0, 0, 0, 0);
  const image = directory(exifTags.length > 0 ? [...imageTags, [0x8769, 4, exifAt]] : imageTags);
  const exif = exifTags.length > 0 ? directory(exifTags) : bytesOf();
  return bytesOf(order, ordered(uint16(42)), ordered(uint32(8)), image, exif, ...data);
}

/** A JPEG of the given segments (marker and data), a frame header, and no pixels. */
export function jpeg(
  segments: readonly (readonly [marker: number, data: Uint8Array])[],
  { width = 2, height = 1, complete = true } = {},
): Bytes {
  const segment = (marker: number, data: Uint8Array) => bytesOf(0xff, marker, uint16(data.length + 2), data);
  return bytesOf(
    0xff,
    0xd8,
    ...segments.map(([marker, data]) => segment(marker, data)),
    segment(0xc2, bytesOf(8, uint16(height), uint16(width), 1, 1, 0x11, 0)),
    segment(0xda, bytesOf(1, 1, 0, 0, 63, 0)),
    0x12,
    0x34,
    complete ? bytesOf(0xff, 0xd9) : bytesOf(),
  );
}

/** A WebP of the given chunks. */
export function webp(chunks: readonly (readonly [type: string, data: Uint8Array])[]): Bytes {
  const body = bytesOf(
    'WEBP',
    ...chunks.map(([type, data]) => bytesOf(type, little(uint32(data.length)), data, data.length % 2 ? 0 : [])),
  );
  return bytesOf('RIFF', little(uint32(body.length)), body);
}

/** An ISO media box. */
export function isoBox(type: string, ...content: (string | number | Uint8Array)[]): Bytes {
  const body = bytesOf(...content);
  return bytesOf(uint32(body.length + 8), type, body);
}

/** An AVIF of a stated size with one Exif item, without pixels. */
export function avif({ width, height, exif }: { width: number; height: number; exif: Uint8Array }): Bytes {
  const item = bytesOf(uint32(0), exif);
  const build = (offset: number) => {
    const infe = isoBox('infe', 2, 0, 0, 0, uint16(1), uint16(0), 'Exif', 0);
    const iloc = bytesOf(
      0,
      0,
      0,
      0,
      0x44,
      0x00,
      uint16(1),
      uint16(1),
      uint16(0),
      uint16(1),
      uint32(offset),
      uint32(item.length),
    );
    return bytesOf(
      isoBox('ftyp', 'avif', 0, 0, 0, 0, 'mif1'),
      isoBox(
        'meta',
        uint32(0),
        isoBox('iinf', uint32(0), uint16(1), infe),
        isoBox('iloc', iloc),
        isoBox('iprp', isoBox('ipco', isoBox('ispe', uint32(0), uint32(width), uint32(height)))),
      ),
    );
  };
  const head = build(0);
  return bytesOf(build(head.length + 8), isoBox('mdat', item));
}

/** A file of the bytes. */
export function fileOf(bytes: Uint8Array, name = 'x.png'): File {
  return new File([bytes as Bytes], name);
}
