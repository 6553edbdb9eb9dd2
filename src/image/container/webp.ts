import { type BlobReader, latin1, viewOf } from './blobReader.ts';
import type { ByteRange, ContainerHeader } from './container.ts';

/** One chunk of a RIFF file: its data, without type and length. */
export interface RiffChunk extends ByteRange {
  readonly type: string;
}

const maxChunks = 1 << 16;

/** The chunks of a WebP in order. Stops where the file ends. */
export async function* webpChunks(file: BlobReader): AsyncGenerator<RiffChunk> {
  let at = 12;
  for (let i = 0; i < maxChunks; i++) {
    const head = await file.bytes(at, 8);
    if (head.length < 8) return;
    const length = viewOf(head).getUint32(4, true);
    yield { type: latin1(head.subarray(0, 4)), start: at + 8, length };
    at += 8 + length + (length & 1);
  }
}

/** The size a picture chunk states, or null if it is none. */
async function sizeOf(file: BlobReader, { type, start }: RiffChunk): Promise<ContainerHeader['size']> {
  if (!['VP8X', 'VP8 ', 'VP8L'].includes(type)) return null;
  const bytes = await file.bytes(start, 10);
  if (bytes.length < 10) return null;
  const view = viewOf(bytes);
  const uint24 = (at: number) => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
  if (type === 'VP8X') return { width: uint24(4) + 1, height: uint24(7) + 1 };
  if (type === 'VP8 ') return { width: view.getUint16(6, true) & 0x3fff, height: view.getUint16(8, true) & 0x3fff };
  const bits = view.getUint32(1, true);
  return { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 };
}

/** Reads size and EXIF of a WebP (RFC 9649). The canvas and the frame may each state a size: the larger counts. */
export async function webpHeader(file: BlobReader): Promise<ContainerHeader> {
  let width = 0;
  let height = 0;
  let exif: ByteRange | null = null;
  for await (const chunk of webpChunks(file)) {
    const size = await sizeOf(file, chunk);
    width = Math.max(width, size?.width ?? 0);
    height = Math.max(height, size?.height ?? 0);
    if (chunk.type === 'EXIF') exif ??= { start: chunk.start, length: chunk.length };
  }
  const riffLength = viewOf(await file.bytes(4, 4)).getUint32(0, true);
  return { size: width > 0 && height > 0 ? { width, height } : null, exif, complete: 8 + riffLength <= file.size };
}
