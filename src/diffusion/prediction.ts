import type { SchedulerConfig } from './schedulerConfig.ts';

/** A tensor as a weighted sum of a step's latents and prediction. */
export interface LatentsAndPrediction {
  readonly latents: number;
  readonly prediction: number;
}

/** Signal and noise in latents: `latents = alpha · x0 + sigma · noise`. */
export interface NoiseLevel {
  readonly alpha: number;
  readonly sigma: number;
}

/**
 * The level at which noise is `ratio` times the signal and their squares add up to 1 (diffusers' `_sigma_to_alpha_sigma_t`).
 */
export function variancePreserving(ratio: number): NoiseLevel {
  const alpha = 1 / Math.sqrt(ratio * ratio + 1);
  return { alpha, sigma: ratio * alpha };
}

/** x0 of variance-preserving latents, whatever the model predicts (Salimans and Ho 2022, section 4). */
export function cleanLatents(
  type: SchedulerConfig['predictionType'],
  { alpha, sigma }: NoiseLevel,
): LatentsAndPrediction {
  return type === 'epsilon'
    ? { latents: 1 / alpha, prediction: -sigma / alpha }
    : { latents: alpha, prediction: -sigma };
}

/** The noise in variance-preserving latents, whatever the model predicts. */
export function noiseInLatents(
  type: SchedulerConfig['predictionType'],
  { alpha, sigma }: NoiseLevel,
): LatentsAndPrediction {
  return type === 'epsilon' ? { latents: 0, prediction: 1 } : { latents: sigma, prediction: alpha };
}
