import type { SchedulerConfig } from './schedulerConfig.ts';

/** The schedule of tests: Stable Diffusion's. */
export const fakeScheduler: SchedulerConfig = {
  trainTimesteps: 1000,
  betaStart: 0.00085,
  betaEnd: 0.012,
  betaSchedule: 'scaled_linear',
  predictionType: 'epsilon',
  timestepSpacing: 'leading',
  stepsOffset: 1,
};
