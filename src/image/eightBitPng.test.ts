import { deflateSync, inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { BlobReader } from './container/blobReader.ts';
import { pngChunks } from './container/png.ts';
import { eightBitPng, toEightBits } from './eightBitPng.ts';
import { bytesOf, PNG_SIGNATURE, pngChunk, pngHead } from './handMadeImages.ts';

/** Filters a row as PNG's encoder does, from the definition (9.2). */
function filtered(row: Uint8Array, above: Uint8Array, { filter, step }: { filter: number; step: number }): Uint8Array {
  return row.map((value, i) => {
    const [left, up, corner] = [row[i - step] ?? 0, above[i] ?? 0, above[i - step] ?? 0];
    const estimate = left + up - corner;
    const paeth = [left, up, corner].sort((a, b) => Math.abs(estimate - a) - Math.abs(estimate - b))[0] as number;
    return value - ([0, left, up, Math.floor((left + up) / 2), paeth][filter] as number);
  });
}

interface Deep {
  width: number;
  height: number;
  samples: number;
  values: (x: number, y: number, sample: number) => number;
}

const kinds = [0, 0, 4, 2, 6];

/** A 16-bit PNG; rows take turns with the filters. */
function deepPng(
  { width, height, samples, values }: Deep,
  { interlaced = false, chunks = [] as Uint8Array[] } = {},
): Blob {
  const adam7 = [
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
  ];
  const rows: Uint8Array[] = [];
  for (const [left, top, across, down] of (interlaced ? adam7 : [[0, 0, 1, 1]]) as [number, number, number, number][]) {
    let above = new Uint8Array(0);
    for (let y = top; y < height; y += down) {
      const bytes: number[] = [];
      for (let x = left; x < width; x += across) {
        for (let s = 0; s < samples; s++) bytes.push(values(x, y, s) >> 8, values(x, y, s) & 255);
      }
      if (bytes.length === 0) break;
      const row = new Uint8Array(bytes);
      const filter = rows.length % 5;
      rows.push(bytesOf(filter, filtered(row, above, { filter, step: samples * 2 })));
      above = row;
    }
  }
  const head = bytesOf(PNG_SIGNATURE, pngHead(width, height, { depth: 16, kind: kinds[samples] as number }));
  if (interlaced) {
    const ihdr = head.slice(16, 29);
    ihdr[12] = 1;
    head.set(pngChunk('IHDR', ihdr), 8);
  }
  const packed = deflateSync(bytesOf(...rows));
  const half = packed.length >> 1;
  const pixels = [pngChunk('IDAT', packed.subarray(0, half)), pngChunk('IDAT', packed.subarray(half))];
  return new Blob([bytesOf(head, ...chunks, ...pixels, pngChunk('IEND', bytesOf()))]);
}

/** Reads what the writer wrote: its head, and the rows without their filter bytes, which must be 0. */
async function written(blob: Blob, samples: number, rowWidths: readonly number[]) {
  const file = new BlobReader(blob);
  const types: string[] = [];
  const packed: Uint8Array[] = [];
  let head = new Uint8Array();
  for await (const { type, start, length } of pngChunks(file)) {
    types.push(type);
    const bytes = (await file.bytes(start, length)).slice();
    // The checksum follows the data.
    expect((await file.bytes(start + length, 4)).slice()).toEqual(pngChunk(type, bytes).slice(-4));
    if (type === 'IHDR') head = bytes;
    if (type === 'IDAT') packed.push(bytes);
  }
  const raw = inflateSync(bytesOf(...packed));
  const rows: number[][] = [];
  let at = 0;
  for (const width of rowWidths) {
    expect(raw[at]).toBe(0);
    rows.push([...raw.subarray(at + 1, at + 1 + width * samples)]);
    at += 1 + width * samples;
  }
  expect(at).toBe(raw.length);
  return { types, kind: head[9], depth: head[8], interlaced: head[12], rows };
}

const mixed = (x: number, y: number, s: number) => (x * 4001 + y * 9973 + s * 21013 + ((x * y) << 7)) & 0xffff;

describe('toEightBits', () => {
  it('rounds every 16-bit value to the nearest', () => {
    let wrong = 0;
    for (let value = 0; value < 65_536; value++) if (toEightBits(value) !== Math.round((value * 255) / 65_535)) wrong++;
    expect(wrong).toBe(0);
  });
});

describe('eightBitPng', () => {
  it.each([1, 3])('narrows %i samples whatever the filter', async (samples) => {
    const found = await written(
      await eightBitPng(deepPng({ width: 7, height: 11, samples, values: mixed })),
      samples,
      Array(11).fill(7),
    );
    expect(found).toMatchObject({
      types: ['IHDR', 'IDAT', 'IDAT', 'IEND'],
      kind: kinds[samples],
      depth: 8,
      interlaced: 0,
    });
    found.rows.forEach((row, y) => {
      row.forEach((value, i) => {
        expect(value).toBe(toEightBits(mixed(Math.floor(i / samples), y, i % samples)));
      });
    });
  });

  it.each([2, 4])('puts alpha of %i samples over white before it rounds', async (samples) => {
    const found = await written(
      await eightBitPng(deepPng({ width: 9, height: 6, samples, values: mixed })),
      samples - 1,
      Array(6).fill(9),
    );
    expect(found.kind).toBe(kinds[samples - 1]);
    found.rows.forEach((row, y) => {
      row.forEach((value, i) => {
        const x = Math.floor(i / (samples - 1));
        const alpha = mixed(x, y, samples - 1) / 65_535;
        const colour = mixed(x, y, i % (samples - 1)) / 65_535;
        expect(Math.abs(value - 255 * (colour * alpha + 1 - alpha))).toBeLessThanOrEqual(0.5 + 1e-9);
      });
    });
  });

  it('keeps alpha and the profile where there is one', async () => {
    const iCCP = pngChunk('iCCP', bytesOf('p', 0, 0, 1, 2, 3));
    const source = deepPng(
      { width: 3, height: 2, samples: 4, values: mixed },
      { chunks: [iCCP, pngChunk('tEXt', bytesOf('a', 0, 'b'))] },
    );
    const found = await written(await eightBitPng(source), 4, [3, 3]);
    expect(found).toMatchObject({ types: ['IHDR', 'iCCP', 'IDAT', 'IDAT', 'IEND'], kind: 6 });
    expect(found.rows[1]?.slice(4, 8)).toEqual([0, 1, 2, 3].map((s) => toEightBits(mixed(1, 1, s))));
  });

  it('paints the transparent colour white', async () => {
    const values = (x: number) => (x === 1 ? 0x1234 : 0x1235);
    const tRNS = pngChunk('tRNS', bytesOf(0x12, 0x34));
    const found = await written(
      await eightBitPng(deepPng({ width: 3, height: 1, samples: 1, values }, { chunks: [tRNS] })),
      1,
      [3],
    );
    expect(found.rows).toEqual([[0x12, 255, 0x12]]);
  });

  it('believes no transparent colour of more samples than a pixel has', async () => {
    const values = (x: number) => [0x1234, 0x1235, 0xffff][x] as number;
    const tRNS = pngChunk('tRNS', new Uint8Array(1 << 20).fill(0x12));
    const plain = await eightBitPng(deepPng({ width: 3, height: 1, samples: 1, values }));
    const long = await eightBitPng(deepPng({ width: 3, height: 1, samples: 1, values }, { chunks: [tRNS] }));
    expect(await long.bytes()).toEqual(await plain.bytes());
  });

  it('narrows interlaced images pass by pass', async () => {
    // 5×3: passes of 1×1, 1×1, none, 1×1, 3×1 (row 2), 2×2 (odd columns), 5×1 (row 1).
    const widths = [1, 1, 1, 3, 2, 2, 5];
    const source = deepPng({ width: 5, height: 3, samples: 3, values: mixed }, { interlaced: true });
    const found = await written(await eightBitPng(source), 3, widths);
    expect(found.interlaced).toBe(1);
    const of = (x: number, y: number) => [0, 1, 2].map((s) => toEightBits(mixed(x, y, s)));
    expect(found.rows[0]).toEqual(of(0, 0));
    expect(found.rows[1]).toEqual(of(4, 0));
    expect(found.rows[2]).toEqual(of(2, 0));
    expect(found.rows[3]).toEqual([0, 2, 4].flatMap((x) => of(x, 2)));
    expect(found.rows.at(-1)).toEqual([0, 1, 2, 3, 4].flatMap((x) => of(x, 1)));
  });

  it('writes chunk after chunk of a large image', async () => {
    const found = await eightBitPng(
      deepPng({ width: 2000, height: 300, samples: 3, values: (x) => (x * 37) & 0xffff }),
    );
    const { rows, types } = await written(found, 3, Array(300).fill(2000));
    expect(types.filter((type) => type === 'IDAT').length).toBeGreaterThan(2);
    expect(rows.every((row) => row[3] === toEightBits(37))).toBe(true);
  });

  it('refuses what is cut off or has unknown filters', async () => {
    const good = deepPng({ width: 4, height: 4, samples: 3, values: mixed });
    const bytes = new Uint8Array(await good.arrayBuffer());
    const cut = bytesOf(
      bytes.subarray(0, 33),
      pngChunk('IDAT', deflateSync(new Uint8Array(10))),
      pngChunk('IEND', bytesOf()),
    );
    await expect(eightBitPng(new Blob([cut]))).rejects.toThrow('end too early');
    const filter = bytesOf(
      bytes.subarray(0, 33),
      pngChunk('IDAT', deflateSync(new Uint8Array(200).fill(9))),
      pngChunk('IEND', bytesOf()),
    );
    await expect(eightBitPng(new Blob([filter]))).rejects.toThrow('filter 9');
  });
});
