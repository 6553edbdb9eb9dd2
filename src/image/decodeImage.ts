import { UserError } from '../errors.ts';
import type { Orientation } from './container/tiff.ts';
import { eightBitPng } from './eightBitPng.ts';
import { type ImageHeader, readImageHeader } from './imageHeader.ts';
import type { RgbaImage } from './rgbaImage.ts';
import type { RowSource } from './rowSource.ts';

/**
 * A decoded image: upright, sRGB, over white. Its pixels are held once, by the browser; rows are copied out as they are
 * asked for. Whoever opens it closes it.
 */
export interface DecodedImage extends RowSource {
  /** What the file's header said. */
  readonly header: ImageHeader;
  /** A copy at most `maxSide` px a side, for showing; never enlarged. */
  preview(maxSide: number): ImageBitmap;
  /** Frees the pixels. */
  close(): void;
}

/**
 * Canvas transforms `[a, b, c, d, e, f]` that turn the stored picture upright, by EXIF orientation; `w` and `h` are the
 * stored size.
 */
function uprightTransform(
  orientation: Orientation,
  w: number,
  h: number,
): [number, number, number, number, number, number] {
  switch (orientation) {
    case 1:
      return [1, 0, 0, 1, 0, 0];
    case 2:
      return [-1, 0, 0, 1, w, 0];
    case 3:
      return [-1, 0, 0, -1, w, h];
    case 4:
      return [1, 0, 0, -1, 0, h];
    case 5:
      return [0, 1, 1, 0, 0, 0];
    case 6:
      return [0, 1, -1, 0, h, 0];
    case 7:
      return [0, -1, -1, 0, h, w];
    case 8:
      return [0, -1, 1, 0, 0, w];
  }
}

/**
 * The file as the browser is to see it, without an orientation and without misleading colour chunks. Browsers differ in
 * which formats' orientation they apply (JPEG: all; PNG and WebP: some) and in how that can be switched off: without the tag,
 * none applies any, and we do. The file itself is not copied. A PNG's checksum goes wrong by this, which for this kind of
 * chunk makes readers ignore the chunk.
 */
function patched(blob: Blob, { patches }: ImageHeader): Blob {
  if (patches.length === 0) return blob;
  const parts: BlobPart[] = [];
  let at = 0;
  for (const { range, bytes } of patches) {
    parts.push(blob.slice(at, range.start), bytes);
    at = range.start + range.length;
  }
  return new Blob([...parts, blob.slice(at)], { type: blob.type });
}

async function decode(blob: Blob, header: ImageHeader, name: string): Promise<ImageBitmap> {
  try {
    // Chromium cuts the low byte of 16 bits off, in colour and alpha, which over white adds up to 2/255.
    const file = patched(blob, header);
    return await createImageBitmap(header.sixteenBit ? await eightBitPng(file) : file);
  } catch (error) {
    const { format, width, height } = header;
    throw new UserError(
      'ImageError',
      `Cannot open "${name}": this ${format} image of ${width}×${height} px could not be decoded; it is damaged, uses a ` +
        `variant this browser does not know, or memory is short. Open it in an image editor and save it as PNG`,
      { cause: error },
    );
  }
}

/** A canvas of opaque sRGB pixels in main memory, white. */
function whiteCanvas(width: number, height: number): OffscreenCanvasRenderingContext2D {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { alpha: false, willReadFrequently: true, colorSpace: 'srgb' });
  if (!context) throw new UserError('OutOfMemoryError', `Cannot draw an image of ${width}×${height} px: no memory`);
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  return context;
}

/**
 * Opens an image file: EXIF orientation applied, colour profile converted to sRGB, 16 bit to 8, alpha over white; the first
 * frame of an animation. For workers.
 *
 * Equal within 1/255 per channel to Pillow with `exif_transpose`, profile conversion and alpha compositing, rounding
 * where Pillow would cut the low byte of 16 bits off.
 *
 * @param options.name the file's name, for errors; default: the `File`'s own
 * @throws UserError ImageError, see {@link readImageHeader}; also if the browser cannot decode it
 */
export async function openImage(
  blob: Blob,
  { name = blob instanceof File ? blob.name : 'image' }: { readonly name?: string } = {},
): Promise<DecodedImage> {
  const header = await readImageHeader(blob, { name });
  const bitmap = await decode(blob, header, name);
  const swaps = header.orientation > 4;
  const width = swaps ? bitmap.height : bitmap.width;
  const height = swaps ? bitmap.width : bitmap.height;
  const transform = uprightTransform(header.orientation, bitmap.width, bitmap.height);
  let strip: OffscreenCanvasRenderingContext2D | null = null;

  const rows = (start: number, end: number): Uint8ClampedArray => {
    const count = end - start;
    if (strip?.canvas.height !== count) strip = whiteCanvas(width, count);
    const [a, b, c, d, e, f] = transform;
    strip.setTransform(1, 0, 0, 1, 0, 0);
    strip.fillRect(0, 0, width, count);
    strip.setTransform(a, b, c, d, e, f - start);
    // Pixels fall on pixels: nothing to smooth, and smoothing must not try.
    strip.imageSmoothingEnabled = false;
    strip.drawImage(bitmap, 0, 0);
    return strip.getImageData(0, 0, width, count).data;
  };

  const preview = (maxSide: number): ImageBitmap => {
    const scale = Math.min(1, maxSide / Math.max(width, height));
    const [toWidth, toHeight] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
    const context = whiteCanvas(toWidth, toHeight);
    const [a, b, c, d, e, f] = transform;
    context.scale(toWidth / width, toHeight / height);
    context.transform(a, b, c, d, e, f);
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0);
    return context.canvas.transferToImageBitmap();
  };

  return { header, width, height, rows, preview, close: () => bitmap.close() };
}

/** Rows copied at a time, so that the strip's canvas stays small. */
const stripBytes = 8 << 20;

/**
 * Decodes an image file into memory, see {@link openImage}. Where only a scaled copy is needed, `openImage` needs less.
 *
 * @throws UserError ImageError, as {@link openImage}; OutOfMemoryError
 */
export async function decodeImage(blob: Blob, options: { readonly name?: string } = {}): Promise<RgbaImage> {
  const image = await openImage(blob, options);
  try {
    const { width, height } = image;
    const data = new Uint8ClampedArray(width * height * 4);
    const stripRows = Math.max(1, Math.floor(stripBytes / (width * 4)));
    for (let start = 0; start < height; start += stripRows) {
      data.set(image.rows(start, Math.min(height, start + stripRows)), start * width * 4);
    }
    return { width, height, data };
  } finally {
    image.close();
  }
}
