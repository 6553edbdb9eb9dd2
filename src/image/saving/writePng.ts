import type { Json } from '../json.ts';
import { pngChunkParts } from '../pngChunk.ts';
import type { RowSource } from '../rowSource.ts';
import { concatenated, latin1Bytes } from './bytes.ts';
import { encodePng } from './encodePng.ts';
import { pngTextsOfExif } from './generatorTexts.ts';
import { type KeptMetadata, recordKeyword, xmpKeyword } from './keptMetadata.ts';
import { contentOfXmp } from './refinePacket.ts';

type Chunk = readonly Uint8Array<ArrayBuffer>[];

/** A keyword: 1 to 79 characters of Latin-1 (PNG 3rd edition, 11.3.3.2); of ASCII here. */
function keywordBytes(keyword: string): Uint8Array<ArrayBuffer> {
  const allowed = keyword.replace(/[^\x20-\x7e]/g, '').trim();
  return latin1Bytes(allowed.slice(0, 79) || 'Comment');
}

/** iTXt, not compressed, no language. */
function internationalText(keyword: string, utf8: Uint8Array): Chunk {
  return pngChunkParts('iTXt', concatenated([keywordBytes(keyword), new Uint8Array(5), utf8]));
}

/** tEXt where its Latin-1 holds the text, else iTXt, as Pillow does it, with which A1111 and ComfyUI write. */
function textChunk(keyword: string, text: string): Chunk {
  const fits = !/[\u0100-\uffff]/.test(text) && !text.includes('\0');
  if (!fits) return internationalText(keyword, new TextEncoder().encode(text));
  return pngChunkParts('tEXt', concatenated([keywordBytes(keyword), new Uint8Array(1), latin1Bytes(text)]));
}

/** What another format carried, as chunks. */
function chunksOf({ exif, xmp, texts, records }: KeptMetadata): Chunk[] {
  const chunks: Chunk[] = [];
  if (exif) chunks.push(pngChunkParts('eXIf', exif));
  if (xmp) chunks.push(internationalText(xmpKeyword, latin1Bytes(xmp)));
  const all = [...(exif ? pngTextsOfExif(exif) : []), ...texts, ...(xmp ? contentOfXmp(xmp).texts : [])];
  const written = new Set<string>();
  for (const { keyword, text } of all) {
    if (written.has(keyword)) continue;
    written.add(keyword);
    chunks.push(textChunk(keyword, text));
  }
  return [...chunks, ...records.map(recordChunk)];
}

function recordChunk(record: Json): Chunk {
  return internationalText(recordKeyword, new TextEncoder().encode(JSON.stringify(record)));
}

/** Writes a PNG with an original's metadata and one more record. */
export async function writePng(
  image: RowSource,
  {
    kept,
    record,
    signal,
  }: { readonly kept: KeptMetadata; readonly record: Json; readonly signal?: AbortSignal | undefined },
): Promise<Blob> {
  const chunks = kept.format === 'PNG' ? kept.pngChunks : chunksOf(kept).flat();
  return encodePng(image, { chunks: [...chunks, ...recordChunk(record)], signal });
}
