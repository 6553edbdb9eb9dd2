import { latin1 } from '../container/blobReader.ts';
import { readExifBlock, type TiffEntry } from '../container/tiff.ts';
import type { MetadataText } from './generationMetadata.ts';

/** Bytes as UTF-8 where they are that, else as Latin-1: writers do not keep to the standards' one encoding. */
export function utf8OrLatin1(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return latin1(bytes);
  }
}

function withoutNulls(text: string): string {
  return text.replace(/\0+$/, '');
}

/**
 * UTF-16 in whichever order: the standard says the block's, widespread writers (piexif) always write big-endian. Prompts
 * and settings have ASCII in them, whose high byte is 0, which tells.
 */
function utf16(bytes: Uint8Array, littleEndian: boolean): string {
  let evenZeros = 0;
  let oddZeros = 0;
  for (let i = 0; i + 1 < bytes.length; i += 2) {
    if (bytes[i] === 0 && bytes[i + 1] !== 0) evenZeros++;
    if (bytes[i] !== 0 && bytes[i + 1] === 0) oddZeros++;
  }
  // No high byte is 0: some writers put UTF-8 behind the prefix for UTF-16.
  if (evenZeros + oddZeros === 0) {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {}
  }
  const little = evenZeros === oddZeros ? littleEndian : oddZeros > evenZeros;
  return new TextDecoder(little ? 'utf-16le' : 'utf-16be').decode(bytes);
}

/**
 * Decodes a UserComment (EXIF 2.32 4.6.5): eight bytes name the character code, `ASCII`, `UNICODE` or none; writers that
 * leave them out are understood too.
 */
export function decodeUserComment(bytes: Uint8Array, littleEndian: boolean): string {
  const prefix = latin1(bytes.subarray(0, 8));
  if (prefix === 'UNICODE\0') return withoutNulls(utf16(bytes.subarray(8), littleEndian));
  const plain = prefix === 'ASCII\0\0\0' || prefix === '\0\0\0\0\0\0\0\0';
  return withoutNulls(utf8OrLatin1(plain ? bytes.subarray(8) : bytes));
}

/** Texts of the image directory. Windows' own (from 0x9c9b on) are UTF-16, little-endian always. */
const imageTags: readonly (readonly [tag: number, keyword: string, windows?: true])[] = [
  [0x010e, 'exif:ImageDescription'],
  [0x010f, 'exif:Make'],
  [0x0110, 'exif:Model'],
  [0x0131, 'exif:Software'],
  [0x013b, 'exif:Artist'],
  [0x9c9b, 'exif:XPTitle', true],
  [0x9c9c, 'exif:XPComment', true],
  [0x9c9f, 'exif:XPSubject', true],
];

/** Longest MakerNote taken for a text: Fooocus writes its scheme's name there, cameras write kilobytes of their own. */
const maxMakerNote = 32;

/** The texts in an EXIF block. Never throws. */
export function exifTexts(block: Uint8Array): readonly MetadataText[] {
  const exif = readExifBlock(block);
  if (!exif) return [];
  const texts: MetadataText[] = [];
  const add = (keyword: string, entry: TiffEntry | undefined, decode: (bytes: Uint8Array) => string) => {
    const text = entry ? withoutNulls(decode(entry.bytes)).trim() : '';
    if (text !== '') texts.push({ keyword, text });
  };
  for (const [tag, keyword, windows] of imageTags) {
    add(keyword, exif.image.get(tag), windows ? (bytes) => new TextDecoder('utf-16le').decode(bytes) : utf8OrLatin1);
  }
  // The comment belongs into the EXIF directory; some writers leave it in the image's.
  const comment = exif.exif.get(0x9286) ?? exif.image.get(0x9286);
  add('exif:UserComment', comment, (bytes) => decodeUserComment(bytes, exif.littleEndian));
  const note = exif.exif.get(0x927c) ?? exif.image.get(0x927c);
  if (note && note.bytes.length <= maxMakerNote) add('exif:MakerNote', note, utf8OrLatin1);
  return texts;
}
