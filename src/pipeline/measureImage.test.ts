import { describe, expect, test } from 'vitest';
import type { RgbaImage } from '../image/rgbaImage.ts';
import { goldenPicture } from '../measures/goldenPictures.ts';
import { isNegativeOptimisation, largestPsnr, noMeasures } from '../measures/measures.ts';
import { freeSize, largestFreePixels, type MeasureJob, measureImage } from './measureImage.ts';
import { measuresRecord } from './measuresRecord.ts';
import type { ClipEncoder } from './ports.ts';

/** A CLIP whose image points at `cls`, and whose texts point along an axis each. */
function fakeClip(over: Partial<ClipEncoder> = {}) {
  const seen: string[] = [];
  const clip: ClipEncoder = {
    modelName: 'fake/clip',
    imageSizes: [224],
    imageMean: [0.5, 0.5, 0.5],
    imageStd: [0.5, 0.5, 0.5],
    dim: 4,
    textWidth: 2,
    logitScale: 10,
    encodeImage: async (_, size) => {
      seen.push(`square ${size}`);
      return { gridWidth: 1, gridHeight: 1, cls: Float32Array.of(0, 0, 0.6, 0.8), patchFeatures: new Float32Array(4) };
    },
    unpositioned: {
      patchSize: 16,
      encode: async (pixels, { width, height }) => {
        seen.push(`free ${width}x${height}`);
        expect(pixels).toHaveLength(3 * width * height);
        return Float32Array.of(0.8, 0.6, 0, 0);
      },
    },
    encodeText: async (texts) => {
      seen.push(...texts);
      const axes = ['Good photo.', 'Bad photo.', 'a dog'];
      return Float32Array.from(texts.flatMap((text) => [0, 1, 2, 3].map((i) => (axes[i] === text ? 1 : 0))));
    },
    encodePromptEmbeddings: async () => new Float32Array(0),
    tokenEmbedding: async () => new Float32Array(0),
    ...over,
  };
  return { clip, seen };
}

const picture = goldenPicture(0, { width: 230, height: 205 });
const job = (over: Partial<MeasureJob> = {}): MeasureJob => ({
  image: picture,
  prompt: 'a dog',
  clip: fakeClip().clip,
  imageSize: null,
  input: null,
  ...over,
});

describe('an image is measured', () => {
  test('with CLIP: softmax of two cosines without positions, and 2.5 times the cosine with the prompt', async () => {
    const { clip, seen } = fakeClip();
    const found = await measureImage(job({ clip }));
    expect(found.clipIqa).toBeCloseTo(1 / (1 + Math.exp(10 * (0.6 - 0.8))), 6);
    expect(found.clipScore).toBeCloseTo(2.5 * 0.6, 6);
    expect(seen).toEqual(['free 224x192', 'Good photo.', 'Bad photo.', 'square 224', 'a dog']);
  });

  test('without what a measure needs there is none', async () => {
    const none = await measureImage(job({ clip: null }));
    expect([none.clipIqa, none.clipScore, none.ssim, none.psnr]).toEqual([null, null, null, null]);
    expect(none.niqe).toBeGreaterThan(0);
    expect(none.brisque).not.toBeNull();
    const older = await measureImage(job({ clip: fakeClip({ unpositioned: null }).clip, prompt: ' ' }));
    expect([older.clipIqa, older.clipScore]).toEqual([null, null]);
  });

  test('against the image before refining, where that has its size', async () => {
    const same = await measureImage(job({ clip: null, input: { ...picture } }));
    expect(same.ssim).toBeCloseTo(1, 12);
    expect(same.psnr).toBe(largestPsnr);
    const other = await measureImage(job({ clip: null, input: goldenPicture(0, { width: 229, height: 205 }) }));
    expect([other.ssim, other.psnr]).toEqual([null, null]);
  });

  test('small and flat ones have no statistics', async () => {
    const flat: RgbaImage = { width: 300, height: 300, data: new Uint8ClampedArray(300 * 300 * 4).fill(255) };
    const found = await measureImage(job({ clip: null, image: flat }));
    expect([found.niqe, found.brisque]).toEqual([null, null]);
    const small = await measureImage(job({ clip: null, image: goldenPicture(0, { width: 31, height: 90 }) }));
    expect([small.niqe, small.brisque]).toEqual([null, null]);
  });

  test('until it is cancelled', async () => {
    await expect(measureImage(job({ signal: { aborted: true } }))).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('worse the stronger noise it gets', async () => {
    const noisy = (amount: number): RgbaImage => {
      const data = picture.data.slice();
      let state = 1;
      for (let i = 0; i < data.length; i++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        if (i % 4 < 3) data[i] = (data[i] as number) + amount * (state / 2 ** 31 - 1);
      }
      return { ...picture, data };
    };
    const [some, much] = await Promise.all([30, 90].map((n) => measureImage(job({ clip: null, image: noisy(n) }))));
    expect(much?.brisque as number).toBeGreaterThan(some?.brisque as number);
  });
});

test('for CLIP-IQA an image keeps its proportions, and its size up to a limit', () => {
  expect(freeSize({ width: 512, height: 384 }, 16)).toEqual({
    width: 512,
    height: 384,
    keptWidth: 512,
    keptHeight: 384,
  });
  expect(freeSize({ width: 100, height: 50 }, 16)).toEqual({ width: 100, height: 50, keptWidth: 96, keptHeight: 48 });
  const large = freeSize({ width: 4096, height: 2048 }, 16);
  expect(large.keptWidth * large.keptHeight).toBeLessThanOrEqual(largestFreePixels);
  expect(large.width / large.height).toBeCloseTo(2, 2);
  expect(freeSize({ width: 5, height: 3 }, 16)).toEqual({ width: 16, height: 16, keptWidth: 16, keptHeight: 16 });
});

test('a record says what every measure was, what it is, and whether that is worse', () => {
  const before = { ...noMeasures, values: { ...noMeasures.values, quality: 0.5, niqe: 4 } };
  const after = { ...noMeasures, values: { ...noMeasures.values, quality: 0.7, niqe: 5, psnr: 30 } };
  expect(isNegativeOptimisation('niqe', { before: 4, after: 5 })).toBe(true);
  expect(measuresRecord(before, after)).toEqual({
    quality: {
      name: 'Quality',
      higherIsBetter: true,
      before: 0.5,
      after: 0.7,
      change: 0.2,
      verdict: 'better',
      negativeOptimisation: false,
    },
    niqe: {
      name: 'NIQE (fitted by this project)',
      higherIsBetter: false,
      before: 4,
      after: 5,
      change: 1,
      verdict: 'worse',
      negativeOptimisation: true,
    },
    psnr: { name: 'PSNR', higherIsBetter: true, after: 30 },
  });
  expect(measuresRecord(before)).toMatchObject({ quality: { value: 0.5 }, niqe: { value: 4 } });
});
