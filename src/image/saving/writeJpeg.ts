import { BlobReader, latin1, viewOf } from '../container/blobReader.ts';
import { jpegSegments } from '../container/jpeg.ts';
import type { Json } from '../json.ts';
import { concatenated, latin1Bytes } from './bytes.ts';
import { withExifTexts } from './exifWriter.ts';
import { type ExifPlan, exifPlan, withoutLongest } from './generatorTexts.ts';
import { exifPrefix, type KeptMetadata, type KeptSegment, xmpPrefix } from './keptMetadata.ts';
import { contentComments, type RefineContent, xmpWithContent } from './refinePacket.ts';

/** Data of one segment: its length, two bytes of its own included, is a 16-bit number. */
const largestSegment = 65_533;

const app0 = 0xe0;
const app1 = 0xe1;
const comment = 0xfe;

/** EXIF with a PNG's texts, as much as fits into a segment. */
function exifSegment({ exif, texts }: KeptMetadata): { readonly segments: KeptSegment[]; readonly plan: ExifPlan } {
  const fits = (block: Uint8Array) => exifPrefix.length + block.length <= largestSegment;
  // One that came from a PNG or WebP may be too long for any JPEG.
  const base = exif && fits(exif) ? exif : null;
  const segment = (block: Uint8Array) => ({ marker: app1, data: concatenated([latin1Bytes(exifPrefix), block]) });
  let plan: ExifPlan | null = exifPlan(texts, base);
  for (; plan; plan = withoutLongest(plan)) {
    const { image, userComment } = plan.additions;
    if (image.size === 0 && userComment === null) break;
    const block = withExifTexts(base, plan.additions);
    if (fits(block)) return { segments: [segment(block)], plan };
  }
  const none: ExifPlan = { additions: { image: new Map(), userComment: null }, rest: texts };
  return { segments: base ? [segment(base)] : [], plan: none };
}

const isXmp = ({ marker, data }: KeptSegment) =>
  marker === app1 && latin1(data.subarray(0, xmpPrefix.length)) === xmpPrefix;

/** Adds our content: to the XMP there is, as XMP of its own, or, where that is too long or odd, as comments. */
function withContent(segments: readonly KeptSegment[], content: RefineContent): readonly KeptSegment[] {
  const at = segments.findIndex(isXmp);
  const old = segments[at];
  const packet = xmpWithContent(old ? latin1(old.data.subarray(xmpPrefix.length)) : null, content);
  if (packet === null || xmpPrefix.length + packet.length > largestSegment) {
    return [...segments, ...contentComments(content).map((data) => ({ marker: comment, data }))];
  }
  const xmp = { marker: app1, data: latin1Bytes(xmpPrefix + packet) };
  if (old) return segments.with(at, xmp);
  // Behind EXIF, which readers expect first.
  const behind = segments.findLastIndex(({ marker }) => marker === app1) + 1;
  return segments.toSpliced(behind, 0, xmp);
}

/** Where segments are put in: behind the start of image and JFIF's own. */
async function insertionPoint(encoded: Blob): Promise<number> {
  for await (const { marker, start, length } of jpegSegments(new BlobReader(encoded))) {
    return marker === app0 ? start + length : 2;
  }
  throw new TypeError('The encoder wrote no JPEG');
}

/** Puts an original's metadata and one more record into a JPEG fresh from an encoder. */
export async function writeJpeg(
  encoded: Blob,
  { kept, record }: { readonly kept: KeptMetadata; readonly record: Json },
): Promise<Blob> {
  let segments: readonly KeptSegment[];
  if (kept.format === 'JPEG') {
    segments = withContent(kept.jpegSegments, { records: [record], texts: [] });
  } else {
    const { segments: exif, plan } = exifSegment(kept);
    const xmp = kept.xmp === null ? [] : [{ marker: app1, data: latin1Bytes(xmpPrefix + kept.xmp) }];
    const fitting = xmp.filter(({ data }) => data.length <= largestSegment);
    segments = withContent([...exif, ...fitting], { records: [...kept.records, record], texts: plan.rest });
  }
  const at = await insertionPoint(encoded);
  const bytes = segments.flatMap(({ marker, data }) => {
    const head = new Uint8Array([0xff, marker, 0, 0]);
    viewOf(head).setUint16(2, data.length + 2);
    return [head, data];
  });
  return new Blob([encoded.slice(0, at), ...bytes, encoded.slice(at)], { type: 'image/jpeg' });
}
