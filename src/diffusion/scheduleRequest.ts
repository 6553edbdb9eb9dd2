import type { LinearUpdate, StepSource } from './samplingPlan.ts';
import type { SchedulerConfig } from './schedulerConfig.ts';

/** What a sampler is asked to lay out. */
export interface ScheduleRequest {
  readonly scheduler: SchedulerConfig;
  /** Steps the timesteps are laid out for. */
  readonly scheduled: number;
  /** The first of them that is executed; before it, the schedule is cut off. 0: sampling starts from noise alone. */
  readonly first: number;
}

/** An update whose terms of factor 0 are left out: `0 · NaN` is no zero, and noise nobody reads need not be made. */
export function update(
  target: LinearUpdate['target'],
  factors: Readonly<Partial<Record<StepSource, number>>>,
): LinearUpdate {
  const terms = Object.entries(factors).filter(([, factor]) => factor !== 0);
  return {
    target,
    terms: terms.map(([source, factor]) => ({ source: source as StepSource, factor: factor as number })),
  };
}
