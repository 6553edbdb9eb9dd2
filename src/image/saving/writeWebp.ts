import { BlobReader, viewOf } from '../container/blobReader.ts';
import { type RiffChunk, webpChunks } from '../container/webp.ts';
import type { Json } from '../json.ts';
import { latin1Bytes } from './bytes.ts';
import { withExifTexts } from './exifWriter.ts';
import { exifPlan } from './generatorTexts.ts';
import type { KeptMetadata } from './keptMetadata.ts';
import { contentBytes, contentChunk, type RefineContent, xmpWithContent } from './refinePacket.ts';

/** Flags of VP8X (RFC 9649, 2.7). */
const flags = { icc: 0x20, alpha: 0x10, exif: 0x08, xmp: 0x04 } as const;

/** Type, length, data and padding to an even length. */
function riffChunk(type: string, data: Uint8Array<ArrayBuffer> | Blob): BlobPart[] {
  const length = data instanceof Blob ? data.size : data.length;
  const head = new Uint8Array(8);
  head.set(latin1Bytes(type));
  viewOf(head).setUint32(4, length, true);
  return [head, data, new Uint8Array(length & 1)];
}

/** VP8X of a picture. */
function extendedHeader({ width, height }: { width: number; height: number }, set: number): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(10);
  const view = viewOf(data);
  view.setUint8(0, set);
  for (const [at, side] of [
    [4, width - 1],
    [7, height - 1],
  ] as const) {
    view.setUint16(at, side & 0xffff, true);
    view.setUint8(at + 2, side >> 16);
  }
  return data;
}

/** Whether the picture has an alpha channel: a chunk for it, or lossless WebP's own hint (bit 28 behind the signature byte). */
async function hasAlpha(file: BlobReader, { type, start }: RiffChunk): Promise<boolean> {
  if (type === 'ALPH') return true;
  return type === 'VP8L' && (((await file.bytes(start + 4, 1))[0] ?? 0) & 0x10) !== 0;
}

/** Chunks of an encoder's file that make up the picture. */
const pictureTypes = ['ICCP', 'ALPH', 'VP8 ', 'VP8L'];

/** The chunk for EXIF: the original's own as it was, or one with what the original had elsewhere. */
function exifOf({ format, webpExif, exif, texts }: KeptMetadata) {
  if (format === 'WebP') return { exif: webpExif, rest: texts };
  const { additions, rest } = exifPlan(texts, exif);
  const adds = additions.image.size > 0 || additions.userComment !== null;
  return { exif: adds ? withExifTexts(exif, additions) : exif, rest };
}

/** Puts an original's metadata and one more record into a WebP fresh from an encoder. */
export async function writeWebp(
  encoded: Blob,
  {
    kept,
    record,
    width,
    height,
  }: {
    readonly kept: KeptMetadata;
    readonly record: Json;
    readonly width: number;
    readonly height: number;
  },
): Promise<Blob> {
  const file = new BlobReader(encoded);
  const picture: BlobPart[] = [];
  let set = 0;
  for await (const chunk of webpChunks(file)) {
    if (!pictureTypes.includes(chunk.type)) continue;
    picture.push(...riffChunk(chunk.type, encoded.slice(chunk.start, chunk.start + chunk.length)));
    if (chunk.type === 'ICCP') set |= flags.icc;
    if (await hasAlpha(file, chunk)) set |= flags.alpha;
  }
  if (picture.length === 0) throw new TypeError('The encoder wrote no WebP');

  const { exif, rest } = exifOf(kept);
  const content: RefineContent = { records: [...kept.records, record], texts: rest };
  const xmp = xmpWithContent(kept.xmp, content);
  if (exif) set |= flags.exif;
  if (xmp !== null || kept.xmp !== null) set |= flags.xmp;
  const body = [
    latin1Bytes('WEBP'),
    ...riffChunk('VP8X', extendedHeader({ width, height }, set)),
    ...picture,
    ...(exif ? riffChunk('EXIF', exif) : []),
    ...(xmp !== null || kept.xmp !== null ? riffChunk('XMP ', latin1Bytes(xmp ?? (kept.xmp as string))) : []),
    ...(xmp === null ? riffChunk(contentChunk, contentBytes(content)) : []),
  ];
  const riff = new Uint8Array(8);
  riff.set(latin1Bytes('RIFF'));
  viewOf(riff).setUint32(4, new Blob(body).size, true);
  return new Blob([riff, ...body], { type: 'image/webp' });
}
