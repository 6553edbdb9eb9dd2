import { type BlobReader, latin1, viewOf } from './blobReader.ts';
import type { ByteRange, ContainerHeader } from './container.ts';

/** One marker segment of a JPEG: its data, without marker and length. */
export interface JpegSegment extends ByteRange {
  /** Second byte of the marker, e.g. 0xe1 for APP1. */
  readonly marker: number;
}

const maxSegments = 1 << 16;
const startOfScan = 0xda;

/** The segments of a JPEG up to and including the first start of scan; what follows it are pixels. */
export async function* jpegSegments(file: BlobReader): AsyncGenerator<JpegSegment> {
  let at = 2;
  for (let i = 0; i < maxSegments; i++) {
    const head = await file.bytes(at, 4);
    if (head.length < 4 || head[0] !== 0xff) return;
    const marker = head[1] as number;
    if (marker === 0xff) {
      at += 1; // Fill byte before a marker.
      continue;
    }
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += 2; // Markers without data.
      continue;
    }
    const length = viewOf(head).getUint16(2);
    if (length < 2) return;
    yield { marker, start: at + 4, length: length - 2 };
    if (marker === startOfScan) return;
    at += 2 + length;
  }
}

/** Frame headers SOF0 to SOF15: among them lie DHT (c4), JPG (c8) and DAC (cc), which are none. */
function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

const exifPrefix = 'Exif\0\0';

/** The EXIF block of an APP1 segment, or null if the segment holds something else. */
export async function exifOfSegment(file: BlobReader, segment: JpegSegment): Promise<ByteRange | null> {
  if (segment.marker !== 0xe1 || segment.length < exifPrefix.length) return null;
  if (latin1(await file.bytes(segment.start, exifPrefix.length)) !== exifPrefix) return null;
  return { start: segment.start + exifPrefix.length, length: segment.length - exifPrefix.length };
}

/** Looks for an end of image after `from`, from the end of the file, where it usually is. */
async function hasEndOfImage(file: BlobReader, from: number): Promise<boolean> {
  const step = 1 << 16;
  for (let end = file.size; end > from; end -= step) {
    const start = Math.max(from, end - step);
    // One byte more, so that a marker across the border is seen.
    const bytes = await file.bytes(start, Math.min(end + 1, file.size) - start);
    for (let i = bytes.length - 2; i >= 0; i--) if (bytes[i] === 0xff && bytes[i + 1] === 0xd9) return true;
  }
  return false;
}

/** Reads size and EXIF of a JPEG (ITU T.81 B.2.2; EXIF 2.32 4.7.2). */
export async function jpegHeader(file: BlobReader): Promise<ContainerHeader> {
  let size: ContainerHeader['size'] = null;
  let exif: ByteRange | null = null;
  let complete = false;
  for await (const segment of jpegSegments(file)) {
    if (isFrameHeader(segment.marker) && !size) {
      const view = viewOf(await file.bytes(segment.start, 5));
      if (view.byteLength === 5) size = { width: view.getUint16(3), height: view.getUint16(1) };
    }
    exif ??= await exifOfSegment(file, segment);
    if (segment.marker === startOfScan) complete = await hasEndOfImage(file, segment.start + segment.length);
  }
  return { size, exif, complete };
}
