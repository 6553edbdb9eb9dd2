import { pngChunkParts, pngHeadData, pngSignature } from '../pngChunk.ts';
import { paeth } from '../pngFilter.ts';
import type { RowSource } from '../rowSource.ts';

/** Bytes of a pixel written: RGB, 8 bit. */
const pixelBytes = 3;
/** Rows are filtered and packed in bands of about this many bytes. */
const bandBytes = 1 << 20;

/** How far a byte is from 0, taken as signed. */
const size = (byte: number) => (byte < 128 ? byte : 256 - byte);

/** Filters rows: keeps the row above and a buffer for each filter, so that nothing is allocated per row. */
class RowFilter {
  readonly #length: number;
  #row: Uint8Array;
  #above: Uint8Array;
  readonly #filtered: readonly Uint8Array[];

  constructor(width: number) {
    this.#length = width * pixelBytes;
    // A pixel of zeros in front, so that no loop asks for the border.
    this.#row = new Uint8Array(pixelBytes + this.#length);
    this.#above = new Uint8Array(pixelBytes + this.#length);
    this.#filtered = Array.from({ length: 5 }, () => new Uint8Array(this.#length));
  }

  /**
   * Filters a row of RGBA with the filter whose bytes are smallest in sum (PNG 3rd edition, 12.7), and writes it with its filter
   * byte in front.
   */
  write(rgba: Uint8ClampedArray, out: Uint8Array): void {
    [this.#row, this.#above] = [this.#above, this.#row];
    const row = this.#row;
    const above = this.#above;
    for (let from = 0, to = pixelBytes; from < rgba.length; from += 4, to += pixelBytes) {
      row[to] = rgba[from] as number;
      row[to + 1] = rgba[from + 1] as number;
      row[to + 2] = rgba[from + 2] as number;
    }
    const [none, sub, up, average, nearest] = this.#filtered as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    const sums = [0, 0, 0, 0, 0] as [number, number, number, number, number];
    for (let i = 0; i < this.#length; i++) {
      const value = row[i + pixelBytes] as number;
      const left = row[i] as number;
      const over = above[i + pixelBytes] as number;
      const bySub = (value - left) & 255;
      const byUp = (value - over) & 255;
      const byAverage = (value - ((left + over) >> 1)) & 255;
      const byPaeth = (value - paeth(left, over, above[i] as number)) & 255;
      none[i] = value;
      sub[i] = bySub;
      up[i] = byUp;
      average[i] = byAverage;
      nearest[i] = byPaeth;
      sums[0] += size(value);
      sums[1] += size(bySub);
      sums[2] += size(byUp);
      sums[3] += size(byAverage);
      sums[4] += size(byPaeth);
    }
    const best = sums.indexOf(Math.min(...sums));
    out[0] = best;
    out.set(this.#filtered[best] as Uint8Array, 1);
  }
}

/** Rows as the stream to be packed, a band at a time. */
function* filteredBands({ width, height, rows }: RowSource): Generator<Uint8Array<ArrayBuffer>> {
  const filter = new RowFilter(width);
  const stride = 1 + width * pixelBytes;
  const bandRows = Math.max(1, Math.floor(bandBytes / stride));
  for (let start = 0; start < height; start += bandRows) {
    const end = Math.min(height, start + bandRows);
    const rgba = rows(start, end);
    const band = new Uint8Array((end - start) * stride);
    for (let y = 0; y < end - start; y++) {
      filter.write(rgba.subarray(y * width * 4, (y + 1) * width * 4), band.subarray(y * stride, (y + 1) * stride));
    }
    yield band;
  }
}

/** Packs bands; what comes out is taken while more is put in, so that neither side waits for memory. */
async function packed(
  bands: Iterable<Uint8Array<ArrayBuffer>>,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const stream = new CompressionStream('deflate');
  const writer = stream.writable.getWriter();
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const taken = (async () => {
    const reader = stream.readable.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      pieces.push(value as Uint8Array<ArrayBuffer>);
    }
  })();
  // Whoever fails first is reported by what is awaited below.
  taken.catch(() => {});
  try {
    for (const band of bands) {
      signal?.throwIfAborted();
      await writer.write(band);
    }
    await writer.close();
  } catch (error) {
    await writer.abort(error).catch(() => {});
    throw error;
  }
  await taken;
  return pieces;
}

/** Joins pieces into ones of at least `bandBytes`, except the last: each becomes a chunk. */
function* joined(pieces: readonly Uint8Array<ArrayBuffer>[]): Generator<Uint8Array<ArrayBuffer>[]> {
  let group: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for (const piece of pieces) {
    group.push(piece);
    length += piece.length;
    if (length < bandBytes) continue;
    yield group;
    group = [];
    length = 0;
  }
  if (group.length > 0) yield group;
}

/**
 * Writes a picture as PNG: RGB, 8 bit, sRGB, lossless, alpha left out (it is 255 throughout). Written here and not by a canvas, whose
 * pixels are premultiplied and colour-managed.
 *
 * @param options.chunks whole chunks to stand before the pixels, as they are
 * @throws `signal`'s reason when it is aborted between two bands
 */
export async function encodePng(
  image: RowSource,
  { chunks = [], signal }: { readonly chunks?: readonly BlobPart[]; readonly signal?: AbortSignal | undefined } = {},
): Promise<Blob> {
  const pieces = await packed(filteredBands(image), signal);
  const head = pngChunkParts('IHDR', pngHeadData(image, { kind: 2, interlaced: false }));
  // Rendering intent 0: perceptual.
  const srgb = pngChunkParts('sRGB', new Uint8Array([0]));
  const pixels = [...joined(pieces)].flatMap((group) => pngChunkParts('IDAT', ...group));
  const end = pngChunkParts('IEND');
  return new Blob([pngSignature, ...head, ...srgb, ...chunks, ...pixels, ...end], { type: 'image/png' });
}
