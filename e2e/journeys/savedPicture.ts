import { inflateSync } from 'node:zlib';
import type { Page } from '@playwright/test';

/** Chunks of a PNG: their type and data. */
export function pngChunks(bytes: Buffer): { type: string; data: Buffer }[] {
  const chunks: { type: string; data: Buffer }[] = [];
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    chunks.push({ type: bytes.toString('latin1', at + 4, at + 8), data: bytes.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return chunks;
}

/** Our record of a PNG: an iTXt chunk `g-refine`. */
export function refineRecord(bytes: Buffer): Record<string, unknown> {
  const chunk = pngChunks(bytes).find(
    ({ type, data }) => type === 'iTXt' && data.toString('latin1').startsWith('g-refine\0'),
  );
  if (!chunk) throw new Error('The picture has no record');
  const { data } = chunk;
  const isPacked = data[9] === 1;
  // Keyword, packing, method, language, translated keyword, text.
  let at = 11;
  for (let i = 0; i < 2; i++) at = data.indexOf(0, at) + 1;
  const text = data.subarray(at);
  return JSON.parse((isPacked ? inflateSync(text) : text).toString('utf8'));
}

/** A part of a picture, in pixels. */
interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** How many pixels of a saved picture differ from the one opened, within some places and outside of them. */
export function changedPixels(
  page: Page,
  { before, after, places }: { readonly before: Buffer; readonly after: Buffer; readonly places: readonly Place[] },
): Promise<{ readonly outside: number; readonly changedInside: number; readonly changedOutside: number }> {
  return page.evaluate(
    async ({ before, after, places }) => {
      const pixels = async (bytes: number[]) => {
        const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)], { type: 'image/png' }));
        const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
        context?.drawImage(bitmap, 0, 0);
        return context?.getImageData(0, 0, bitmap.width, bitmap.height) as ImageData;
      };
      const [a, b] = [await pixels(before), await pixels(after)];
      let outside = 0;
      let changedInside = 0;
      let changedOutside = 0;
      for (let y = 0; y < a.height; y++) {
        for (let x = 0; x < a.width; x++) {
          const at = 4 * (y * a.width + x);
          const isChanged = [0, 1, 2].some((channel) => a.data[at + channel] !== b.data[at + channel]);
          const isInside = places.some((p) => x >= p.x && x < p.x + p.width && y >= p.y && y < p.y + p.height);
          if (!isInside) outside += 1;
          if (isChanged && isInside) changedInside += 1;
          if (isChanged && !isInside) changedOutside += 1;
        }
      }
      return { outside, changedInside, changedOutside };
    },
    { before: [...before], after: [...after], places },
  );
}
