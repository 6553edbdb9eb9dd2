import { expose } from 'comlink';
import { decodeImage, openImage } from '../../src/image/decodeImage.ts';
import { readGenerationMetadata } from '../../src/image/metadata/readGenerationMetadata.ts';
import { imageRows } from '../../src/image/rowSource.ts';
import { readRefineRecords } from '../../src/image/saving/readRefineRecords.ts';
import { type SavedFormat, savePicture } from '../../src/image/saving/savePicture.ts';

/** Largest and mean difference of two pictures, per channel value. */
function difference(a: Uint8ClampedArray, b: Uint8ClampedArray) {
  let largest = 0;
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const distance = Math.abs((a[i] as number) - (b[i] as number));
    largest = Math.max(largest, distance);
    sum += distance;
  }
  return { largest, mean: sum / a.length };
}

const api = {
  /** Opens an original, saves its pixels with its metadata and a record (JSON), and opens what was saved. */
  async roundTrip(original: number[], format: SavedFormat, record: string) {
    const file = new File([new Uint8Array(original)], 'original');
    const before = await decodeImage(file);
    const open = await openImage(file);
    const saved = await savePicture({ image: open, original: file, format, quality: 0.95, record: JSON.parse(record) });
    open.close();
    const after = await decodeImage(saved);
    const { metadata, warning } = await readGenerationMetadata(saved);
    return {
      bytes: Array.from(new Uint8Array(await saved.arrayBuffer())),
      type: saved.type,
      size: [before.width, before.height],
      savedSize: [after.width, after.height],
      ...difference(before.data, after.data),
      metadata,
      warning,
      records: JSON.stringify(await readRefineRecords(saved)),
    };
  },

  /** Saves a picture of every pair of neighbours that could be mixed up: noise, every value, sharp edges. */
  async exactPng(width: number, height: number) {
    const data = new Uint8ClampedArray(width * height * 4);
    let state = 1;
    for (let i = 0; i < data.length; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      data[i] = i % 4 === 3 ? 255 : state >>> 24;
    }
    const start = performance.now();
    const saved = await savePicture({
      image: imageRows({ width, height, data }),
      original: new Blob([]),
      format: 'png',
      quality: 1,
      record: null,
    });
    const seconds = (performance.now() - start) / 1000;
    return { ...difference(data, (await decodeImage(saved)).data), seconds };
  },

  async saveError(width: number, height: number, format: SavedFormat) {
    const rows = (start: number, end: number) => new Uint8ClampedArray((end - start) * width * 4).fill(255);
    try {
      await savePicture({ image: { width, height, rows }, original: new Blob([]), format, quality: 1, record: null });
      return null;
    } catch (error) {
      return { name: (error as Error).name, message: (error as Error).message };
    }
  },
};

/** What the page can ask of this worker. */
export type SavingTestApi = typeof api;

expose(api);
