import type { SchedulerConfig } from './schedulerConfig.ts';

/** To the nearest integer, halves to the even one: numpy's `round`. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** numpy's `linspace`, ends included, down from `end` to 0. */
function descending(end: number, count: number): number[] {
  if (count === 1) return [0];
  const step = end / (count - 1);
  return Array.from({ length: count }, (_, i) => (i === 0 ? end : (count - 1 - i) * step));
}

/** How a family of schedulers in diffusers lays out its timesteps. */
export interface TimestepLayout {
  readonly steps: number;
  readonly spacing: 'leading' | 'trailing' | 'linspace';
  /**
   * DDIM rounds `linspace`; the Euler samplers leave its fractions; the multistep solvers (DPM-Solver, UniPC) round, and
   * lay out one timestep more than there are steps, of which the last, the target, falls away (not with `trailing`).
   */
  readonly family: 'ddim' | 'euler' | 'multistep';
}

/**
 * The timesteps of a schedule, noisiest first, as diffusers' `set_timesteps` has them (Lin et al. 2023, table 2). With
 * `trailing`, diffusers makes one step too many for some counts (a rounding of `numpy.arange`); here there are as many as asked for.
 */
export function scheduledTimesteps(config: SchedulerConfig, { steps, spacing, family }: TimestepLayout): number[] {
  const { trainTimesteps, stepsOffset } = config;
  if (spacing === 'trailing') {
    const ratio = trainTimesteps / steps;
    return Array.from({ length: steps }, (_, i) => roundHalfEven(trainTimesteps - i * ratio) - 1);
  }
  const laidOut = family === 'multistep' ? steps + 1 : steps;
  if (spacing === 'leading') {
    const ratio = Math.floor(trainTimesteps / laidOut);
    return Array.from({ length: steps }, (_, i) => (laidOut - 1 - i) * ratio + stepsOffset);
  }
  const timesteps = descending(trainTimesteps - 1, laidOut).slice(0, steps);
  return timesteps.map(family === 'euler' ? Math.fround : roundHalfEven);
}
