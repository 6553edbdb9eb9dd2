/** Quality of small pictures, 0..1. */
const QUALITY = 0.8;

/** A small picture as JPEG; the bitmap is used up. For workers. */
export async function jpegOf(bitmap: ImageBitmap): Promise<Blob> {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext('bitmaprenderer');
  if (!context) throw new Error(`No canvas of ${bitmap.width}x${bitmap.height}`);
  context.transferFromImageBitmap(bitmap);
  return canvas.convertToBlob({ type: 'image/jpeg', quality: QUALITY });
}
