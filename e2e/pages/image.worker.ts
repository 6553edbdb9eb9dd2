import { expose } from 'comlink';
import { clipPixelValues } from '../../src/image/clipPreprocessing.ts';
import { decodeImage, openImage } from '../../src/image/decodeImage.ts';
import { bytesOf, webp } from '../../src/image/handMadeImages.ts';
import { heatmapPng } from '../../src/image/heatmapPng.ts';
import { resizeBicubic } from '../../src/image/resizeBicubic.ts';
import type { RgbaImage } from '../../src/image/rgbaImage.ts';

const clip = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
} as const;

async function fetched(path: string): Promise<File> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return new File([await response.blob()], path);
}

/** How two images of one size differ, per channel value. */
function difference(a: RgbaImage, b: RgbaImage) {
  let largest = 0;
  let sum = 0;
  let different = 0;
  for (let i = 0; i < a.data.length; i++) {
    const distance = Math.abs((a.data[i] as number) - (b.data[i] as number));
    largest = Math.max(largest, distance);
    sum += distance;
    if (distance > 0) different++;
  }
  return { size: [a.width, a.height], goldenSize: [b.width, b.height], largest, mean: sum / a.data.length, different };
}

/** Distances between the mean colours of the cells of a 4 by 4 grid: tells orientations apart whatever the decoder. */
function cellDistance(a: RgbaImage, b: RgbaImage): number {
  const cells = { width: 4, height: 4 };
  return difference(resizeBicubic(a, cells), resizeBicubic(b, cells)).largest;
}

/** A PNG less the chunks of one type. */
function withoutChunk(png: Uint8Array, type: string): Uint8Array<ArrayBuffer> {
  const kept = [png.subarray(0, 8)];
  const view = new DataView(png.buffer, png.byteOffset);
  for (let at = 8; at < png.length; ) {
    const length = 12 + view.getUint32(at);
    if (String.fromCharCode(...png.subarray(at + 4, at + 8)) !== type) kept.push(png.subarray(at, at + length));
    at += length;
  }
  return bytesOf(...kept);
}

/** The picture chunk of a WebP in a new file with an EXIF chunk. */
function withExif(simple: Uint8Array, exif: number[], { width, height }: { width: number; height: number }): number[] {
  const view = new DataView(simple.buffer);
  let at = 12;
  while (!['VP8 ', 'VP8L'].includes(String.fromCharCode(...simple.subarray(at, at + 4)))) {
    at += 8 + view.getUint32(at + 4, true) + (view.getUint32(at + 4, true) & 1);
  }
  const picture = simple.subarray(at + 8, at + 8 + view.getUint32(at + 4, true));
  const type = String.fromCharCode(...simple.subarray(at, at + 4));
  const head = bytesOf(8, 0, 0, 0, width - 1, 0, 0, height - 1, 0, 0);
  return [
    ...webp([
      ['VP8X', head],
      [type, picture],
      ['EXIF', new Uint8Array(exif)],
    ]),
  ];
}

const api = {
  async compare(path: string, goldenPath: string) {
    const [image, golden] = [await decodeImage(await fetched(path)), await decodeImage(await fetched(goldenPath))];
    return { ...difference(image, golden), cells: cellDistance(image, golden) };
  },

  /** Decoding and scaling to 224 against a golden; as in the app, in bands. */
  async compareResized(path: string, goldenPath: string) {
    const image = await openImage(await fetched(path));
    const resized = resizeBicubic(image, { width: 224, height: 224 });
    image.close();
    return difference(resized, await decodeImage(await fetched(goldenPath)));
  },

  async decodeBytes(bytes: number[], name: string) {
    const { width, height, data } = await decodeImage(new File([new Uint8Array(bytes)], name));
    return { width, height, data: Array.from(data) };
  },

  /** The pixels of a PNG (its own orientation left out) as lossy WebP at best quality, with an EXIF block. */
  async encodeWebp(png: number[], exif: number[]) {
    const blob = new Blob([withoutChunk(new Uint8Array(png), 'eXIf')]);
    const bitmap = await createImageBitmap(blob);
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    (canvas.getContext('2d') as OffscreenCanvasRenderingContext2D).drawImage(bitmap, 0, 0);
    const simple = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/webp', quality: 1 })).arrayBuffer());
    return withExif(simple, exif, bitmap);
  },

  async openError(bytes: number[], name: string) {
    try {
      (await openImage(new File([new Uint8Array(bytes)], name))).close();
      return null;
    } catch (error) {
      return { name: (error as Error).name, message: (error as Error).message };
    }
  },

  /** Makes an image of the size, encodes it, opens it and preprocesses it; seconds for each. */
  async large(width: number, height: number, type: string) {
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext('2d', { willReadFrequently: true }) as OffscreenCanvasRenderingContext2D;
    const gradient = context.createLinearGradient(0, 0, width, height);
    gradient.addColorStop(0, '#203040');
    gradient.addColorStop(1, '#f0c080');
    context.fillStyle = gradient;
    context.fillRect(0, 0, width, height);
    const file = new File([await canvas.convertToBlob({ type })], 'large');
    canvas.width = 1;
    const start = performance.now();
    const image = await openImage(file);
    const opened = performance.now();
    const pixelValues = clipPixelValues(image, { imageSize: 224, ...clip });
    const preprocessed = performance.now();
    const preview = image.preview(2048);
    const previewed = performance.now();
    const result = {
      size: [image.width, image.height],
      previewSize: [preview.width, preview.height],
      // Corners of the first channel, undone to 0..255.
      corners: [pixelValues[0], pixelValues[224 * 224 - 1]].map(
        (v) => ((v as number) * clip.std[0] + clip.mean[0]) * 255,
      ),
      openSeconds: (opened - start) / 1000,
      preprocessSeconds: (preprocessed - opened) / 1000,
      previewSeconds: (previewed - preprocessed) / 1000,
    };
    preview.close();
    image.close();
    return result;
  },

  async preview(path: string, maxSide: number) {
    const image = await openImage(await fetched(path));
    const preview = image.preview(maxSide);
    const canvas = new OffscreenCanvas(preview.width, preview.height);
    const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
    context.drawImage(preview, 0, 0);
    const { data } = context.getImageData(0, 0, preview.width, preview.height);
    const shown = { width: preview.width, height: preview.height, data };
    image.close();
    return { size: [shown.width, shown.height], cells: cellDistance(shown, await decodeImage(await fetched(path))) };
  },

  async heatmap(width: number, height: number) {
    const map = { gridWidth: 2, gridHeight: 2, values: new Float32Array([1, 0, 1, 0]) };
    const blob = await heatmapPng(map, { width, height });
    const bitmap = await createImageBitmap(blob);
    const canvas = new OffscreenCanvas(2, 1);
    const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
    context.drawImage(bitmap, 0, height - 1, 1, 1, 0, 0, 1, 1);
    context.drawImage(bitmap, width - 1, 0, 1, 1, 1, 0, 1, 1);
    return {
      type: blob.type,
      size: [bitmap.width, bitmap.height],
      pixels: Array.from(context.getImageData(0, 0, 2, 1).data),
    };
  },
};

/** What the page can ask of this worker. */
export type ImageTestApi = typeof api;

expose(api);
