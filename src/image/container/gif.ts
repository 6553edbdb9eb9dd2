import { type BlobReader, viewOf } from './blobReader.ts';
import type { ContainerHeader } from './container.ts';

const maxBlocks = 1 << 16;

/**
 * Reads the size of a GIF (GIF89a 18 and 20): the screen's or, where that is larger, the extent of the first frame, which is
 * what decoders allocate.
 */
export async function gifHeader(file: BlobReader): Promise<ContainerHeader> {
  const screen = await file.bytes(6, 7);
  if (screen.length < 7) return { size: null, exif: null, complete: false };
  const width = viewOf(screen).getUint16(0, true);
  const height = viewOf(screen).getUint16(2, true);
  const flags = screen[4] as number;
  let at = 13 + (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  for (let i = 0; i < maxBlocks; i++) {
    const block = await file.bytes(at, 9);
    if (block[0] === 0x2c && block.length === 9) {
      const view = viewOf(block);
      const right = view.getUint16(1, true) + view.getUint16(5, true);
      const bottom = view.getUint16(3, true) + view.getUint16(7, true);
      return { size: { width: Math.max(width, right), height: Math.max(height, bottom) }, exif: null, complete: true };
    }
    if (block[0] !== 0x21) break;
    at += 2; // An extension: sub-blocks up to an empty one.
    for (;;) {
      const [length] = await file.bytes(at, 1);
      if (length === undefined) return { size: { width, height }, exif: null, complete: false };
      at += 1 + length;
      if (length === 0) break;
    }
  }
  return { size: { width, height }, exif: null, complete: false };
}
