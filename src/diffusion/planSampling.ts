import { planDdim } from './ddim.ts';
import { planDpmSolver2mKarras } from './dpmSolver.ts';
import { planEuler, planEulerAncestral } from './euler.ts';
import type { SamplerName } from './samplerName.ts';
import type { SamplingPlan } from './samplingPlan.ts';
import type { ScheduleRequest } from './scheduleRequest.ts';
import type { SchedulerConfig } from './schedulerConfig.ts';
import { planUnipc } from './unipc.ts';

/** What to plan. */
export interface SamplingOptions {
  readonly sampler: SamplerName;
  readonly scheduler: SchedulerConfig;
  /** Steps to *execute*, at least 1. */
  readonly steps: number;
  /** How much of the image is given up, above 0 and at most 1. 1: sampling starts from noise alone. */
  readonly strength: number;
  /** DDIM's share of fresh noise, 0..1; default 0. */
  readonly eta?: number;
}

/** Quotients this close above an integer are that integer: 7 / 0.7 is no reason for an eleventh step. */
const quotientSlack = 1e-9;

/** Steps a schedule is laid out for, so that `steps` of them are executed at a strength (spec "Stage 1"). */
export function scheduledSteps({ steps, strength }: Pick<SamplingOptions, 'steps' | 'strength'>): number {
  return Math.max(steps, Math.ceil(steps / strength - quotientSlack));
}

function plan(sampler: SamplerName, request: ScheduleRequest, eta: number): SamplingPlan {
  switch (sampler) {
    case 'ddim':
      return planDdim(request, { eta });
    case 'euler':
      return planEuler(request);
    case 'euler_ancestral':
      return planEulerAncestral(request);
    case 'dpmpp_2m_karras':
      return planDpmSolver2mKarras(request);
    case 'unipc':
      return planUnipc(request);
  }
}

/**
 * Works out a schedule in double precision: the last `steps` of ceil(steps / strength) scheduled ones, which is what diffusers'
 * pipelines execute when asked for that many at that strength.
 *
 * @throws RangeError for steps, a strength or an eta out of range, and for more scheduled steps than the model's timesteps allow
 */
export function planSampling({ sampler, scheduler, steps, strength, eta = 0 }: SamplingOptions): SamplingPlan {
  if (!Number.isInteger(steps) || steps < 1) throw new RangeError(`Steps are ${steps}, expected an integer from 1`);
  if (!(strength > 0 && strength <= 1))
    throw new RangeError(`The strength is ${strength}, expected above 0 and at most 1`);
  if (!(eta >= 0 && eta <= 1)) throw new RangeError(`Eta is ${eta}, expected 0 to 1`);
  const scheduled = scheduledSteps({ steps, strength });
  const planned =
    scheduled <= scheduler.trainTimesteps
      ? plan(sampler, { scheduler, scheduled, first: scheduled - steps }, eta)
      : null;
  if (!planned || !isFinitePlan(planned)) {
    throw new RangeError(
      `${steps} steps at strength ${strength} need a schedule of ${scheduled}: too many for ${scheduler.trainTimesteps} timesteps`,
    );
  }
  return planned;
}

/** Whether all its numbers are finite: timesteps that coincide, or lie outside the training's, give others. */
function isFinitePlan({ steps, start }: SamplingPlan): boolean {
  const numbers = steps.flatMap(({ timestep, inputScale, updates, denoised }) => [
    timestep,
    inputScale,
    denoised.latents,
    denoised.prediction,
    ...updates.flatMap(({ terms }) => terms.map(({ factor }) => factor)),
  ]);
  return [...numbers, start.image, start.noise].every(Number.isFinite);
}
