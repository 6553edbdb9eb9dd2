import { type BlobReader, latin1 } from '../container/blobReader.ts';
import { type PngChunk, pngChunks } from '../container/png.ts';
import { exifTexts, utf8OrLatin1 } from './exifTexts.ts';
import type { MetadataText } from './generationMetadata.ts';
import { inflateBounded } from './inflateBounded.ts';
import { MAX_TEXT_BYTES, MAX_TEXTS } from './limits.ts';
import { xmpTexts } from './xmpTexts.ts';

/** Reads one tEXt, zTXt or iTXt (PNG 3rd edition, 11.3.3); null if its form is broken. */
export async function textOfChunk(type: string, bytes: Uint8Array<ArrayBuffer>): Promise<MetadataText | null> {
  const zero = bytes.indexOf(0);
  if (zero < 1) return null;
  const keyword = latin1(bytes.subarray(0, zero));
  // The standard says Latin-1, and generators write UTF-8 here too.
  if (type === 'tEXt') return { keyword, text: utf8OrLatin1(bytes.subarray(zero + 1)) };
  if (type === 'zTXt')
    return { keyword, text: utf8OrLatin1(await inflateBounded(bytes.subarray(zero + 2), MAX_TEXT_BYTES)) };
  const compressed = bytes[zero + 1] === 1;
  const language = bytes.indexOf(0, zero + 3);
  const translated = language < 0 ? -1 : bytes.indexOf(0, language + 1);
  if (translated < 0) return null;
  const content = bytes.subarray(translated + 1);
  return { keyword, text: utf8OrLatin1(compressed ? await inflateBounded(content, MAX_TEXT_BYTES) : content) };
}

const textTypes = ['tEXt', 'zTXt', 'iTXt'];

/**
 * The texts of a PNG in order, EXIF's and XMP's included.
 *
 * @param onDamage told the keyword or kind of each text that cannot be read
 */
export async function pngTexts(file: BlobReader, onDamage: (what: string) => void): Promise<readonly MetadataText[]> {
  const texts: MetadataText[] = [];
  for await (const chunk of pngChunks(file)) {
    if (texts.length >= MAX_TEXTS) break;
    if (chunk.type === 'eXIf') {
      texts.push(...exifTexts(await file.bytes(chunk.start, Math.min(chunk.length, MAX_TEXT_BYTES))));
    } else if (textTypes.includes(chunk.type)) texts.push(...(await readTextChunk(file, chunk, onDamage)));
  }
  return texts;
}

async function readTextChunk(
  file: BlobReader,
  chunk: PngChunk,
  onDamage: (what: string) => void,
): Promise<readonly MetadataText[]> {
  const keyword = latin1(await file.bytes(chunk.start, Math.min(chunk.length, 80))).split('\0')[0] || chunk.type;
  if (chunk.length > MAX_TEXT_BYTES) {
    onDamage(keyword);
    return [];
  }
  try {
    const found = await textOfChunk(chunk.type, await file.bytes(chunk.start, chunk.length));
    if (!found) onDamage(keyword);
    if (found?.keyword === 'XML:com.adobe.xmp') return xmpTexts(found.text);
    return found ? [found] : [];
  } catch {
    onDamage(keyword);
    return [];
  }
}
