import { type BlobReader, viewOf } from './blobReader.ts';
import type { ContainerHeader } from './container.ts';

/** Reads the size of a Windows bitmap: BITMAPCOREHEADER (12 bytes) or any later one. A negative height is top-down. */
export async function bmpHeader(file: BlobReader): Promise<ContainerHeader> {
  const view = viewOf(await file.bytes(14, 12));
  if (view.byteLength < 12) return { size: null, exif: null, complete: false };
  const size =
    view.getUint32(0, true) === 12
      ? { width: view.getUint16(4, true), height: view.getUint16(6, true) }
      : { width: Math.abs(view.getInt32(4, true)), height: Math.abs(view.getInt32(8, true)) };
  return { size, exif: null, complete: true };
}
