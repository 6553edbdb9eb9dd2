import { UserError } from '../errors.ts';
import { avifHeader } from './container/avif.ts';
import { BlobReader } from './container/blobReader.ts';
import { bmpHeader } from './container/bmp.ts';
import type { ByteRange, ContainerHeader } from './container/container.ts';
import { gifHeader } from './container/gif.ts';
import { jpegHeader } from './container/jpeg.ts';
import { pngHeader } from './container/png.ts';
import { type Orientation, orientationOf, readExifBlock } from './container/tiff.ts';
import { webpHeader } from './container/webp.ts';
import { formatOf, type ImageFormat, SNIFFED_BYTES } from './imageFormat.ts';

/**
 * Most pixels of an image that is opened: 400 MB decoded, which a browser's tab bears together with the models. Read from the
 * file's header, so that a small file that unpacks to gigabytes is refused before it does.
 */
export const MAX_PIXELS = 100_000_000;

/** Longest side of an image that is opened: the largest canvas that all browsers have. */
export const MAX_SIDE = 16_384;

/** What an image file says about itself before it is decoded. */
export interface ImageHeader {
  readonly format: ImageFormat;
  /** Size in pixels as stored, before orientation. */
  readonly width: number;
  readonly height: number;
  /** True: a PNG of 16 bits per sample. */
  readonly sixteenBit: boolean;
  /** EXIF orientation that is to be applied to the stored picture. AVIF's own is applied in decoding and is 1 here. */
  readonly orientation: Orientation;
  /**
   * What is to be changed in the file before a browser decodes it, in the file's order: an orientation tag, which then says
   * "upright", and misleading colour chunks, which are left out.
   */
  readonly patches: readonly Patch[];
}

/** Bytes of a file and what is to stand there instead. */
export interface Patch {
  readonly range: ByteRange;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const readers: Readonly<Record<ImageFormat, (file: BlobReader) => Promise<ContainerHeader>>> = {
  PNG: pngHeader,
  JPEG: jpegHeader,
  WebP: webpHeader,
  GIF: gifHeader,
  AVIF: avifHeader,
  BMP: bmpHeader,
};

const opened = 'PNG, JPEG, WebP, AVIF, GIF and BMP images are opened';
/** Bytes of an EXIF block that are read: in JPEG it cannot be longer, and orientation stands at its beginning. */
const maxExifBytes = 1 << 16;

async function readOrientation(file: BlobReader, range: ByteRange | null) {
  const upright = { orientation: 1, patch: null } as const;
  if (!range) return upright;
  // WebP writers differ on whether JPEG's prefix belongs to the chunk.
  const prefixed = (await file.bytes(range.start, 4)).toString() === '69,120,105,102';
  const start = range.start + (prefixed ? 6 : 0);
  const exif = readExifBlock(await file.bytes(start, Math.min(range.length, maxExifBytes)));
  const found = exif && orientationOf(exif);
  if (!found || found.value === 1) return upright;
  const { offset, bytes } = found.entry;
  const patch = new Uint8Array(bytes.length);
  patch[exif.littleEndian ? 0 : bytes.length - 1] = 1;
  return {
    orientation: found.value,
    patch: { range: { start: start + offset, length: bytes.length }, bytes: patch },
  };
}

function assertSize(name: string, { width, height }: { width: number; height: number }): void {
  if (width < 1 || height < 1) {
    throw new UserError(
      'ImageError',
      `Cannot open "${name}": it says it is ${width}×${height} px; the file is damaged`,
    );
  }
  if (width * height <= MAX_PIXELS && Math.max(width, height) <= MAX_SIDE) return;
  const megapixels = Math.round((width * height) / 1e6);
  throw new UserError(
    'ImageError',
    `Cannot open "${name}": it is ${width}×${height} px (${megapixels} megapixels), and at most ${MAX_PIXELS / 1e6} ` +
      `megapixels and ${MAX_SIDE} px a side are opened; scale it down or crop it in an image editor, then open that`,
  );
}

/**
 * Reads what an image file says about itself and refuses what cannot be opened, before any pixel is decoded.
 *
 * @throws UserError ImageError, naming the file, what was found and what to do: not an image, a format that is not opened,
 *   too large, incomplete, unreadable
 */
export async function readImageHeader(blob: Blob, { name }: { readonly name: string }): Promise<ImageHeader> {
  const file = new BlobReader(blob);
  const found = formatOf(await readable(file.bytes(0, SNIFFED_BYTES), name));
  if (found.format === null) {
    throw new UserError(
      'ImageError',
      `Cannot open "${name}": it is ${found.found}; ${opened}, so save it as one of those`,
    );
  }
  const { format } = found;
  const { size, exif, complete, sixteenBit = false, misleading = [] } = await readable(readers[format](file), name);
  if (!size) {
    const message = `it starts like a ${format} image but states no size; the file is damaged or incomplete, so get it again`;
    throw new UserError('ImageError', `Cannot open "${name}": ${message}`);
  }
  assertSize(name, size);
  if (!complete) {
    const message = `this ${format} image of ${size.width}×${size.height} px ends too early, after ${blob.size} bytes`;
    throw new UserError('ImageError', `Cannot open "${name}": ${message}; download or copy it again`);
  }
  const { orientation, patch } = await readOrientation(file, exif);
  const omitted = misleading.map((range) => ({ range, bytes: new Uint8Array() }));
  const patches = [...omitted, ...(patch ? [patch] : [])].sort((a, b) => a.range.start - b.range.start);
  return { format, ...size, sixteenBit, orientation, patches };
}

/** Says which file it was that could not be read. */
async function readable<T>(reading: Promise<T>, name: string): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    const message = `Cannot read "${name}": ${error instanceof Error ? error.message : error}; was it moved or changed?`;
    throw new UserError('ImageError', `${message} Open it again`, { cause: error });
  }
}
