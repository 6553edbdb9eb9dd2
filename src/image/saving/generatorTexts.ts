/**
 * Where generators' words stand in each format, so that they read their own again after the format has changed.
 */

import { parseA1111 } from '../metadata/a1111.ts';
import { exifTexts } from '../metadata/exifTexts.ts';
import type { MetadataText } from '../metadata/generationMetadata.ts';
import { type ExifAdditions, exifTag, takenPlaces } from './exifWriter.ts';
import { asciiJson } from './refinePacket.ts';

/** ComfyUI's graphs, under a PNG's keywords and as `keyword:{…}` in EXIF. */
const graphKeywords = ['prompt', 'workflow'];

/** ComfyUI's own places first: its WebP has the prompt in Model and the workflow in Make. Readers go by the text's beginning. */
const graphPlaces: Readonly<Record<string, readonly number[]>> = {
  prompt: [exifTag.model, exifTag.imageDescription, exifTag.artist],
  workflow: [exifTag.make, exifTag.imageDescription, exifTag.artist],
};

/** JSON without characters beyond ASCII, which have no agreed encoding in EXIF; other texts as they are. */
function asciiGraph(text: string): string {
  return text.replace(/[\u007f-\uffff]/g, (unit) => asciiJson(unit).slice(1, -1));
}

/** How a PNG's texts are spread over EXIF. */
export interface ExifPlan {
  readonly additions: ExifAdditions;
  /** What has no place there. */
  readonly rest: readonly MetadataText[];
}

/** Places a PNG's texts in EXIF as A1111 and ComfyUI do for JPEG and WebP; nothing that is there is overwritten. */
export function exifPlan(texts: readonly MetadataText[], exif: Uint8Array | null): ExifPlan {
  const taken = takenPlaces(exif);
  const image = new Map<number, string>();
  let userComment: string | null = null;
  const rest: MetadataText[] = [];
  for (const text of texts) {
    const isGraph = graphKeywords.includes(text.keyword) && text.text.trimStart().startsWith('{');
    const place = isGraph && graphPlaces[text.keyword]?.find((tag) => !taken.image.has(tag) && !image.has(tag));
    // A JPEG's comment may be a generator's as well.
    const isA1111 = text.keyword === 'parameters' || (text.keyword === 'Comment' && parseA1111(text.text) !== null);
    if (place) image.set(place, `${text.keyword}:${asciiGraph(text.text)}`);
    else if (isA1111 && userComment === null && !taken.userComment) userComment = text.text;
    else rest.push(text);
  }
  return { additions: { image, userComment }, rest };
}

/** The additions without the longest text of the image directory, for blocks that have grown too long; null: there is none. */
export function withoutLongest({ additions, rest }: ExifPlan): ExifPlan | null {
  const [longest] = [...additions.image].sort(([, a], [, b]) => b.length - a.length);
  if (!longest) return null;
  const [tag, tagged] = longest;
  const colon = tagged.indexOf(':');
  const image = new Map([...additions.image].filter(([other]) => other !== tag));
  const text = { keyword: tagged.slice(0, colon), text: tagged.slice(colon + 1) };
  return { additions: { ...additions, image }, rest: [...rest, text] };
}

/** The texts a PNG is to have besides its EXIF: generators look for them under their keywords only. */
export function pngTextsOfExif(exif: Uint8Array): readonly MetadataText[] {
  const texts: MetadataText[] = [];
  const add = (keyword: string, text: string) => {
    if (!texts.some((other) => other.keyword === keyword)) texts.push({ keyword, text });
  };
  for (const { keyword, text } of exifTexts(exif)) {
    const graph = /^\s*(prompt|workflow)\s*:\s*(?=\{)/i.exec(text);
    if (graph) add((graph[1] as string).toLowerCase(), asciiGraph(text.slice(graph[0].length)));
    else if (keyword === 'exif:UserComment' && parseA1111(text)) add('parameters', text);
  }
  return texts;
}
