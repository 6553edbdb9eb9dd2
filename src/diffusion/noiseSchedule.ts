import type { SchedulerConfig } from './schedulerConfig.ts';

/** How noisy the training's timesteps are. */
export interface NoiseSchedule {
  /** ᾱ of each timestep: `x_t = √ᾱ x0 + √(1−ᾱ) noise`. */
  readonly alphasCumprod: Float32Array;
  /** `√((1−ᾱ)/ᾱ)` of each timestep: noise against signal. */
  readonly sigmas: Float32Array;
}

/** Largest β of the cosine schedule. */
const largestBeta = 0.999;

/** ᾱ of the cosine schedule at a time in 0..1 (diffusers' `betas_for_alpha_bar`, Nichol and Dhariwal 2021, eq. 17). */
function cosineAlphaBar(time: number): number {
  return Math.cos((((time + 0.008) / 1.008) * Math.PI) / 2) ** 2;
}

/** β of a timestep, rounded as diffusers' float32 tensors are. */
function betaAt({ betaSchedule, betaStart, betaEnd, trainTimesteps }: SchedulerConfig, timestep: number): number {
  if (betaSchedule === 'squaredcos_cap_v2') {
    const next = cosineAlphaBar((timestep + 1) / trainTimesteps);
    return Math.fround(Math.min(1 - next / cosineAlphaBar(timestep / trainTimesteps), largestBeta));
  }
  const share = trainTimesteps > 1 ? timestep / (trainTimesteps - 1) : 0;
  if (betaSchedule === 'linear') return Math.fround(betaStart + (betaEnd - betaStart) * share);
  const root = Math.fround(Math.sqrt(betaStart) + (Math.sqrt(betaEnd) - Math.sqrt(betaStart)) * share);
  return Math.fround(root * root);
}

/**
 * The noise a model was trained with. Rounded to float32 where diffusers rounds, because models are used with these very
 * numbers; the running product is kept in double precision, as torch's `cumprod` does on the CPU.
 */
export function noiseSchedule(config: SchedulerConfig): NoiseSchedule {
  const alphasCumprod = new Float32Array(config.trainTimesteps);
  const sigmas = new Float32Array(config.trainTimesteps);
  let product = 1;
  for (let timestep = 0; timestep < config.trainTimesteps; timestep++) {
    product *= Math.fround(1 - betaAt(config, timestep));
    alphasCumprod[timestep] = product;
    const alpha = alphasCumprod[timestep] as number;
    sigmas[timestep] = Math.sqrt(Math.fround(Math.fround(1 - alpha) / alpha));
  }
  return { alphasCumprod, sigmas };
}

/** `values` at a fractional index, linear between neighbours, the ends beyond them (numpy's `interp`); rounded to float32. */
export function interpolate(values: Float32Array, index: number): number {
  const last = values.length - 1;
  if (!(index > 0)) return values[0] as number;
  if (index >= last) return values[last] as number;
  const low = Math.floor(index);
  const from = values[low] as number;
  return Math.fround(from + ((values[low + 1] as number) - from) * (index - low));
}
