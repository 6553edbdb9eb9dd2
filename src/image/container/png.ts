import { type BlobReader, latin1, viewOf } from './blobReader.ts';
import type { ByteRange, ContainerHeader } from './container.ts';

/** One chunk of a PNG: its data, without length, type and checksum. */
export interface PngChunk extends ByteRange {
  readonly type: string;
}

/** More chunks than any real file has: 100 megapixels in chunks of 8 KiB are about 50,000. */
const maxChunks = 1 << 18;

/** The chunks of a PNG in order, up to IEND. Stops where the file ends or is not PNG any more. */
export async function* pngChunks(file: BlobReader): AsyncGenerator<PngChunk> {
  let at = 8;
  for (let i = 0; i < maxChunks; i++) {
    const head = await file.bytes(at, 8);
    if (head.length < 8) return;
    const length = viewOf(head).getUint32(0);
    const type = latin1(head.subarray(4));
    if (at + 12 + length > file.size) return;
    yield { type, start: at + 8, length };
    if (type === 'IEND') return;
    at += 12 + length;
  }
}

/** Reads size and EXIF of a PNG (PNG 3rd edition, IHDR and eXIf). */
export async function pngHeader(file: BlobReader): Promise<ContainerHeader> {
  let size: ContainerHeader['size'] = null;
  let exif: ByteRange | null = null;
  let complete = false;
  let sixteenBit = false;
  for await (const chunk of pngChunks(file)) {
    if (chunk.type === 'IHDR' && !size) {
      const view = viewOf(await file.bytes(chunk.start, 9));
      if (view.byteLength < 9) continue;
      size = { width: view.getUint32(0), height: view.getUint32(4) };
      sixteenBit = view.getUint8(8) === 16;
    }
    if (chunk.type === 'eXIf') exif ??= { start: chunk.start, length: chunk.length };
    if (chunk.type === 'IEND') complete = true;
  }
  return { size, exif, complete, sixteenBit };
}
