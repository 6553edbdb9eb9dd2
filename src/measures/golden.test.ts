import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { brisque } from './brisque.ts';
import { brisqueFeatures } from './brisqueFeatures.ts';
import { goldenPicture } from './goldenPictures.ts';
import { halved, luminance } from './grayImage.ts';
import brisqueModel from './models/brisque.json' with { type: 'json' };
import niqeModel from './models/niqe.json' with { type: 'json' };
import { niqe } from './niqe.ts';
import { niqeFeatures } from './niqeFeatures.ts';
import { peakSignalToNoise } from './peakSignalToNoise.ts';
import { structuralSimilarity } from './structuralSimilarity.ts';

/** Made by reference/make_fixtures.py with numpy and scikit-image, rounded to nine digits. */
const golden = JSON.parse(
  readFileSync(new URL('../../reference/fixtures/golden/measures.json', import.meta.url), 'utf8'),
) as {
  measured: {
    width: number;
    height: number;
    luminance: number;
    halved: number[];
    niqe: number[][];
    sharpness: number[];
    brisque: number[];
    fitted: { niqe: number; brisque: number };
  }[];
  compared: { ssim: number; psnr: number };
};

/** Largest difference, relative to numbers above 1. */
function difference(found: ArrayLike<number>, expected: readonly number[]): number {
  expect(found.length).toBe(expected.length);
  return Math.max(...expected.map((e, i) => Math.abs((found[i] as number) - e) / Math.max(1, Math.abs(e))));
}

/** Halved pictures are kept in float32: 6e-8 of 255. Shapes are entries of the same table, so they are equal. */
const TOLERANCE = 2e-5;

describe.each(golden.measured.map((entry, k) => ({ k, ...entry })))('picture $k against numpy', (entry) => {
  const gray = luminance(goldenPicture(entry.k, entry));

  test('luminance and half size', () => {
    expect(Array.from(gray.values).reduce((all, value) => all + value, 0)).toBe(entry.luminance);
    expect(
      difference(
        halved(gray).values.filter((_, i) => i % 37 === 0),
        entry.halved,
      ),
    ).toBeLessThan(TOLERANCE);
  });

  test('NIQE features of every block', () => {
    const { features, sharpness, blocks } = niqeFeatures(gray);
    expect(blocks).toBe(entry.niqe.length);
    expect(difference(sharpness, entry.sharpness)).toBeLessThan(1e-8);
    expect(difference(features, entry.niqe.flat())).toBeLessThan(TOLERANCE);
  });

  test('what the fitted models say', () => {
    expect(niqe(gray, niqeModel)).toBeCloseTo(entry.fitted.niqe, 4);
    expect(brisque(gray, brisqueModel)).toBeCloseTo(entry.fitted.brisque, 2);
  });

  test('BRISQUE features', () => {
    expect(difference(brisqueFeatures(gray), entry.brisque)).toBeLessThan(TOLERANCE);
  });
});

test('SSIM and PSNR are those of scikit-image', () => {
  const before = goldenPicture(0, golden.measured[0] as { width: number; height: number });
  const data = before.data.slice();
  for (let i = 0; i < data.length; i++) {
    const x = (i >> 2) % before.width;
    const y = Math.floor((i >> 2) / before.width);
    if (i % 4 < 3 && ((x >> 5) + (y >> 5)) % 2 === 1) data[i] = (data[i] as number) - ((data[i] as number) >> 4);
  }
  const after = { ...before, data };
  expect(structuralSimilarity(luminance(before), luminance(after))).toBeCloseTo(golden.compared.ssim, 10);
  expect(peakSignalToNoise(before, after)).toBeCloseTo(golden.compared.psnr, 10);
});
