import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import decodeJpeg, { init as initJpeg } from '@jsquash/jpeg/decode.js';
import decodePng, { init as initPng } from '@jsquash/png/decode.js';
import decodeWebp, { init as initWebp } from '@jsquash/webp/decode.js';
import { UserError } from '../../src/errors.ts';
import { readImageHeader } from '../../src/image/imageHeader.ts';
import type { RgbaImage } from '../../src/image/rgbaImage.ts';

const { resolve } = createRequire(import.meta.url);
let isReady: Promise<unknown> | null = null;

/** The codecs' WebAssembly comes from the disk: in Node they would fetch it. */
function ready(): Promise<unknown> {
  const compiled = (path: string) => new WebAssembly.Module(readFileSync(resolve(path)));
  // What the codecs give their pixels as; Node has no such thing.
  (globalThis as { ImageData?: unknown }).ImageData ??= class {
    constructor(
      readonly data: Uint8ClampedArray,
      readonly width: number,
      readonly height: number,
    ) {}
  };
  isReady ??= Promise.all([
    (initJpeg as (module: WebAssembly.Module) => Promise<void>)(compiled('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm')),
    (initWebp as (module: WebAssembly.Module) => Promise<void>)(compiled('@jsquash/webp/codec/dec/webp_dec.wasm')),
    initPng(compiled('@jsquash/png/codec/pkg/squoosh_png_bg.wasm')),
  ]);
  return isReady;
}

/**
 * Decodes an image file in Node much as the app does in a browser: 8 bit, over white, upright. Colour profiles are not applied;
 * sets of rated images have none.
 *
 * @throws {UserError} `ImageError`: damaged, or neither JPEG, PNG nor WebP
 */
export async function nodeImage(path: string): Promise<RgbaImage> {
  const bytes = readFileSync(path);
  const name = basename(path);
  const { format, orientation } = await readImageHeader(new Blob([bytes]), { name });
  await ready();
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  const decoders: Partial<Record<typeof format, (data: ArrayBuffer) => Promise<RgbaImage>>> = {
    JPEG: (data) => decodeJpeg(data, { preserveOrientation: false }),
    PNG: (data) => decodePng(data),
    WebP: decodeWebp,
  };
  const decode = decoders[format];
  if (!decode || orientation !== 1) {
    const what = decode ? `it is to be turned (EXIF orientation ${orientation})` : `it is a ${format} image`;
    throw new UserError('ImageError', `Cannot open "${name}": ${what}; save it upright as PNG`);
  }
  try {
    const { width, height, data } = await decode(buffer);
    return { width, height, data: overWhite(data) };
  } catch (error) {
    throw new UserError('ImageError', `Cannot open "${name}": ${(error as Error).message}; the file is damaged`, {
      cause: error,
    });
  }
}

function overWhite(data: Uint8ClampedArray): Uint8ClampedArray {
  for (let at = 0; at < data.length; at += 4) {
    const alpha = (data[at + 3] as number) / 255;
    if (alpha === 1) continue;
    for (let i = at; i < at + 3; i++) data[i] = (data[i] as number) * alpha + 255 * (1 - alpha);
    data[at + 3] = 255;
  }
  return data;
}
