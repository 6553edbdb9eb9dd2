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

/** Chromaticities of white, red, green and blue in sRGB, in 1/100,000 (PNG 3rd edition, 11.3.2.1). */
const srgbChromaticities = [31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000];

/** Chunks that say exactly what the colours mean; next to them gAMA and cHRM are ignored. */
const exactColour = ['iCCP', 'sRGB', 'cICP'];

/** Whether the data of a gAMA or cHRM says what it says for sRGB, give or take a rounding. */
function saysSrgb(type: string, data: Uint8Array): boolean {
  const expected = type === 'gAMA' ? [45455] : srgbChromaticities;
  const view = viewOf(data);
  return (
    data.length === expected.length * 4 && expected.every((value, i) => Math.abs(view.getUint32(i * 4) - value) <= 100)
  );
}

/**
 * Reads size and EXIF of a PNG (PNG 3rd edition, IHDR and eXIf).
 *
 * `misleading`: gAMA and cHRM of an sRGB image, as ImageMagick writes them into every file. They are a fallback for decoders
 * that do not know sRGB; Chromium takes the gamma of 1/2.2 at its word, and dark tones come out up to 9/255 off.
 */
export async function pngHeader(file: BlobReader): Promise<ContainerHeader> {
  let size: ContainerHeader['size'] = null;
  let exif: ByteRange | null = null;
  let complete = false;
  let sixteenBit = false;
  let approximate = true;
  const fallbacks: ByteRange[] = [];
  for await (const chunk of pngChunks(file)) {
    const { type, start, length } = chunk;
    if (type === 'IHDR' && !size) {
      const view = viewOf(await file.bytes(start, 9));
      if (view.byteLength < 9) continue;
      size = { width: view.getUint32(0), height: view.getUint32(4) };
      sixteenBit = view.getUint8(8) === 16;
    } else if (type === 'gAMA' || type === 'cHRM') {
      if (!saysSrgb(type, await file.bytes(start, Math.min(length, 64)))) approximate = false;
      // The whole chunk, with length, type and checksum.
      fallbacks.push({ start: start - 8, length: length + 12 });
    } else if (exactColour.includes(type)) approximate = false;
    else if (type === 'eXIf') exif ??= { start, length };
    else if (type === 'IEND') complete = true;
  }
  return { size, exif, complete, sixteenBit, misleading: approximate ? fallbacks : [] };
}
