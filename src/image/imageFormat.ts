import { latin1 } from './container/blobReader.ts';

/** Formats the app opens. */
export type ImageFormat = 'PNG' | 'JPEG' | 'WebP' | 'GIF' | 'AVIF' | 'BMP';

/** What a file is, judged by its first bytes: a format the app opens, or words for what was found instead. */
export type FoundFormat = { readonly format: ImageFormat } | { readonly format: null; readonly found: string };

/** First bytes needed by {@link formatOf}. */
export const SNIFFED_BYTES = 64;

/** Beginnings of files that are not opened, and what people call them. */
const others: readonly (readonly [prefix: string, found: string])[] = [
  ['II*\0', 'a TIFF image'],
  ['MM\0*', 'a TIFF image'],
  ['\xff\x0a', 'a JPEG XL image'],
  ['\0\0\0\x0cJXL ', 'a JPEG XL image'],
  ['\0\0\0\x0cjP  ', 'a JPEG 2000 image'],
  ['8BPS', 'a Photoshop document'],
  ['v/1\x01', 'an OpenEXR image'],
  ['#?RADIANCE', 'a Radiance HDR image'],
  ['\0\0\x01\0', 'an icon file'],
  ['%PDF', 'a PDF document'],
  ['PK\x03\x04', 'a ZIP archive'],
  ['\x1f\x8b', 'a gzip archive'],
  ['\x1aE\xdf\xa3', 'a Matroska or WebM video'],
  ['gimp xcf', 'a GIMP document'],
  ['GGUF', 'a model in GGUF format'],
];

/** Brands of ISO media files (`ftyp`) that are no AVIF. */
function isoMedia(brands: string): string {
  if (/heic|heix|heim|heis|hevc|mif1|msf1/.test(brands)) return 'a HEIC image';
  return 'a video (MP4 or QuickTime)';
}

/** Words for bytes that start like no known format. */
function unknownBytes(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'an empty file';
  const text = latin1(bytes);
  if (/^(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?<svg/i.test(text)) return 'an SVG drawing';
  if (/^(\xef\xbb\xbf)?\s*<(!doctype html|html)/i.test(text)) return 'a web page (HTML)';
  if (/^[\w\s.,:;!?'"()[\]{}<>@#$%&*+=/\\|^~`-]*$/.test(text)) return `a text file ("${text.trim().slice(0, 20)}…")`;
  const hex = Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return `no known image format (it starts with the bytes ${hex})`;
}

/**
 * Tells a file's format by its first {@link SNIFFED_BYTES} bytes. Names and MIME types are not asked: a PNG named .jpg is
 * common among generated images.
 */
export function formatOf(bytes: Uint8Array): FoundFormat {
  const start = latin1(bytes.subarray(0, SNIFFED_BYTES));
  if (start.startsWith('\x89PNG\r\n\x1a\n')) return { format: 'PNG' };
  if (start.startsWith('\xff\xd8\xff')) return { format: 'JPEG' };
  if (/^GIF8[79]a/.test(start)) return { format: 'GIF' };
  if (/^RIFF[\s\S]{4}WEBP/.test(start)) return { format: 'WebP' };
  if (/^BM[\s\S]{4}\0\0\0\0/.test(start)) return { format: 'BMP' };
  if (start.slice(4, 8) === 'ftyp') {
    const length = bytes.length >= 4 ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) : 0;
    const brands = start.slice(8, Math.max(length, 12));
    return /avif|avis/.test(brands) ? { format: 'AVIF' } : { format: null, found: isoMedia(brands) };
  }
  const other = others.find(([prefix]) => start.startsWith(prefix));
  return { format: null, found: other?.[1] ?? unknownBytes(bytes.subarray(0, SNIFFED_BYTES)) };
}
