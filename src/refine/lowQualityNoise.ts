/**
 * Q-Refine's first pipeline: Gaussian noise on what is of low quality, before it is denoised, so that painting does not end in the
 * same flaw again ("local optima").
 */
import { seededNoise } from '../diffusion/seededNoise.ts';
import { mirroredIndex } from '../image/cropImage.ts';
import type { QualityMap } from '../quality/qualityMap.ts';
import type { QRefineSettings } from './qRefineSettings.ts';
import { partAt } from './qualityParts.ts';
import type { RegionCrop } from './regionCrops.ts';

/** Regions of noise that neither stage uses for its own. */
const noiseRegion = 2 ** 30;

/**
 * Standard deviation of the noise on a part, set by its own quality [ours: linear, from `largestNoise` at quality 0 to none at
 * the threshold of low quality].
 */
export function noiseDeviation(
  quality: number,
  { lowBelow, largestNoise }: Pick<QRefineSettings, 'lowBelow' | 'largestNoise'>,
): number {
  return quality < lowBelow ? largestNoise * (1 - quality / lowBelow) : 0;
}

/**
 * A crop with noise on its parts of low quality; the rest as it was.
 *
 * @param planes `[3, height, width]` of the crop as its model sees it, RGB in −1..1; not changed
 * @param options.index which of the image's crops it is: each has noise of its own
 * @returns the same, clamped to −1..1
 */
export function withLowQualityNoise(
  planes: Float32Array<ArrayBuffer>,
  {
    crop: { window, content, working },
    index,
    parts,
    image,
    settings,
    seed,
  }: {
    readonly crop: RegionCrop;
    readonly index: number;
    readonly parts: QualityMap;
    readonly image: { readonly width: number; readonly height: number };
    readonly settings: Pick<QRefineSettings, 'lowBelow' | 'largestNoise'>;
    readonly seed: number;
  },
): Float32Array<ArrayBuffer> {
  const area = working.width * working.height;
  const noise = seededNoise({ seed, purpose: 'start', region: noiseRegion + index, length: 3 * area });
  const noisy = planes.slice();
  for (let at = 0; at < area; at++) {
    const x = mirroredIndex(at % working.width, content.width);
    const y = mirroredIndex(Math.floor(at / working.width), content.height);
    const u = (window.x + ((x + 0.5) / content.width) * window.width) / image.width;
    const v = (window.y + ((y + 0.5) / content.height) * window.height) / image.height;
    const deviation = noiseDeviation(partAt(parts, { u, v }), settings);
    if (deviation === 0) continue;
    for (let i = at; i < noisy.length; i += area) {
      const value = (planes[i] as number) + deviation * (noise[i] as number);
      noisy[i] = Math.min(Math.max(value, -1), 1);
    }
  }
  return noisy;
}
