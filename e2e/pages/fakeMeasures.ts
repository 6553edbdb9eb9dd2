import type { MeasureImageJob } from '../../src/bridge/protocol.ts';
import type { ComputedMeasures } from '../../src/pipeline/imageMeasures.ts';

/** Made-up measures: a result is better by most, and worse by one, so that the table shows both. */
export async function fakeMeasures(
  { input, prompt }: Pick<MeasureImageJob, 'input' | 'prompt'>,
  step: () => Promise<void>,
): Promise<ComputedMeasures> {
  await step();
  const clipScore = (value: number) => (prompt.trim() === '' ? null : value);
  return input
    ? { clipIqa: 0.731, clipScore: clipScore(0.774), niqe: 4.62, brisque: 21.3, ssim: 0.941, psnr: 31.8 }
    : { clipIqa: 0.642, clipScore: clipScore(0.748), niqe: 4.31, brisque: 34.9, ssim: null, psnr: null };
}
