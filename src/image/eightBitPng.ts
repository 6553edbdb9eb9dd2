import { BlobReader, viewOf } from './container/blobReader.ts';
import { type PngChunk, pngChunks } from './container/png.ts';
import { paeth } from './pngFilter.ts';
import { PngWriter } from './pngWriter.ts';

/** What a 16-bit PNG's header and chunks say. */
interface DeepPng {
  readonly width: number;
  readonly height: number;
  readonly interlaced: boolean;
  /** Samples of a pixel: 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha. */
  readonly samples: number;
  /** Colour that counts as transparent in an image without alpha; null: none. */
  readonly transparent: readonly number[] | null;
  /** Chunks that say what the colours mean. */
  readonly colour: readonly PngChunk[];
  readonly pixels: readonly PngChunk[];
}

/** Colour types of PNG that have 16 bits, by number. */
const samplesOfKind: Readonly<Record<number, number>> = { 0: 1, 2: 3, 4: 2, 6: 4 };
const kindOfSamples: Readonly<Record<number, number>> = { 1: 0, 3: 2, 2: 4, 4: 6 };
const colourChunks = ['iCCP', 'sRGB', 'gAMA', 'cHRM', 'cICP'];
/** Longest colour profile that is kept; those of cameras and printers have a few hundred kilobytes, some megabytes. */
const maxColourBytes = 16 << 20;

async function readDeepPng(file: BlobReader): Promise<DeepPng> {
  let head: DataView | null = null;
  let transparent: number[] | null = null;
  const colour: PngChunk[] = [];
  const pixels: PngChunk[] = [];
  for await (const chunk of pngChunks(file)) {
    if (chunk.type === 'IHDR') head ??= viewOf((await file.bytes(chunk.start, Math.min(chunk.length, 14))).slice());
    if (chunk.type === 'IDAT') pixels.push(chunk);
    if (colourChunks.includes(chunk.type) && chunk.length <= maxColourBytes) colour.push(chunk);
    if (chunk.type === 'tRNS') {
      // Three samples at most; one that says more says nothing, whatever its length.
      const view = viewOf(await file.bytes(chunk.start, Math.min(chunk.length, 8)));
      transparent = Array.from({ length: view.byteLength >> 1 }, (_, i) => view.getUint16(i * 2));
    }
  }
  const samples = head && head.byteLength === 13 ? samplesOfKind[head.getUint8(9)] : undefined;
  if (!head || !samples) throw new Error('Not a PNG of 16 bits');
  return {
    width: head.getUint32(0),
    height: head.getUint32(4),
    interlaced: head.getUint8(12) === 1,
    samples,
    transparent: samples % 2 === 1 && transparent?.length === samples ? transparent : null,
    colour,
    pixels,
  };
}

/** Adam7: first column, first row, step across, step down of each pass (PNG 3rd edition, 8.1). */
const passes = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** The sizes of the images that follow each other in the pixel data: one, or seven where interlaced. */
function passSizes({ width, height, interlaced }: DeepPng): readonly (readonly [width: number, height: number])[] {
  if (!interlaced) return [[width, height]];
  return passes
    .map(([left, top, across, down]) => [Math.ceil((width - left) / across), Math.ceil((height - top) / down)] as const)
    .filter(([passWidth, passHeight]) => passWidth > 0 && passHeight > 0);
}

/**
 * Undoes a row's filter in place (PNG 3rd edition, 9.2); `above` is the row before, undone, or zeros. Both rows have a
 * pixel of zeros in front, `step` bytes, so that no loop asks for the border.
 */
function unfilter(row: Uint8Array, above: Uint8Array, { filter, step }: { filter: number; step: number }): void {
  if (filter > 4) throw new Error(`Unknown filter ${filter}`);
  if (filter === 1) {
    for (let i = step; i < row.length; i++) row[i] = (row[i] as number) + (row[i - step] as number);
  } else if (filter === 2) {
    for (let i = step; i < row.length; i++) row[i] = (row[i] as number) + (above[i] as number);
  } else if (filter === 3) {
    for (let i = step; i < row.length; i++) {
      row[i] = (row[i] as number) + (((row[i - step] as number) + (above[i] as number)) >> 1);
    }
  } else if (filter === 4) {
    for (let i = step; i < row.length; i++) {
      row[i] = (row[i] as number) + paeth(row[i - step] as number, above[i] as number, above[i - step] as number);
    }
  }
}

/** 16 bits to 8, rounded to the nearest: `round(value * 255 / 65535)`. */
export function toEightBits(value: number): number {
  return (value * 255 + 32895) >>> 16;
}

/** Alpha over white before rounding, so that it happens once. */
function overWhite(value: number, alpha: number): number {
  return Math.floor((((value * alpha + 65535 * (65535 - alpha)) / 65535) * 255) / 65535 + 0.5);
}

/** The 16-bit sample at a byte. */
function sampleAt(row: Uint8Array, at: number): number {
  return ((row[at] as number) << 8) | (row[at + 1] as number);
}

/** Turns a row of 16-bit samples into a row of 8-bit ones, returning how many. */
function narrowRow(row: Uint8Array, out: Uint8Array, { samples, transparent, flatten }: Narrowing): number {
  let to = 0;
  if (flatten) {
    for (let at = 0; at < row.length; at += 2 * samples) {
      const alpha = sampleAt(row, at + 2 * (samples - 1));
      for (let i = 0; i < samples - 1; i++) out[to++] = overWhite(sampleAt(row, at + 2 * i), alpha);
    }
    return to;
  }
  for (let at = 0; at < row.length; at += 2) out[to++] = toEightBits(sampleAt(row, at));
  if (transparent) {
    for (let pixel = 0; pixel < to; pixel += samples) {
      if (transparent.every((value, i) => sampleAt(row, 2 * (pixel + i)) === value))
        out.fill(255, pixel, pixel + samples);
    }
  }
  return to;
}

interface Narrowing {
  readonly samples: number;
  readonly transparent: readonly number[] | null;
  /** Whether alpha is put over white here. */
  readonly flatten: boolean;
}

/** Reads a stream in pieces of the length asked for. */
class PieceReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #chunk = new Uint8Array(0);
  #at = 0;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** Fills `out`. @throws Error if the stream ends before. */
  async fill(out: Uint8Array): Promise<void> {
    for (let done = 0; done < out.length; ) {
      if (this.#at === this.#chunk.length) {
        const next = await this.#reader.read();
        if (next.done) throw new Error('The pixels end too early');
        this.#chunk = next.value as Uint8Array<ArrayBuffer>;
        this.#at = 0;
        continue;
      }
      const count = Math.min(out.length - done, this.#chunk.length - this.#at);
      out.set(this.#chunk.subarray(this.#at, this.#at + count), done);
      this.#at += count;
      done += count;
    }
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel().catch(() => {});
  }
}

/**
 * Rewrites a PNG of 16 bits per sample with 8, rounded to the nearest; browsers (and Pillow) cut the low byte off instead. A
 * colour profile stays. Alpha is put over white here, at full precision, unless a profile has to be applied first.
 * Orientation and texts are left out. One row is in memory at a time, besides what is written.
 *
 * @throws Error if the file is damaged
 */
export async function eightBitPng(blob: Blob): Promise<Blob> {
  const file = new BlobReader(blob);
  const image = await readDeepPng(file);
  const { samples, transparent } = image;
  const isSrgb = image.colour.every(({ type }) => type === 'sRGB');
  const flatten = samples % 2 === 0 && isSrgb;
  const writer = new PngWriter(image.width, image.height, {
    kind: kindOfSamples[flatten ? samples - 1 : samples] as number,
    interlaced: image.interlaced,
  });
  for (const { type, start, length } of image.colour) writer.chunk(type, (await file.bytes(start, length)).slice());

  const packed = new Blob(image.pixels.map(({ start, length }) => blob.slice(start, start + length)));
  const reader = new PieceReader(packed.stream().pipeThrough(new DecompressionStream('deflate')));
  try {
    for (const [width, height] of passSizes(image)) {
      const filter = new Uint8Array(1);
      const step = samples * 2;
      let row = new Uint8Array(step + width * step);
      let above = new Uint8Array(row.length);
      const narrow = new Uint8Array(1 + width * samples);
      for (let y = 0; y < height; y++) {
        await reader.fill(filter);
        await reader.fill(row.subarray(step));
        unfilter(row, above, { filter: filter[0] as number, step });
        const count = narrowRow(row.subarray(step), narrow.subarray(1), { samples, transparent, flatten });
        writer.row(narrow.subarray(0, 1 + count));
        [row, above] = [above, row];
      }
    }
  } finally {
    await reader.cancel();
  }
  return writer.finish();
}
