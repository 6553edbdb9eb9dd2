import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  avif,
  bytesOf,
  exifBlock,
  fileOf,
  jpeg,
  PNG_SIGNATURE,
  png,
  pngChunk,
  pngHead,
  uint32,
  webp,
} from './handMadeImages.ts';
import { MAX_PIXELS, MAX_SIDE, readImageHeader } from './imageHeader.ts';

const read = (bytes: Uint8Array, name = 'x.png') => readImageHeader(fileOf(bytes), { name });
const turned = (orientation: number, order: 'MM' | 'II' = 'MM') => exifBlock([[0x0112, 3, orientation]], { order });
const inJpeg = (exif: Uint8Array) => [0xe1, bytesOf('Exif\0\0', exif)] as const;

/** A GIF of a screen and one frame. */
const gif = (screen: [number, number], frame: [number, number]) => {
  const le = (...sizes: number[]) => sizes.flatMap((size) => [size & 255, size >> 8]);
  const palette = Array(6).fill(0);
  const extension = [0x21, 0xf9, 4, 0, 0, 0, 0, 0];
  return bytesOf('GIF89a', le(...screen), 0x80, 0, 0, palette, extension, 0x2c, le(0, 0, ...frame), 0, 2, 0, 0x3b);
};

describe('sizes', () => {
  it('reads every format', async () => {
    expect(await read(png([], { width: 300, height: 200 }))).toMatchObject({ format: 'PNG', width: 300, height: 200 });
    expect(await read(jpeg([], { width: 300, height: 200 }))).toMatchObject({
      format: 'JPEG',
      width: 300,
      height: 200,
    });
    expect(await read(gif([300, 200], [10, 10]))).toMatchObject({ format: 'GIF', width: 300, height: 200 });
    const exif = exifBlock([]);
    expect(await read(avif({ width: 300, height: 200, exif }))).toMatchObject({
      format: 'AVIF',
      width: 300,
      height: 200,
    });
    const bmp = bytesOf('BM', Array(12).fill(0), 40, 0, 0, 0, 44, 1, 0, 0, 56, 255, 255, 255, Array(20).fill(0));
    expect(await read(bmp)).toMatchObject({ format: 'BMP', width: 300, height: 200 });
  });

  it('reads the three kinds of WebP', async () => {
    const size = { format: 'WebP', width: 300, height: 200 };
    expect(await read(webp([['VP8X', bytesOf(0, 0, 0, 0, 43, 1, 0, 199, 0, 0)]]))).toMatchObject(size);
    expect(await read(webp([['VP8 ', bytesOf(0, 0, 0, 0x9d, 1, 0x2a, 44, 1, 200, 0)]]))).toMatchObject(size);
    // 14 bits of width - 1 = 299 and 14 of height - 1 = 199.
    const bits = 299 | (199 << 14);
    const lossless = bytesOf(0x2f, bits & 255, (bits >> 8) & 255, (bits >> 16) & 255, bits >> 24, 0, 0, 0, 0, 0);
    expect(await read(webp([['VP8L', lossless]]))).toMatchObject(size);
  });

  it('goes by the first bytes, not by the name', async () => {
    expect(await read(jpeg([]), 'really.png')).toMatchObject({ format: 'JPEG' });
  });

  it('finds the frame header behind large segments and fill bytes', async () => {
    const profile = [0xe2, new Uint8Array(65_000)] as const;
    const bytes = jpeg([profile, profile, profile], { width: 8, height: 9 });
    expect(await read(bytes)).toMatchObject({ width: 8, height: 9 });
    const filled = bytesOf(bytes.subarray(0, 2), 0xff, 0xff, bytes.subarray(2));
    expect(await read(filled)).toMatchObject({ width: 8, height: 9 });
  });

  it('counts the larger of a GIF’s screen and frame, and of WebP’s canvas and frame', async () => {
    expect(await read(gif([3, 2], [300, 200]))).toMatchObject({ width: 300, height: 200 });
    const chunks = [
      ['VP8X', new Uint8Array(10)],
      ['VP8 ', bytesOf(0, 0, 0, 0x9d, 1, 0x2a, 44, 1, 200, 0)],
    ] as const;
    expect(await read(webp(chunks))).toMatchObject({ width: 300, height: 200 });
  });

  it('tells 16 bits', async () => {
    const deep = bytesOf(PNG_SIGNATURE, pngHead(2, 2, { depth: 16 }), pngChunk('IEND', bytesOf()));
    expect(await read(deep)).toMatchObject({ sixteenBit: true });
    expect(await read(png([]))).toMatchObject({ sixteenBit: false });
  });
});

describe('orientation', () => {
  it.each(['MM', 'II'] as const)('is read from JPEG, PNG and WebP in %s order', async (order) => {
    for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const exif = turned(orientation, order);
      const webpFile = webp([
        ['VP8X', new Uint8Array(10)],
        ['EXIF', exif],
      ]);
      for (const bytes of [jpeg([inJpeg(exif)]), png([pngChunk('eXIf', exif)]), webpFile]) {
        expect((await read(bytes)).orientation).toBe(orientation);
      }
    }
  });

  it('can be patched to upright', async () => {
    for (const order of ['MM', 'II'] as const) {
      const bytes = jpeg([inJpeg(turned(6, order))]);
      const [patch] = (await read(bytes)).patches;
      if (!patch) throw new Error('no patch');
      bytes.set(patch.bytes, patch.range.start);
      expect(bytes).toEqual(jpeg([inJpeg(turned(1, order))]));
    }
  });

  it('is upright where the tag is missing, unknown or broken', async () => {
    for (const exif of [
      exifBlock([]),
      turned(0),
      turned(9),
      bytesOf('MM', 0, 42, 0, 0, 255, 255),
      bytesOf('nonsense'),
    ]) {
      expect(await read(jpeg([inJpeg(exif)]))).toMatchObject({ orientation: 1, patches: [] });
    }
  });

  it('is left to the decoder in AVIF', async () => {
    expect(await read(avif({ width: 3, height: 2, exif: turned(6) }))).toMatchObject({ orientation: 1 });
  });
});

describe('colour chunks of PNG', () => {
  const gAMA = (gamma: number) => pngChunk('gAMA', uint32(gamma));
  const cHRM = (red = 64000) =>
    pngChunk('cHRM', bytesOf(...[31270, 32900, red, 33000, 30000, 60000, 15000, 6000].map(uint32)));

  it('are left out where they only approximate sRGB', async () => {
    const { patches } = await read(png([gAMA(45455), cHRM(), pngChunk('eXIf', turned(6))]));
    // Behind the signature (8) and the head (25): chunks of 16 and 44 bytes, then the tag's value.
    expect(patches.slice(0, 2)).toEqual([
      { range: { start: 33, length: 16 }, bytes: new Uint8Array() },
      { range: { start: 49, length: 44 }, bytes: new Uint8Array() },
    ]);
    expect(patches[2]).toMatchObject({ range: { length: 2 }, bytes: new Uint8Array([0, 1]) });
  });

  it('stay where they say something else, or something exact stands beside them', async () => {
    const exact = ['iCCP', 'sRGB', 'cICP'].map((type) => [gAMA(45455), pngChunk(type, bytesOf(0))]);
    for (const chunks of [...exact, [gAMA(100000)], [gAMA(45455), cHRM(70000)], [pngChunk('gAMA', bytesOf(1))], []]) {
      expect((await read(png(chunks))).patches).toEqual([]);
    }
  });
});

describe('what is refused, by name', () => {
  const refusal = async (bytes: Uint8Array, name: string) => {
    const error = await read(bytes, name).then(
      () => new Error('was not refused'),
      (error: Error) => error,
    );
    expect(error.name).toBe('ImageError');
    return error.message;
  };

  it('too large, without decoding', async () => {
    expect(await refusal(png([], { width: 30_000, height: 20_000 }), 'bomb.png')).toBe(
      'Cannot open "bomb.png": it is 30000×20000 px (600 megapixels), and at most 100 megapixels and 16384 px a side are ' +
        'opened; scale it down or crop it in an image editor, then open that',
    );
    expect(await refusal(jpeg([], { width: MAX_SIDE + 1, height: 1 }), 'long.jpg')).toContain('16385×1 px');
    await expect(read(png([], { width: MAX_PIXELS / 10_000, height: 10_000 }))).resolves.toMatchObject({
      height: 10_000,
    });
  });

  it('without pixels', async () => {
    expect(await refusal(png([], { width: 0, height: 5 }), 'none.png')).toContain('0×5 px');
  });

  it('cut off', async () => {
    const whole = png([pngChunk('IDAT', new Uint8Array(500))], { width: 30, height: 20 });
    expect(await refusal(whole.slice(0, 300), 'cut.png')).toBe(
      'Cannot open "cut.png": this PNG image of 30×20 px ends too early, after 300 bytes; download or copy it again',
    );
    expect(await refusal(whole.slice(0, 20), 'cut.png')).toContain('states no size');
    expect(await refusal(jpeg([], { complete: false }), 'cut.jpg')).toContain('ends too early');
    const riff = webp([
      ['VP8X', new Uint8Array(10)],
      ['EXIF', new Uint8Array(100)],
    ]);
    expect(await refusal(riff.slice(0, 80), 'cut.webp')).toContain('ends too early');
    expect(await refusal(avif({ width: 9, height: 9, exif: exifBlock([]) }).slice(0, -3), 'cut.avif')).toContain(
      'ends too early',
    );
    expect(await refusal(gif([3, 2], [3, 2]).slice(0, 22), 'cut.gif')).toContain('ends too early');
  });

  it('has trailing bytes: is not cut off', async () => {
    await expect(read(bytesOf(jpeg([]), new Uint8Array(200_000)))).resolves.toMatchObject({ format: 'JPEG' });
  });

  const others: [string, Uint8Array, string][] = [
    ['a.tif', bytesOf('II*\0', 8, 0, 0, 0), 'a TIFF image'],
    ['a.heic', bytesOf(0, 0, 0, 24, 'ftypheic', 0, 0, 0, 0, 'mif1heic'), 'a HEIC image'],
    ['a.mp4', bytesOf(0, 0, 0, 20, 'ftypisom', 0, 0, 2, 0, 'isom'), 'a video'],
    ['a.jxl', bytesOf(0xff, 0x0a, 1, 2), 'a JPEG XL image'],
    ['a.psd', bytesOf('8BPS', 0, 1), 'a Photoshop document'],
    ['a.pdf', bytesOf('%PDF-1.7'), 'a PDF document'],
    ['a.svg', bytesOf('<?xml version="1.0"?>\n<svg xmlns="x"/>'), 'an SVG drawing'],
    ['a.html', bytesOf('<!DOCTYPE html><p>404'), 'a web page (HTML)'],
    ['a.png', bytesOf('Not Found'), 'a text file ("Not Found…")'],
    ['a.png', bytesOf(), 'an empty file'],
    ['a.png', bytesOf(1, 2, 3, 250), 'it starts with the bytes 01 02 03 fa'],
  ];
  it.each(others)('%s: %#', async (name, bytes, found) => {
    const message = await refusal(bytes, name);
    expect(message).toContain(`Cannot open "${name}": it is `);
    expect(message).toContain(found);
    expect(message).toContain('save it as one of those');
  });

  it('unreadable', async () => {
    const gone = {
      slice: () => ({ arrayBuffer: () => Promise.reject(new Error('The file could not be found')) }),
      size: 9,
    };
    await expect(readImageHeader(gone as unknown as Blob, { name: 'gone.png' })).rejects.toMatchObject({
      name: 'ImageError',
      message: expect.stringContaining('Cannot read "gone.png": The file could not be found'),
    });
  });
});

describe('damage of every kind', () => {
  const seeds: [string, Uint8Array][] = [
    ['PNG', png([pngChunk('eXIf', turned(6)), pngChunk('IDAT', new Uint8Array(50))])],
    ['JPEG', jpeg([inJpeg(turned(6))])],
    [
      'WebP',
      webp([
        ['VP8X', new Uint8Array(10)],
        ['EXIF', turned(6)],
      ]),
    ],
    ['GIF', gif([3, 2], [3, 2])],
    ['AVIF', avif({ width: 3, height: 2, exif: turned(6) })],
    ['real JPEG', readFileSync(new URL('../../reference/fixtures/images/input/orientation-6.jpg', import.meta.url))],
  ];
  it.each(seeds)(
    '%s: reads a header or refuses by name, on 1,000 damaged copies',
    { timeout: 60_000 },
    async (_, good) => {
      let state = 99;
      const random = (below: number) => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return Math.floor((state / 2 ** 32) * below);
      };
      let refused = 0;
      for (let round = 0; round < 1000; round++) {
        const bytes = new Uint8Array(good).slice(0, random(4) === 0 ? random(good.length) : good.length);
        for (let hit = random(6); hit > 0 && bytes.length > 0; hit--) bytes[random(bytes.length)] = random(256);
        try {
          const { width, height } = await read(bytes);
          expect(width * height).toBeLessThanOrEqual(MAX_PIXELS);
          expect(width * height).toBeGreaterThan(0);
        } catch (error) {
          refused++;
          expect((error as Error).name).toBe('ImageError');
        }
      }
      expect(refused).toBeGreaterThan(0);
      expect(refused).toBeLessThan(1000);
    },
  );
});
