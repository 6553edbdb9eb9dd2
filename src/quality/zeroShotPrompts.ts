/**
 * The quality words written out, for any CLIP the learned contexts do not fit (spec "PQ-Map", mode `zeroShot` [ours], in
 * the manner of CLIP-IQA's antonym pairs). The same lists as `reference/fixtures/zero_shot_prompts.json`.
 */
import { meanDirection } from '../math/vectors.ts';
import type { ClipEncoder } from '../pipeline/ports.ts';
import type { QualityWordFeatures } from './perceptualMap.ts';
import type { PerceptualFactor } from './qualityResults.ts';

/** Sentences a word is put into, at `{}`: averaging over them leaves the word's meaning and drops the sentence's. */
export const zeroShotTemplates: readonly string[] = ['{} photo.', '{} image.', '{} picture.', 'this image looks {}.'];

/** Antonyms per factor, good first. */
export const zeroShotPairs: Readonly<Record<PerceptualFactor, readonly (readonly [string, string])[]>> = {
  overall: [
    ['good', 'bad'],
    ['beautiful', 'ugly'],
    ['high quality', 'low quality'],
    ['perfect', 'terrible'],
  ],
  technical: [
    ['sharp', 'blurry'],
    ['clean', 'noisy'],
    ['high resolution', 'pixelated'],
    ['well exposed', 'badly exposed'],
  ],
  rationality: [
    ['well formed', 'deformed'],
    ['correct', 'distorted'],
    ['plausible', 'impossible'],
    ['coherent', 'nonsensical'],
  ],
  naturalness: [
    ['natural', 'synthetic'],
    ['real', 'fake'],
    ['authentic', 'artificial'],
    ['lifelike', 'unnatural'],
  ],
};

/** All texts of one side of a factor: every word in every template. */
export function zeroShotTexts(factor: PerceptualFactor, side: 'good' | 'bad'): readonly string[] {
  return zeroShotPairs[factor].flatMap(([good, bad]) =>
    zeroShotTemplates.map((template) => template.replace('{}', side === 'good' ? good : bad)),
  );
}

/** Text features of the four pairs: per side the mean over all its texts, to unit length. */
export async function encodeZeroShotPrompts(
  clip: Pick<ClipEncoder, 'dim' | 'encodeText'>,
): Promise<QualityWordFeatures> {
  const encode = async (factor: PerceptualFactor) => {
    const good = zeroShotTexts(factor, 'good');
    const bad = zeroShotTexts(factor, 'bad');
    const rows = await clip.encodeText([...good, ...bad]);
    const pair = new Float32Array(2 * clip.dim);
    pair.set(meanDirection(rows.subarray(0, good.length * clip.dim), clip.dim), 0);
    pair.set(meanDirection(rows.subarray(good.length * clip.dim), clip.dim), clip.dim);
    return pair;
  };
  return {
    overall: await encode('overall'),
    technical: await encode('technical'),
    rationality: await encode('rationality'),
    naturalness: await encode('naturalness'),
  };
}
