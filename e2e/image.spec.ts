import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import type { Page } from '@playwright/test';
import { bytesOf, exifBlock, PNG_SIGNATURE, png, pngChunk, pngHead, uint32 } from '../src/image/handMadeImages.ts';
import { expect, testOnKeptPage as test } from './browser/fixtures.ts';
import type { ImageTestApi } from './pages/image.worker.ts';

const folder = new URL('../reference/fixtures/images/', import.meta.url);
const { cases } = JSON.parse(readFileSync(new URL('images.json', folder), 'utf8')) as {
  cases: { file: string; about: string; width: number; height: number; upright: string; '224'?: string }[];
};

/** Calls a function of `pages/image.worker.ts`. */
async function call<Name extends keyof ImageTestApi>(
  page: Page,
  name: Name,
  ...args: Parameters<ImageTestApi[Name]>
): Promise<Awaited<ReturnType<ImageTestApi[Name]>>> {
  return page.evaluate(
    ([name, args]) => (globalThis.imageTest[name] as unknown as (...args: unknown[]) => Promise<never>)(...args),
    [name, args] as const,
  );
}

/** A PNG of 8-bit samples, rows not filtered. */
function pngOf(
  width: number,
  rows: readonly (readonly number[])[],
  { kind = 2, chunks = [] as Uint8Array[] } = {},
): number[] {
  const pixels = pngChunk('IDAT', deflateSync(bytesOf(...rows.flatMap((row) => [0, row]))));
  return [
    ...bytesOf(PNG_SIGNATURE, pngHead(width, rows.length, { kind }), ...chunks, pixels, pngChunk('IEND', bytesOf())),
  ];
}

test('plain pixels come out as they went in', async ({ openTestPage }) => {
  const page = await openTestPage('image.html');
  const rows = Array.from({ length: 256 }, (_, y) =>
    Array.from({ length: 256 * 3 }, (_, i) => ([i / 3, y, i ^ y][i % 3] as number) & 255),
  );
  const { data } = await call(page, 'decodeBytes', pngOf(256, rows), 'ramps.png');
  expect(data.filter((_, i) => i % 4 !== 3)).toEqual(rows.flat());
  expect(data.every((value, i) => i % 4 !== 3 || value === 255)).toBe(true);
});

test('colour chunks that mean sRGB, as ImageMagick writes them, change nothing', async ({ openTestPage }) => {
  const page = await openTestPage('image.html');
  const chromaticities = [31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000].map(uint32);
  const chunks = [pngChunk('gAMA', uint32(45455)), pngChunk('cHRM', bytesOf(...chromaticities))];
  const row = Array.from({ length: 256 * 3 }, (_, i) => (i / 3) | 0);
  const { data } = await call(page, 'decodeBytes', pngOf(256, [row], { chunks }), 'gamma.png');
  expect(data.filter((_, i) => i % 4 !== 3)).toEqual(row);
});

for (const { file, about, width, height, upright, 224: resized } of cases) {
  // The decoders of PNG must agree but for the colour conversion, which may round the other way.
  // JPEG: this Chromium and Pillow share libjpeg-turbo; another decoder may differ by 2, as `images.json` says.
  const tolerance = file.endsWith('.jpg') ? 2 : 1;

  test(`${about}: like the reference`, async ({ openTestPage }) => {
    const page = await openTestPage('image.html');
    const found = await call(page, 'compare', `/images/${file}`, `/images/${upright}`);
    expect(found.size).toEqual([width, height]);
    expect(found.goldenSize).toEqual([width, height]);
    expect(found.largest).toBeLessThanOrEqual(tolerance);
    expect(found.mean).toBeLessThan(0.05);
    if (!resized) return;
    // Where pixels differ by 1 before, bicubic overshoot can make it 2 after.
    const small = await call(page, 'compareResized', `/images/${file}`, `/images/${resized}`);
    expect(small.largest).toBeLessThanOrEqual(found.largest === 0 ? 0 : tolerance + 1);
    expect(small.mean).toBeLessThan(0.05);
  });
}

test('the orientation of PNG and WebP is applied once, whatever the browser does with it', async ({ openTestPage }) => {
  const page = await openTestPage('image.html');
  // Stored 2×1: red, blue. Turned by 6 (a quarter to the right): red above blue.
  const stored = [[255, 0, 0, 0, 0, 255]];
  const upright: Record<number, [number, number, string]> = {
    1: [2, 1, 'red blue'],
    2: [2, 1, 'blue red'],
    3: [2, 1, 'blue red'],
    4: [2, 1, 'red blue'],
    5: [1, 2, 'red blue'],
    6: [1, 2, 'red blue'],
    7: [1, 2, 'blue red'],
    8: [1, 2, 'blue red'],
  };
  for (const [orientation, [width, height, colours]] of Object.entries(upright)) {
    const eXIf = pngChunk('eXIf', exifBlock([[0x0112, 3, Number(orientation)]]));
    const bytes = pngOf(2, stored, { chunks: [eXIf] });
    const webp = await call(page, 'encodeWebp', bytes, [
      ...exifBlock([[0x0112, 3, Number(orientation)]], { order: 'II' }),
    ]);
    for (const [name, file] of [
      ['x.png', bytes],
      ['x.webp', webp],
    ] as const) {
      const found = await call(page, 'decodeBytes', file, name);
      expect([found.width, found.height], `${name} ${orientation}`).toEqual([width, height]);
      const named = [0, 4].map((at) => ((found.data[at] as number) > 128 ? 'red' : 'blue')).join(' ');
      expect(named, `${name} ${orientation}`).toBe(colours);
    }
  }
});

test('50 megapixels open, are shown and preprocessed; in PNG and JPEG', async ({ openTestPage }) => {
  const page = await openTestPage('image.html');
  for (const type of ['image/png', 'image/jpeg']) {
    const found = await call(page, 'large', 8660, 5774, type);
    console.log(
      `50 MP ${type}: open ${found.openSeconds.toFixed(2)} s, to 224 ${found.preprocessSeconds.toFixed(2)} s, ` +
        `preview ${found.previewSeconds.toFixed(2)} s`,
    );
    expect(found.size).toEqual([8660, 5774]);
    expect(found.previewSize).toEqual([2048, 1365]);
    // The first and last colours of the gradient, #203040 and #f0c080.
    expect(Math.abs((found.corners[0] as number) - 0x20)).toBeLessThan(2);
    expect(Math.abs((found.corners[1] as number) - 0xf0)).toBeLessThan(2);
    // Generous: what is excluded is a path that is an order of magnitude slower. Measured 0.9 s on an idle core.
    expect(found.preprocessSeconds).toBeLessThan(10);
  }
});

test('a preview is upright', async ({ openTestPage }) => {
  const page = await openTestPage('image.html');
  const found = await call(page, 'preview', '/images/input/orientation-6.jpg', 28);
  expect(found.size).toEqual([28, 20]);
  expect(found.cells).toBeLessThan(12);
});

test('a PNG that unpacks to 600 megapixels is refused by name, unopened', async ({ openTestPage }) => {
  const page = await openTestPage('image.html');
  const head = pngHead(30_000, 20_000, { depth: 1, kind: 0 });
  const pixels = pngChunk('IDAT', deflateSync(new Uint8Array(20_000 * (1 + 30_000 / 8))));
  const bytes = [...bytesOf(PNG_SIGNATURE, head, pixels, pngChunk('IEND', bytesOf()))];
  expect(bytes.length).toBeLessThan(200_000);
  const start = Date.now();
  const error = await call(page, 'openError', bytes, 'bomb.png');
  expect(error?.name).toBe('ImageError');
  expect(error?.message).toContain('Cannot open "bomb.png": it is 30000×20000 px (600 megapixels)');
  expect(Date.now() - start).toBeLessThan(5_000);
});

test('damaged files are refused by name', async ({ openTestPage }) => {
  const page = await openTestPage('image.html');
  const good = [...readFileSync(new URL('input/rgb-wide.png', folder))];
  const cut = await call(page, 'openError', good.slice(0, good.length - 30), 'cut.png');
  expect(cut).toMatchObject({
    name: 'ImageError',
    message: expect.stringContaining('"cut.png": this PNG image of 100×36 px ends'),
  });
  const jpeg = [...readFileSync(new URL('input/orientation-1.jpg', folder))];
  expect(await call(page, 'openError', jpeg.slice(0, -200), 'cut.jpg')).toMatchObject({ name: 'ImageError' });
  // Pixels that are no zlib stream, with the right checksum.
  const rubbish = [...png([pngChunk('IDAT', bytesOf(1, 2, 3, 4, 5))], { width: 20, height: 20 })];
  expect(await call(page, 'openError', rubbish, 'rubbish.png')).toMatchObject({
    name: 'ImageError',
    message: expect.stringContaining('"rubbish.png": this PNG image of 20×20 px could not be decoded'),
  });
  expect(await call(page, 'openError', [...Buffer.from('Not Found')], 'x.png')).toMatchObject({
    message: expect.stringContaining('a text file'),
  });
});

test('heatmaps are exported at the size of the image, by strips', async ({ openTestPage }) => {
  const page = await openTestPage('image.html');
  const found = await call(page, 'heatmap', 4000, 3000);
  expect(found).toMatchObject({ type: 'image/png', size: [4000, 3000] });
  // Good at the left: transparent. Bad at the right: the end of the ramp.
  expect(found.pixels[3]).toBe(0);
  expect(found.pixels.slice(4)).toEqual([252, 255, 164, 255]);
});
