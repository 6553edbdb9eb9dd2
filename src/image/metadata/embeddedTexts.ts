import { avifItems } from '../container/avif.ts';
import { type BlobReader, latin1, viewOf } from '../container/blobReader.ts';
import type { ByteRange } from '../container/container.ts';
import { exifOfSegment, jpegSegments } from '../container/jpeg.ts';
import { webpChunks } from '../container/webp.ts';
import type { ImageFormat } from '../imageFormat.ts';
import { contentChunk, contentOfBytes, contentOfComments, isContentComment } from '../saving/refinePacket.ts';
import { exifTexts, utf8OrLatin1 } from './exifTexts.ts';
import type { MetadataText } from './generationMetadata.ts';
import { MAX_TEXT_BYTES, MAX_TEXTS } from './limits.ts';
import { pngTexts } from './pngTexts.ts';
import { xmpTexts } from './xmpTexts.ts';

const bounded = (file: BlobReader, { start, length }: ByteRange) => file.bytes(start, Math.min(length, MAX_TEXT_BYTES));

const xmpPrefix = 'http://ns.adobe.com/xap/1.0/\0';

async function jpegTexts(file: BlobReader): Promise<readonly MetadataText[]> {
  const texts: MetadataText[] = [];
  const own: Uint8Array[] = [];
  for await (const segment of jpegSegments(file)) {
    if (texts.length >= MAX_TEXTS) break;
    const exif = await exifOfSegment(file, segment);
    if (exif) texts.push(...exifTexts(await bounded(file, exif)));
    else if (segment.marker === 0xe1) {
      const bytes = await bounded(file, segment);
      if (latin1(bytes.subarray(0, xmpPrefix.length)) === xmpPrefix) {
        texts.push(...xmpTexts(utf8OrLatin1(bytes.subarray(xmpPrefix.length))));
      }
    } else if (segment.marker === 0xfe) {
      const comment = (await bounded(file, segment)).slice();
      if (isContentComment(comment)) own.push(comment);
      else texts.push({ keyword: 'jpeg:Comment', text: utf8OrLatin1(comment).replace(/\0+$/, '') });
    }
  }
  return [...texts, ...contentOfComments(own).texts];
}

async function webpTexts(file: BlobReader): Promise<readonly MetadataText[]> {
  const texts: MetadataText[] = [];
  for await (const chunk of webpChunks(file)) {
    if (texts.length >= MAX_TEXTS) break;
    if (chunk.type === 'EXIF') {
      const bytes = await bounded(file, chunk);
      texts.push(...exifTexts(latin1(bytes.subarray(0, 4)) === 'Exif' ? bytes.subarray(6) : bytes));
    }
    if (chunk.type === contentChunk) texts.push(...contentOfBytes(await bounded(file, chunk)).texts);
    if (chunk.type === 'XMP ') texts.push(...xmpTexts(utf8OrLatin1(await bounded(file, chunk))));
  }
  return texts;
}

async function avifTexts(file: BlobReader): Promise<readonly MetadataText[]> {
  const texts: MetadataText[] = [];
  for (const range of await avifItems(file, 'Exif')) {
    const bytes = await bounded(file, range);
    // Four bytes say how far behind them the TIFF header lies (ISO 23008-12 A.2.1).
    if (bytes.length > 4) texts.push(...exifTexts(bytes.subarray(4 + viewOf(bytes).getUint32(0))));
  }
  for (const range of await avifItems(file, 'mime')) texts.push(...xmpTexts(utf8OrLatin1(await bounded(file, range))));
  return texts;
}

/**
 * All texts in an image file that may say how it was made, in the file's order.
 *
 * @param onDamage told the name of each text that is there but cannot be read
 */
export async function embeddedTexts(
  file: BlobReader,
  { format, onDamage }: { readonly format: ImageFormat; readonly onDamage: (what: string) => void },
): Promise<readonly MetadataText[]> {
  switch (format) {
    case 'PNG':
      return pngTexts(file, onDamage);
    case 'JPEG':
      return jpegTexts(file);
    case 'WebP':
      return webpTexts(file);
    case 'AVIF':
      return avifTexts(file);
    case 'GIF':
    case 'BMP':
      return [];
  }
}
