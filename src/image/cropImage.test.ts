import { describe, expect, test } from 'vitest';
import { cropImage, mirroredIndex, padMirrored } from './cropImage.ts';
import { planarFromRgba, rgbaFromPlanar } from './planarPixels.ts';
import type { RgbaImage } from './rgbaImage.ts';
import { imageRows } from './rowSource.ts';

/** Red counts columns, green rows. */
function counting(width: number, height: number): RgbaImage {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) data.set([i % width, Math.floor(i / width), 7, 255], i * 4);
  return { width, height, data };
}
const reds = ({ data, width }: RgbaImage, y = 0) => Array.from({ length: width }, (_, x) => data[(y * width + x) * 4]);
const greens = ({ data, width, height }: RgbaImage) =>
  Array.from({ length: height }, (_, y) => data[y * width * 4 + 1]);

describe('cropImage', () => {
  test('copies a part, from memory and in bands', () => {
    const image = counting(5, 4);
    const part = { x: 1, y: 2, width: 3, height: 2 };
    const crop = cropImage(image, part);
    expect(reds(crop)).toEqual([1, 2, 3]);
    expect(greens(crop)).toEqual([2, 3]);
    const asked: number[] = [];
    const source = imageRows(counting(200_000, 9));
    const banded = cropImage(
      {
        ...source,
        rows: (start, end) => {
          asked.push(end - start);
          return source.rows(start, end);
        },
      },
      { x: 3, y: 1, width: 2, height: 8 },
    );
    expect(asked.every((rows) => rows <= 5) && asked.length > 1).toBe(true);
    expect(greens(banded)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    crop.data.fill(0);
    expect(reds(image)).toEqual([0, 1, 2, 3, 4]);
  });

  test('refuses parts beyond the image', () => {
    for (const part of [
      { x: 3, y: 0, width: 3, height: 1 },
      { x: -1, y: 0, width: 1, height: 1 },
      { x: 0, y: 0, width: 0, height: 1 },
      { x: 0, y: 0.5, width: 1, height: 1 },
    ]) {
      expect(() => cropImage(counting(5, 4), part)).toThrow(RangeError);
    }
  });
});

describe('padMirrored', () => {
  test('continues right and down without repeating the border pixel, as far as asked', () => {
    const padded = padMirrored(counting(3, 2), { width: 9, height: 5 });
    expect(reds(padded)).toEqual([0, 1, 2, 1, 0, 1, 2, 1, 0]);
    expect(greens(padded)).toEqual([0, 1, 0, 1, 0]);
    expect(reds(padMirrored(counting(1, 1), { width: 3, height: 1 }))).toEqual([0, 0, 0]);
    expect([-2, -1, 0, 1, 2, 3].map((i) => mirroredIndex(i, 3))).toEqual([2, 1, 0, 1, 2, 1]);
  });

  test('returns the image itself where there is nothing to pad; never cuts', () => {
    const image = counting(3, 2);
    expect(padMirrored(image, { width: 3, height: 2 })).toBe(image);
    expect(() => padMirrored(image, { width: 2, height: 4 })).toThrow(RangeError);
  });
});

describe('planarPixels', () => {
  test('every byte survives the way to −1..1 and back', () => {
    const data = Uint8ClampedArray.from({ length: 1024 }, (_, i) => (i % 4 === 3 ? 255 : i >> 2));
    const image = { width: 16, height: 16, data };
    expect(rgbaFromPlanar(planarFromRgba(image, 'minusOneToOne'), image).data).toEqual(data);
  });

  test('planes are red, green, blue in the range asked for', () => {
    const data = Uint8ClampedArray.of(0, 255, 51, 255, 255, 0, 204, 255);
    const image = { width: 2, height: 1, data };
    expect(Array.from(planarFromRgba(image, 'zeroToOne'))).toEqual([0, 1, 1, 0, Math.fround(0.2), Math.fround(0.8)]);
    expect(Array.from(planarFromRgba(image, 'minusOneToOne')).slice(0, 4)).toEqual([-1, 1, 1, -1]);
  });

  test('clamps what a decoder overshoots, rounds to the nearest byte, refuses other lengths', () => {
    const planes = Float32Array.of(-1.5, 2, 0.003);
    expect(Array.from(rgbaFromPlanar(planes, { width: 1, height: 1 }).data)).toEqual([0, 255, 128, 255]);
    expect(() => rgbaFromPlanar(planes, { width: 2, height: 1 })).toThrow(RangeError);
  });
});
