import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { bytesSource } from '../checkpoint/byteSource.ts';
import { clipPixelValues } from './clipPreprocessing.ts';
import { resizeBicubic } from './resizeBicubic.ts';
import type { RgbaImage } from './rgbaImage.ts';

const folder = new URL('../../reference/fixtures/images/', import.meta.url);
const goldens = JSON.parse(readFileSync(new URL('images.json', folder), 'utf8')) as {
  cases: { file: string; upright: string; '224'?: string }[];
  resize: { width: number; height: number; toWidth: number; toHeight: number; input?: string; output: string }[];
};

/** Reads the goldens' PNGs: 8 bit, gray, RGB or palette, not interlaced. */
function readPng(path: string): RgbaImage {
  const bytes = readFileSync(new URL(path, folder));
  const header = bytes.subarray(16);
  const [width, height, depth, kind] = [header.readUInt32BE(0), header.readUInt32BE(4), header[8], header[9]];
  const channels = { 0: 1, 2: 3 }[kind as number];
  if (depth !== 8 || !channels || header[12] !== 0) throw new Error(`${path}: kind ${kind} at ${depth} bit`);
  const packed: Uint8Array[] = [];
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    if (bytes.toString('latin1', at + 4, at + 8) === 'IDAT') {
      packed.push(bytes.subarray(at + 8, at + 8 + bytes.readUInt32BE(at)));
    }
  }
  const raw = inflateSync(Buffer.concat(packed));
  const stride = width * channels;
  const rows = new Uint8Array(height * stride);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)];
    for (let x = 0; x < stride; x++) {
      const at = y * stride + x;
      const left = x < channels ? 0 : (rows[at - channels] as number);
      const up = y === 0 ? 0 : (rows[at - stride] as number);
      const corner = x < channels || y === 0 ? 0 : (rows[at - stride - channels] as number);
      const paeth = [left, up, corner].reduce((best, candidate) => {
        const estimate = left + up - corner;
        return Math.abs(estimate - candidate) < Math.abs(estimate - best) ? candidate : best;
      });
      const predicted = [0, left, up, (left + up) >> 1, paeth][filter as number] as number;
      rows[at] = (raw[y * (stride + 1) + 1 + x] as number) + predicted;
    }
  }
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) data[i * 4 + c] = rows[i * channels + (channels === 1 ? 0 : c)] as number;
  }
  return { width, height, data };
}

/** Compares bytes as a whole: vitest takes a second to walk an image. */
function expectSamePixels(actual: RgbaImage, expected: RgbaImage): void {
  expect([actual.width, actual.height]).toEqual([expected.width, expected.height]);
  const different = actual.data.reduce((sum, value, i) => sum + (value === expected.data[i] ? 0 : 1), 0);
  expect(different).toBe(0);
}

/** The noise of `images.json`. */
function noise(width: number, height: number): RgbaImage {
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  let state = width * 65536 + height;
  for (let i = 0; i < data.length; i++) {
    if (i % 4 === 3) continue;
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = state >>> 24;
  }
  return { width, height, data };
}

const clip = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
} as const;

describe('goldens from Pillow and transformers (python reference/make_fixtures.py)', () => {
  for (const { width, height, toWidth, toHeight, input, output } of goldens.resize) {
    it(`resizes ${width}x${height} to ${toWidth}x${toHeight} bit for bit`, () => {
      const image = noise(width, height);
      if (input) expectSamePixels(image, readPng(input));
      expectSamePixels(resizeBicubic(image, { width: toWidth, height: toHeight }), readPng(output));
    });
  }

  // Made with Pillow 13 from the same noise: sha256(Image.resize((toWidth, toHeight), BICUBIC).tobytes())[:16]. Extreme
  // proportions, because the order of the two passes depends on them.
  const hashes: [number, number, number, number, string][] = [
    [1, 1, 7, 5, '177759d72e7e3f92'],
    [2, 3, 5, 2, '87d0bcc5a21e7c50'],
    [16, 300, 40, 20, '800ad162682de3d0'],
    [300, 16, 20, 40, '6a23b9cfb5ff6079'],
    [33, 500, 33, 20, '693b01ea2d1f0b40'],
    [500, 33, 20, 33, '99fe8d97c59a4ca8'],
    [129, 257, 512, 336, 'a8c005a229157430'],
    [1000, 20, 7, 7, 'c00c12918f9e9342'],
    [20, 1000, 7, 7, '7524766d75bb5e95'],
    [224, 300, 224, 224, 'c05b46b7b057af8a'],
    [300, 224, 224, 224, 'dbda717902a24b64'],
  ];
  for (const [width, height, toWidth, toHeight, hash] of hashes) {
    it(`resizes ${width}x${height} to ${toWidth}x${toHeight} to the same hash`, () => {
      const { data } = resizeBicubic(noise(width, height), { width: toWidth, height: toHeight });
      const rgb = data.filter((_, i) => i % 4 !== 3);
      expect(createHash('sha256').update(rgb).digest('hex').slice(0, 16)).toBe(hash);
    });
  }

  for (const { upright, 224: resized } of goldens.cases) {
    if (!resized) continue;
    it(`resizes ${upright} to 224x224 bit for bit`, () => {
      expectSamePixels(resizeBicubic(readPng(upright), { width: 224, height: 224 }), readPng(resized));
    });
  }

  it('rescales and normalises as the processor does', async () => {
    const { values } = await readSafetensors('normalised.safetensors', 'rgb-wide.pixel_values_every_8th');
    const pixelValues = clipPixelValues(readPng('upright/rgb-wide.png'), { imageSize: 224, ...clip });
    let at = 0;
    for (let c = 0; c < 3; c++) {
      for (let y = 0; y < 224; y += 8) {
        for (let x = 0; x < 224; x += 8) expect(pixelValues[(c * 224 + y) * 224 + x]).toBe(values[at++]);
      }
    }
    expect(at).toBe(values.length);
  });
});

describe('clipPixelValues', () => {
  it('lays out channel by channel', () => {
    const image = { width: 1, height: 1, data: new Uint8ClampedArray([0, 51, 255, 255]) };
    const pixelValues = clipPixelValues(image, { imageSize: 2, mean: [0, 0, 0.5], std: [1, 1, 0.5] });
    expect(Array.from(pixelValues)).toEqual([0, 0, 0, 0, ...Array(4).fill(Math.fround(0.2)), 1, 1, 1, 1]);
  });

  it('refuses a standard deviation of 0', () => {
    const image = { width: 1, height: 1, data: new Uint8ClampedArray(4) };
    expect(() => clipPixelValues(image, { imageSize: 2, mean: [0, 0, 0], std: [1, 0, 1] })).toThrow(RangeError);
  });
});

/** One float32 tensor of a small safetensors file. */
async function readSafetensors(path: string, name: string): Promise<{ shape: number[]; values: Float32Array }> {
  const source = bytesSource(path, readFileSync(new URL(path, folder)));
  const [headerLength] = new BigUint64Array((await source.read(0, 8)).buffer);
  const start = 8 + Number(headerLength);
  const header = JSON.parse(new TextDecoder().decode(await source.read(8, start)));
  const { shape, dtype, data_offsets: offsets } = header[name];
  expect(dtype).toBe('F32');
  const bytes = new Uint8Array(await source.read(start + offsets[0], start + offsets[1]));
  return { shape, values: new Float32Array(bytes.slice().buffer) };
}
