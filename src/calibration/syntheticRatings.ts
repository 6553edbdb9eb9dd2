/** Made-up features and ratings for tests: as CLIP's lie (near one another, differing a little), rated by a hidden direction. */
import { seededNoise } from '../diffusion/seededNoise.ts';
import { dot, normalise } from '../math/vectors.ts';
import type { QualityWordFeatures } from '../quality/perceptualMap.ts';
import type { MeasuredImage } from './learnFromRatings.ts';
import type { ImageRatings } from './ratings.ts';

/** Length of a made-up feature. */
export const syntheticDim = 24;

/** κ of the made-up CLIP. */
export const syntheticLogitScale = 100;

const noise = (seed: number, length: number) => seededNoise({ seed, purpose: 'start', length });

/** `common + share · random`, to unit length. */
function near(common: Float32Array, share: number, seed: number): Float32Array {
  const random = normalise(noise(seed, common.length));
  return normalise(common.map((value, i) => value + share * (random[i] as number)));
}

const imageSide = normalise(noise(1, syntheticDim));
const textSide = normalise(noise(2, syntheticDim));

/** Pairs that know nothing of the hidden direction. */
export const syntheticWords: QualityWordFeatures = {
  overall: pair(10),
  technical: pair(20),
  rationality: pair(30),
  naturalness: pair(40),
};

function pair(seed: number): Float32Array {
  return Float32Array.from([...near(textSide, 0.1, seed), ...near(textSide, 0.1, seed + 1)]);
}

/** Ratings of an image that was rated as a whole only. */
export function onlyRating(file: string, rating: number): ImageRatings {
  return { file, rating, prompt: null, technical: null, rationality: null, naturalness: null, alignment: null };
}

/**
 * Images whose ratings, 1 to 5, follow a hidden direction of their features; `share` is how much of a rating does, the rest is
 * chance.
 */
export function syntheticImages(
  count: number,
  { share, seed = 7 }: { readonly share: number; readonly seed?: number },
): MeasuredImage[] {
  const hidden = normalise(noise(3, syntheticDim));
  const features = Array.from({ length: count }, (_, i) => near(imageSide, 0.7, seed * 1000 + i));
  const level = features.map((cls) => dot(cls, hidden));
  const mean = level.reduce((a, b) => a + b) / count;
  const deviation = Math.sqrt(level.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count);
  const chance = noise(seed + 500, count);
  return features.map((cls, i) => {
    const told = ((level[i] as number) - mean) / deviation;
    const rating = 3 + share * told + Math.sqrt(1 - share ** 2) * (chance[i] as number);
    return { ratings: onlyRating(`${i}.png`, Math.min(5, Math.max(1, rating))), cls, standing: null };
  });
}
