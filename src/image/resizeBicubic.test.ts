import { describe, expect, it } from 'vitest';
import { resizeBicubic } from './resizeBicubic.ts';
import { imageRows, type RowSource } from './rowSource.ts';

function grayImage(width: number, height: number, values: readonly number[]) {
  const data = new Uint8ClampedArray(width * height * 4);
  values.forEach((value, i) => {
    data.set([value, value, value, 255], i * 4);
  });
  return { width, height, data };
}

const reds = (data: Uint8ClampedArray) => Array.from(data.filter((_, i) => i % 4 === 0));

describe('resizeBicubic', () => {
  it('doubles a step with the weights of the kernel', () => {
    // Pixel 3 of 8 lies at 1.25 of the source's four pixel edges: the cubic's weights at distances 1.25, 0.25, 0.75 and
    // 1.75 are -0.0703125, 0.8671875, 0.2265625, -0.0234375; the last two see 255, so 255 * 0.203125 = 51.8.
    const { data } = resizeBicubic(grayImage(4, 1, [0, 0, 255, 255]), { width: 8, height: 1 });
    expect(reds(data)[3]).toBe(52);
    // And 255 * (1 - 0.203125) = 203.2 on the other side.
    expect(reds(data)[4]).toBe(203);
  });

  it('clips the overshoot to a byte instead of wrapping', () => {
    const values = reds(resizeBicubic(grayImage(4, 1, [0, 0, 255, 255]), { width: 8, height: 1 }).data);
    expect(values[2]).toBe(0);
    expect(values[5]).toBe(255);
  });

  it('keeps an image of the same size as it is', () => {
    const image = grayImage(3, 2, [1, 2, 3, 250, 251, 252]);
    expect(reds(resizeBicubic(image, { width: 3, height: 2 }).data)).toEqual([1, 2, 3, 250, 251, 252]);
  });

  it('averages when scaling down, so that fine stripes turn gray', () => {
    const stripes = Array.from({ length: 64 }, (_, i) => (i % 2 ? 255 : 0));
    const values = reds(resizeBicubic(grayImage(64, 1, stripes), { width: 4, height: 1 }).data);
    for (const value of values) expect(Math.abs(value - 127.5)).toBeLessThan(8);
  });

  it('reads a source in bands, in order, each row once, and gets the same as from memory', () => {
    const width = 1500;
    const height = 700;
    let state = 7;
    const image = grayImage(
      width,
      height,
      Array.from({ length: width * height }, () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state >>> 24;
      }),
    );
    const whole = imageRows(image);
    const bands: number[][] = [];
    const source: RowSource = {
      width,
      height,
      rows: (start, end) => {
        bands.push([start, end]);
        return whole.rows(start, end).slice();
      },
    };
    const size = { width: 33, height: 20 };
    expect(resizeBicubic(source, size).data).toEqual(resizeBicubic(image, size).data);
    expect(bands.length).toBeGreaterThan(1);
    expect(bands.map(([start]) => start)).toEqual([0, ...bands.map(([, end]) => end).slice(0, -1)]);
    expect(bands.at(-1)?.[1]).toBe(height);
  });

  it('refuses sizes without pixels and data of another length', () => {
    const image = grayImage(2, 1, [0, 0]);
    expect(() => resizeBicubic(image, { width: 0, height: 3 })).toThrow(RangeError);
    expect(() => resizeBicubic({ ...image, width: 3 }, { width: 2, height: 2 })).toThrow(RangeError);
    expect(() => resizeBicubic({ ...image, height: 0 }, { width: 2, height: 2 })).toThrow(RangeError);
  });
});
