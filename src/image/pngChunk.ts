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

/** A big-endian 32-bit number. */
export function uint32(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value);
  return bytes;
}

/** The first bytes of every PNG. */
export const pngSignature: Uint8Array<ArrayBuffer> = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** A chunk with length, type and checksum (PNG 3rd edition, 5.3), in parts; the data is not copied. */
export function pngChunkParts(
  type: string,
  ...data: readonly Uint8Array<ArrayBuffer>[]
): readonly Uint8Array<ArrayBuffer>[] {
  const name = Uint8Array.from(type, (letter) => letter.charCodeAt(0));
  const length = data.reduce((sum, piece) => sum + piece.length, 0);
  return [uint32(length), name, ...data, uint32(crc32([name, ...data]))];
}

/** IHDR of 8 bits per sample. @param kind PNG's colour type: 0 gray, 2 RGB, 4 gray and alpha, 6 RGB and alpha */
export function pngHeadData(
  { width, height }: { readonly width: number; readonly height: number },
  { kind, interlaced }: { readonly kind: number; readonly interlaced: boolean },
): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(13);
  const view = viewOf(head);
  view.setUint32(0, width);
  view.setUint32(4, height);
  head.set([8, kind, 0, 0, interlaced ? 1 : 0], 8);
  return head;
}
