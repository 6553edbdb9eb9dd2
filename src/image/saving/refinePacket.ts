/**
 * Where our record stands in files that have no keywords: in XMP, as properties of our own. Pure ASCII, so that bytes and
 * characters are the same, whatever encoding surrounds them.
 */
import { latin1 } from '../container/blobReader.ts';
import type { Json } from '../json.ts';
import { parseBoundedJson } from '../metadata/boundedJson.ts';
import type { MetadataText } from '../metadata/generationMetadata.ts';
import { concatenated, latin1Bytes } from './bytes.ts';

/** What we add to a picture that is no PNG. */
export interface RefineContent {
  /** Our records, oldest first. */
  readonly records: readonly Json[];
  /** Texts of a PNG that have no place of their own in the format, under their keywords. */
  readonly texts: readonly MetadataText[];
}

const namespace = 'urn:g-refine:xmp:1#';

/** JSON without a character beyond ASCII. */
export function asciiJson(value: Json): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const escaped = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
const unescaped = (text: string) => text.replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&amp;/g, '&');

const property = /<grefine:(record|texts)\d*>([^<]*)<\/grefine:\1\d*>/g;

/** A property may stand in a packet once: the second record of a picture is `record2`. */
function element(kind: 'record' | 'texts', value: Json, earlier: number): string {
  const name = `grefine:${kind}${earlier === 0 ? '' : earlier + 1}`;
  return `<${name}>${escaped(asciiJson(value))}</${name}>`;
}

/** The content as RDF, less the texts a packet has already. */
function description({ records, texts }: RefineContent, packet: string): string {
  const kinds = [...packet.matchAll(property)].map(([, kind]) => kind);
  const count = (kind: string) => kinds.filter((other) => other === kind).length;
  const present = contentOfXmp(packet).texts;
  const pairs = texts
    .filter(({ keyword, text }) => !present.some((other) => other.keyword === keyword && other.text === text))
    .map(({ keyword, text }) => [keyword, text]);
  return [
    `<rdf:Description rdf:about="" xmlns:grefine="${namespace}">`,
    ...records.map((record, i) => element('record', record, count('record') + i)),
    ...(pairs.length > 0 ? [element('texts', pairs, count('texts'))] : []),
    '</rdf:Description>',
  ].join('');
}

/**
 * An XMP packet with our content added, everything else in it as it was.
 *
 * @param packet the bytes as Latin-1; null: none yet
 * @returns null if nothing can be added to the packet (it is no RDF in an encoding that holds ASCII)
 */
export function xmpWithContent(packet: string | null, content: RefineContent): string | null {
  const open = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">`;
  const whole =
    packet ??
    `<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>${open}</rdf:RDF></x:xmpmeta><?xpacket end="w"?>`;
  const end = whole.lastIndexOf('</rdf:RDF>');
  if (end < 0) return null;
  return whole.slice(0, end) + description(content, whole) + whole.slice(end);
}

/** Texts out of pairs, as far as they are such. */
function textsOf(pairs: unknown): MetadataText[] {
  if (!Array.isArray(pairs)) return [];
  return pairs.flatMap((pair: unknown) => {
    const [keyword, text] = Array.isArray(pair) ? (pair as unknown[]) : [];
    return typeof keyword === 'string' && typeof text === 'string' ? [{ keyword, text }] : [];
  });
}

/** Our content in an XMP packet. Never throws. */
export function contentOfXmp(packet: string): RefineContent {
  const records: Json[] = [];
  const texts: MetadataText[] = [];
  for (const [, kind, text] of packet.matchAll(property)) {
    const value = parseBoundedJson(unescaped(text as string));
    if (kind === 'texts') texts.push(...textsOf(value));
    else if (value !== undefined) records.push(value as Json);
  }
  return { records, texts };
}

/** Type of a WebP's chunk that holds {@link contentBytes}: readers pass over chunks they do not know (RFC 9649, 2.7). */
export const contentChunk = 'GREF';

/** The content by itself, for files whose XMP cannot take it. ASCII. */
export function contentBytes({ records, texts }: RefineContent): Uint8Array<ArrayBuffer> {
  return latin1Bytes(asciiJson({ records, texts: texts.map(({ keyword, text }) => [keyword, text]) }));
}

/** Reads {@link contentBytes}; nothing where they are damaged. */
export function contentOfBytes(bytes: Uint8Array): RefineContent {
  const value = parseBoundedJson(latin1(bytes)) as { records?: unknown; texts?: unknown } | null | undefined;
  return {
    records: Array.isArray(value?.records) ? (value.records as Json[]) : [],
    texts: textsOf(value?.texts),
  };
}

/** Numbered beginnings of the comments of a JPEG that hold {@link contentBytes} piece by piece. */
const commentHead = /^g-refine (\d+)\/(\d+):/;
/** Bytes of the content in one comment; a segment has at most 65,533. */
const commentPiece = 65_000;

/** The content as comments for a JPEG. */
export function contentComments(content: RefineContent): Uint8Array<ArrayBuffer>[] {
  const bytes = contentBytes(content);
  const count = Math.ceil(bytes.length / commentPiece);
  return Array.from({ length: count }, (_, i) => {
    const piece = bytes.subarray(i * commentPiece, (i + 1) * commentPiece);
    return concatenated([latin1Bytes(`g-refine ${i + 1}/${count}:`), piece]);
  });
}

/** Whether a JPEG's comment is a piece of our content. */
export function isContentComment(comment: Uint8Array): boolean {
  return commentHead.test(latin1(comment.subarray(0, 32)));
}

/** The content in a JPEG's comments. Pieces follow each other, and a later series comes from a later save. */
export function contentOfComments(comments: readonly Uint8Array[]): RefineContent {
  const records: Json[] = [];
  const texts: MetadataText[] = [];
  let pieces: string[] = [];
  for (const comment of comments) {
    const head = commentHead.exec(latin1(comment.subarray(0, 32)));
    if (!head) continue;
    if (head[1] === '1') pieces = [];
    pieces.push(latin1(comment.subarray(head[0].length)));
    if (head[1] !== head[2] || pieces.length !== Number(head[2])) continue;
    const content = contentOfBytes(latin1Bytes(pieces.join('')));
    records.push(...content.records);
    texts.push(...content.texts);
  }
  return { records, texts };
}
