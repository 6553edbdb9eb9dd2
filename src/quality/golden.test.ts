/**
 * Features → maps against the reference (`python reference/make_fixtures.py`): torch, computed in double precision and
 * rounded to float32 once. The inputs are float32, κ = 100 multiplies their rounding of 6e-8 to some 1e-6 of a logit;
 * bounds are ten times that.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bytesSource } from '../checkpoint/byteSource.ts';
import { tensorAsFloat32 } from '../checkpoint/dtypes.ts';
import { openSafetensors } from '../checkpoint/safetensors.ts';
import { difference } from '../math/vectors.ts';
import type { ClipImageFeatures } from '../pipeline/ports.ts';
import { patchSimilarity } from './alignmentScore.ts';
import { perceptualFactors, perceptualMap, type QualityWordFeatures } from './perceptualMap.ts';
import type { PerceptualMode } from './qualityResults.ts';

const golden = new URL('../../reference/fixtures/golden/', import.meta.url);

async function tensors(file: string): Promise<(name: string) => Promise<Float32Array>> {
  const checkpoint = await openSafetensors(bytesSource(file, readFileSync(new URL(file, golden))));
  return (name) => {
    const tensor = checkpoint.tensors.get(name);
    if (!tensor) throw new Error(`${file} has no ${name}`);
    return tensorAsFloat32(tensor);
  };
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs((a[i] as number) - (b[i] as number)));
  return worst;
}

const cases: readonly (readonly [model: string, modes: readonly PerceptualMode[]])[] = [
  ['clip-tiny', ['learned', 'zeroShot', 'released']],
  ['clip-tiny-gelu', ['zeroShot']],
];
const images = ['image0.224', 'image1.224', 'image0.448'] as const;

describe.each(cases)('%s', (model, modes) => {
  async function load(image: string) {
    const features = await tensors(`${model}.image.safetensors`);
    const maps = await tensors(`${model}.maps.safetensors`);
    const { logit_scale: logitScale } = JSON.parse(readFileSync(new URL(`${model}.json`, golden), 'utf8'));
    const cls = await features(`${image}.cls`);
    const patchFeatures = await features(`${image}.patches`);
    const grid = Math.sqrt(patchFeatures.length / cls.length);
    const clip: ClipImageFeatures = { gridWidth: grid, gridHeight: grid, cls, patchFeatures };
    return { clip, maps, logitScale: logitScale as number };
  }

  test.each(images.flatMap((image) => modes.map((mode) => [image, mode] as const)))(
    'PQ-Map of %s, %s',
    async (image, mode) => {
      const { clip, maps, logitScale } = await load(image);
      const dim = clip.cls.length;
      const pairs = await maps(mode === 'zeroShot' ? 'zeroShot.pairs' : 'learned.pairs');
      const pair = (i: number) => pairs.subarray(i * 2 * dim, (i + 1) * 2 * dim);
      const words: QualityWordFeatures = {
        overall: pair(0),
        technical: pair(1),
        rationality: pair(2),
        naturalness: pair(3),
      };
      const result = perceptualMap(clip, words, { mode, logitScale });
      const key = `${image}.${mode}`;
      expect(largestDifference(result.map.values, await maps(`${key}.map`))).toBeLessThan(1e-5);
      expect(largestDifference([result.score], await maps(`${key}.score`))).toBeLessThan(1e-5);
      if (mode === 'released') return;
      const factors = perceptualFactors.map((factor) => result.factors[factor]);
      expect(largestDifference(factors, await maps(`${key}.factors`))).toBeLessThan(1e-5);
      const factorMaps = perceptualFactors.flatMap((factor) => Array.from(result.factorMaps[factor].values));
      expect(largestDifference(factorMaps, await maps(`${key}.factor_maps`))).toBeLessThan(1e-5);
    },
  );

  test.each(images)('eq. 5 on %s', async (image) => {
    const { clip, maps } = await load(image);
    const dim = clip.cls.length;
    const phrases = await maps('phrases.unit');
    const empty = await maps('empty.unit');
    const found = Array.from({ length: phrases.length / dim }, (_, i) =>
      Array.from(patchSimilarity(clip, difference(phrases.subarray(i * dim, (i + 1) * dim), empty))),
    ).flat();
    expect(found.length).toBeGreaterThan(3 * 14 * 14);
    expect(largestDifference(found, await maps(`${image}.alignment`))).toBeLessThan(1e-6);
  });
});
