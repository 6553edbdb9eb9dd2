import { avifItems } from '../container/avif.ts';
import { BlobReader, latin1, viewOf } from '../container/blobReader.ts';
import { exifOfSegment, jpegSegments } from '../container/jpeg.ts';
import { pngChunks } from '../container/png.ts';
import { webpChunks } from '../container/webp.ts';
import { formatOf, type ImageFormat, SNIFFED_BYTES } from '../imageFormat.ts';
import type { Json } from '../json.ts';
import { parseBoundedJson } from '../metadata/boundedJson.ts';
import { utf8OrLatin1 } from '../metadata/exifTexts.ts';
import type { MetadataText } from '../metadata/generationMetadata.ts';
import { MAX_TEXT_BYTES, MAX_TEXTS } from '../metadata/limits.ts';
import { textOfChunk } from '../metadata/pngTexts.ts';
import { pngChunkParts } from '../pngChunk.ts';
import { latin1Bytes } from './bytes.ts';
import { uprightExif } from './exifWriter.ts';
import {
  contentChunk,
  contentOfBytes,
  contentOfComments,
  isContentComment,
  type RefineContent,
} from './refinePacket.ts';

/** Prefixes of a JPEG's APP1 segments. */
export const exifPrefix = 'Exif\0\0';
export const xmpPrefix = 'http://ns.adobe.com/xap/1.0/\0';

/** Keyword of our record in a PNG. */
export const recordKeyword = 'g-refine';
/** Keyword of XMP in a PNG. */
export const xmpKeyword = 'XML:com.adobe.xmp';

/** A JPEG's segment as it is to be written: data without marker and length. */
export interface KeptSegment {
  readonly marker: number;
  readonly data: Uint8Array<ArrayBuffer>;
}

/**
 * What an image file carries besides its pixels, byte for byte, but for the orientation, which is upright. In the form of its own format,
 * and in the forms all formats share.
 */
export interface KeptMetadata {
  /** Null: no image format known here; nothing is kept. */
  readonly format: ImageFormat | null;
  /** Whole chunks of a PNG. */
  readonly pngChunks: readonly BlobPart[];
  /** Segments of a JPEG. */
  readonly jpegSegments: readonly KeptSegment[];
  /** The chunk of a WebP, with or without JPEG's prefix. */
  readonly webpExif: Uint8Array<ArrayBuffer> | null;
  /** A TIFF header and its directories. */
  readonly exif: Uint8Array<ArrayBuffer> | null;
  /** The packet's bytes as Latin-1. */
  readonly xmp: string | null;
  /** Texts that stand neither in EXIF nor in XMP: a PNG's by keyword, a JPEG's comments as `Comment`. Our own left out. */
  readonly texts: readonly MetadataText[];
  /** Our own records that stand in neither, oldest first. */
  readonly records: readonly Json[];
}

const nothing: KeptMetadata = {
  format: null,
  pngChunks: [],
  jpegSegments: [],
  webpExif: null,
  exif: null,
  xmp: null,
  texts: [],
  records: [],
};

/** XMP may repeat EXIF's orientation: the digit in `tiff:Orientation="6"` or `<tiff:Orientation>6<`. */
function uprightXmp(packet: string): string {
  return packet.replace(/(tiff:Orientation(?:\s*=\s*["']|>)\s*)[2-8]/g, '$11');
}

/** An EXIF block with or without JPEG's prefix, upright. */
function uprightPrefixed(bytes: Uint8Array<ArrayBuffer>) {
  const prefixed = latin1(bytes.subarray(0, 4)) === 'Exif';
  const block = uprightExif(bytes.slice(prefixed ? exifPrefix.length : 0));
  if (!prefixed) return { whole: block, block };
  const whole = bytes.slice();
  whole.set(block, exifPrefix.length);
  return { whole, block };
}

/**
 * Chunks that are copied: those that say of themselves that they stay true when the pixels change (PNG 3rd edition, 5.4, the
 * "safe to copy" bit), which are the texts, EXIF and pHYs but none that describes colours, transparency or frames; and the time.
 */
function isKeptChunk(type: string): boolean {
  const ancillary = /^[a-z]/.test(type);
  return ancillary && (/[a-z]$/.test(type) || type === 'tIME');
}

const textTypes = ['tEXt', 'zTXt', 'iTXt'];

async function keptOfPng(blob: Blob, file: BlobReader): Promise<KeptMetadata> {
  const chunks: BlobPart[] = [];
  const texts: MetadataText[] = [];
  const records: Json[] = [];
  let exif: KeptMetadata['exif'] = null;
  let xmp: string | null = null;
  for await (const { type, start, length } of pngChunks(file)) {
    if (!isKeptChunk(type)) continue;
    // Longer than any: its orientation could not be turned upright without reading it whole.
    if (type === 'eXIf' && length > MAX_TEXT_BYTES) continue;
    const whole = blob.slice(start - 8, start + length + 4);
    if (type === 'eXIf') {
      const block = (await file.bytes(start, length)).slice();
      const upright = uprightExif(block);
      exif ??= upright;
      chunks.push(...(upright === block ? [whole] : pngChunkParts(type, upright)));
      continue;
    }
    if (!textTypes.includes(type) || length > MAX_TEXT_BYTES || texts.length >= MAX_TEXTS) {
      chunks.push(whole);
      continue;
    }
    const data = await file.bytes(start, length);
    // What cannot be read is copied all the same.
    const found = await textOfChunk(type, data).catch(() => null);
    if (found?.keyword === xmpKeyword) {
      // Not compressed, it is ours to turn upright.
      const packet = latin1(new TextEncoder().encode(found.text));
      xmp ??= uprightXmp(packet);
      const raw = latin1(data);
      const upright = uprightXmp(raw);
      chunks.push(...(upright === raw ? [whole] : pngChunkParts(type, latin1Bytes(upright))));
      continue;
    }
    chunks.push(whole);
    if (found?.keyword === recordKeyword) records.push(...parsedRecord(found.text));
    else if (found) texts.push(found);
  }
  return { ...nothing, format: 'PNG', pngChunks: chunks, exif, xmp, texts, records };
}

function parsedRecord(text: string): Json[] {
  const record = parseBoundedJson(text);
  return record === undefined ? [] : [record];
}

const app1 = 0xe1;
/** Photoshop's resources, IPTC among them. */
const app13 = 0xed;
const comment = 0xfe;

async function keptOfJpeg(file: BlobReader): Promise<KeptMetadata> {
  const segments: KeptSegment[] = [];
  const comments: Uint8Array[] = [];
  const texts: MetadataText[] = [];
  let exif: KeptMetadata['exif'] = null;
  let xmp: string | null = null;
  for await (const segment of jpegSegments(file)) {
    const { marker, start, length } = segment;
    if (marker !== app1 && marker !== app13 && marker !== comment) continue;
    let data = (await file.bytes(start, length)).slice();
    if (await exifOfSegment(file, segment)) {
      const { whole, block } = uprightPrefixed(data);
      data = whole;
      exif ??= block;
    } else if (marker === app1 && latin1(data.subarray(0, xmpPrefix.length)) === xmpPrefix) {
      const packet = uprightXmp(latin1(data.subarray(xmpPrefix.length)));
      data = latin1Bytes(xmpPrefix + packet);
      xmp ??= packet;
    } else if (marker === comment) {
      comments.push(data);
      if (!isContentComment(data)) texts.push({ keyword: 'Comment', text: utf8OrLatin1(data).replace(/\0+$/, '') });
    }
    segments.push({ marker, data });
  }
  const own = contentOfComments(comments);
  return {
    ...nothing,
    format: 'JPEG',
    jpegSegments: segments,
    exif,
    xmp,
    texts: [...texts, ...own.texts],
    records: own.records,
  };
}

async function keptOfWebp(file: BlobReader): Promise<KeptMetadata> {
  let exif: KeptMetadata['exif'] = null;
  let webpExif: KeptMetadata['exif'] = null;
  let xmp: string | null = null;
  let own: RefineContent = { records: [], texts: [] };
  for await (const { type, start, length } of webpChunks(file)) {
    if (length > MAX_TEXT_BYTES) continue;
    if (type === 'EXIF' && !webpExif) {
      ({ whole: webpExif, block: exif } = uprightPrefixed((await file.bytes(start, length)).slice()));
    }
    if (type === 'XMP ') xmp ??= uprightXmp(latin1(await file.bytes(start, length)));
    if (type === contentChunk) own = contentOfBytes(await file.bytes(start, length));
  }
  return { ...nothing, format: 'WebP', webpExif, exif, xmp, ...own };
}

async function keptOfAvif(file: BlobReader): Promise<KeptMetadata> {
  let exif: KeptMetadata['exif'] = null;
  let xmp: string | null = null;
  for (const { start, length } of await avifItems(file, 'Exif')) {
    const bytes = await file.bytes(start, Math.min(length, MAX_TEXT_BYTES));
    // Four bytes say how far behind them the TIFF header lies (ISO 23008-12 A.2.1).
    if (bytes.length > 4) exif ??= uprightExif(bytes.slice(4 + viewOf(bytes).getUint32(0)));
  }
  for (const { start, length } of await avifItems(file, 'mime')) {
    const packet = latin1(await file.bytes(start, Math.min(length, MAX_TEXT_BYTES)));
    if (packet.includes('</rdf:RDF>')) xmp ??= uprightXmp(packet);
  }
  return { ...nothing, format: 'AVIF', exif, xmp };
}

/**
 * Reads what an image file carries besides its pixels. Left out are colour profiles and whatever else describes the old pixels:
 * the new ones are sRGB, 8 bit, upright.
 *
 * @throws whatever the medium throws (a `NotReadableError`)
 */
export async function readKeptMetadata(blob: Blob): Promise<KeptMetadata> {
  const file = new BlobReader(blob);
  const { format } = formatOf(await file.bytes(0, SNIFFED_BYTES));
  switch (format) {
    case 'PNG':
      return keptOfPng(blob, file);
    case 'JPEG':
      return keptOfJpeg(file);
    case 'WebP':
      return keptOfWebp(file);
    case 'AVIF':
      return keptOfAvif(file);
    default:
      return { ...nothing, format };
  }
}
