import { inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { BlobReader } from '../container/blobReader.ts';
import { pngChunks } from '../container/png.ts';
import { imageRows } from '../rowSource.ts';
import { encodePng } from './encodePng.ts';

/** What each filter predicts from the bytes to the left, above, and above to the left (PNG 3rd edition, 9.2 and 9.4). */
const predict: readonly ((left: number, up: number, corner: number) => number)[] = [
  () => 0,
  (left) => left,
  (_, up) => up,
  (left, up) => Math.floor((left + up) / 2),
  (left, up, corner) => {
    const [toLeft, toUp, toCorner] = [up - corner, left - corner, left + up - 2 * corner].map(Math.abs) as [
      number,
      number,
      number,
    ];
    if (toLeft <= toUp && toLeft <= toCorner) return left;
    return toUp <= toCorner ? up : corner;
  },
];

/** Undoes filters. */
async function decode(png: Blob) {
  const file = new BlobReader(png);
  const idat: Uint8Array[] = [];
  const types: string[] = [];
  let head = new DataView(new ArrayBuffer(13));
  for await (const { type, start, length } of pngChunks(file)) {
    types.push(type);
    const data = (await file.bytes(start, length)).slice();
    if (type === 'IHDR') head = new DataView(data.buffer);
    if (type === 'IDAT') idat.push(data);
  }
  const [width, height] = [head.getUint32(0), head.getUint32(4)];
  expect(Array.from({ length: 5 }, (_, i) => head.getUint8(8 + i))).toEqual([8, 2, 0, 0, 0]);
  const raw = inflateSync(Buffer.concat(idat));
  const stride = width * 3;
  expect(raw.length).toBe((stride + 1) * height);
  const out = new Uint8Array(stride * height);
  const at = (x: number, y: number) => (x < 0 || y < 0 ? 0 : (out[y * stride + x] as number));
  const filters = new Set<number>();
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)] as number;
    filters.add(filter);
    for (let x = 0; x < stride; x++) {
      const predicted = predict[filter]?.(at(x - 3, y), at(x, y - 1), at(x - 3, y - 1)) as number;
      out[y * stride + x] = (raw[y * (stride + 1) + 1 + x] as number) + predicted;
    }
  }
  return { width, height, out, types, filters };
}

function image(width: number, height: number, pixel: (x: number, y: number, c: number) => number) {
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) for (let c = 0; c < 3; c++) data[(y * width + x) * 4 + c] = pixel(x, y, c);
  }
  return { width, height, data };
}

/** Pixels without alpha. */
const rgb = ({ data }: { data: Uint8ClampedArray }) => Uint8Array.from(data.filter((_, i) => i % 4 !== 3));

const noise = (seed: number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  };
};

test.each([
  ['a pixel', image(1, 1, () => 200)],
  ['noise', image(37, 23, noise(1))],
  ['a gradient across', image(64, 20, (x, _, c) => x * 3 + c)],
  ['a gradient down', image(20, 64, (_, y, c) => y * 3 + c * 7)],
  ['both, softly', image(97, 61, (x, y, c) => 128 + 100 * Math.sin(x / 9 + c) * Math.cos(y / 11))],
  ['wide', image(3000, 2, noise(2))],
])('%s comes back byte for byte', async (_, picture) => {
  const { width, height, out, types } = await decode(await encodePng(imageRows(picture)));
  expect([width, height]).toEqual([picture.width, picture.height]);
  expect(Buffer.compare(out, rgb(picture))).toBe(0);
  expect(types).toEqual(['IHDR', 'sRGB', 'IDAT', 'IEND']);
});

test('many bands become several chunks, and rows are asked for in order, once', async () => {
  const picture = image(1000, 700, noise(3));
  const whole = imageRows(picture);
  const asked: number[] = [];
  const rows = (start: number, end: number) => {
    asked.push(start, end);
    return whole.rows(start, end);
  };
  const { out, types } = await decode(await encodePng({ ...whole, rows }));
  expect(Buffer.compare(out, rgb(picture))).toBe(0);
  expect(types.filter((type) => type === 'IDAT').length).toBe(3);
  expect(asked.length).toBeGreaterThan(4);
  expect(asked).toEqual(asked.toSorted((a, b) => a - b));
});

test('filters are chosen by what they save', async () => {
  const smooth = image(128, 128, (x, y, c) => 60 + x + y * 0.7 + c * 5);
  const blob = await encodePng(imageRows(smooth));
  expect((await decode(blob)).filters).not.toContain(0);
  expect(blob.size).toBeLessThan(128 * 128 * 3 * 0.1);
});

test('stops when told to', async () => {
  const stop = new AbortController();
  const picture = imageRows(image(1200, 1000, noise(4)));
  const rows = (start: number, end: number) => {
    if (start > 0) stop.abort();
    return picture.rows(start, end);
  };
  await expect(encodePng({ ...picture, rows }, { signal: stop.signal })).rejects.toMatchObject({ name: 'AbortError' });
});
