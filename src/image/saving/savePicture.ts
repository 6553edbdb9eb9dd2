import { UserError } from '../../errors.ts';
import type { Json } from '../json.ts';
import type { RowSource } from '../rowSource.ts';
import { readKeptMetadata } from './keptMetadata.ts';
import { writeJpeg } from './writeJpeg.ts';
import { writePng } from './writePng.ts';
import { writeWebp } from './writeWebp.ts';

/** Formats a picture is saved in. */
export type SavedFormat = 'png' | 'jpeg' | 'webp';

/** A picture to save. */
export interface PictureToSave {
  /** Upright, sRGB, opaque; `imageRows` makes one of an image in memory, `openImage` one of a file. */
  readonly image: RowSource;
  /** The file the picture was made from; its metadata is kept. */
  readonly original: Blob;
  readonly format: SavedFormat;
  /** 0..1, for JPEG and WebP. */
  readonly quality: number;
  /** Our record: how the picture came about. */
  readonly record: Json;
  readonly signal?: AbortSignal;
}

/** Longest side of a WebP (RFC 9649, 2.6: 14 bits). */
const largestWebpSide = 16_383;
/** Pixels painted at a time. */
const stripPixels = 4 << 20;

const formatNames: Readonly<Record<SavedFormat, string>> = { png: 'PNG', jpeg: 'JPEG', webp: 'WebP' };

/** The picture as the browser's own encoder writes it. */
async function encodeByCanvas({ image, format, quality, signal }: PictureToSave): Promise<Blob> {
  const { width, height } = image;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { alpha: false, willReadFrequently: true, colorSpace: 'srgb' });
  if (!context) throw new UserError('OutOfMemoryError', `Cannot draw a picture of ${width}×${height} px: no memory`);
  const stripRows = Math.max(1, Math.floor(stripPixels / width));
  for (let start = 0; start < height; start += stripRows) {
    signal?.throwIfAborted();
    const end = Math.min(height, start + stripRows);
    // Copied, because the rows may lie in a longer buffer.
    const pixels = new Uint8ClampedArray(image.rows(start, end));
    context.putImageData(new ImageData(pixels, width, end - start), 0, start);
  }
  const type = `image/${format}`;
  const blob = await canvas.convertToBlob({ type, quality });
  // A browser that does not know the format writes PNG instead.
  if (blob.type !== type) throw cannotWrite(format, 'this browser cannot write it');
  return blob;
}

function cannotWrite(format: SavedFormat, reason: string): UserError {
  return new UserError('ImageError', `Cannot save as ${formatNames[format]}: ${reason}; save as PNG instead`);
}

/**
 * Saves a picture with the original's metadata and our record (`g-refine`), so that whoever wrote the metadata reads it again.
 *
 * In the original's own format, texts, EXIF, XMP, IPTC and comments are the same bytes, but for the orientation, which is upright (as the
 * pixels are), and for our record: in PNG an iTXt chunk `g-refine`, in JPEG and WebP a property in XMP, added to a packet that is there.
 * Into another format EXIF and XMP move as they are; a PNG's texts go where A1111 and ComfyUI write them in JPEG and WebP, and the other way
 * round; the rest is kept in XMP of our own, where `readGenerationMetadata` finds it. Colour profiles are not kept: the pixels are sRGB.
 *
 * PNG is written byte-exact. For workers with OffscreenCanvas (JPEG and WebP).
 *
 * @throws {UserError} `ImageError`: the browser does not write the format, or the picture is too large for it; `OutOfMemoryError`
 * @throws `signal`'s reason when it is aborted
 */
export async function savePicture(picture: PictureToSave): Promise<Blob> {
  const { image, original, format, record, signal } = picture;
  const { width, height } = image;
  const kept = await readKeptMetadata(original);
  switch (format) {
    case 'png':
      return writePng(image, { kept, record, signal });
    case 'jpeg':
      return writeJpeg(await encodeByCanvas(picture), { kept, record });
    case 'webp':
      if (Math.max(width, height) > largestWebpSide) {
        throw cannotWrite(
          format,
          `it holds at most ${largestWebpSide} px a side, and the picture is ${width}×${height} px`,
        );
      }
      return writeWebp(await encodeByCanvas(picture), { kept, record, width, height });
  }
}
