import { interpolate, noiseSchedule } from './noiseSchedule.ts';
import type { LatentsAndPrediction } from './prediction.ts';
import type { SamplingPlan, SamplingStep } from './samplingPlan.ts';
import { type ScheduleRequest, update } from './scheduleRequest.ts';
import { scheduledTimesteps } from './timesteps.ts';

/** A step from one noise level to another. */
interface SigmaStep {
  readonly from: number;
  /** Where the ODE is followed to. */
  readonly to: number;
  /** Standard deviation of the fresh noise added afterwards. */
  readonly fresh: number;
}

/** Lays out the Euler samplers: latents are `x0 + sigma · noise`, and the model reads them scaled to variance 1. */
function planSigmas(request: ScheduleRequest, stepTo: (from: number, to: number) => SigmaStep): SamplingPlan {
  const { scheduler, scheduled, first } = request;
  const schedule = noiseSchedule(scheduler);
  const spacing = scheduler.timestepSpacing ?? 'linspace';
  const timesteps = scheduledTimesteps(scheduler, { steps: scheduled, spacing, family: 'euler' });
  const sigmas = [...timesteps.map((timestep) => interpolate(schedule.sigmas, timestep)), 0];

  const steps = timesteps.slice(first).map((timestep, i): SamplingStep => {
    const { from, to, fresh } = stepTo(sigmas[first + i] as number, sigmas[first + i + 1] as number);
    const x0 = cleanLatents(scheduler.predictionType, from);
    // The ODE's derivative is (latents − x0) / from; a step down to 0 lands on x0 itself.
    const share = to / from;
    const latents = share + (1 - share) * x0.latents;
    return {
      timestep,
      inputScale: 1 / Math.sqrt(from * from + 1),
      updates: [update('latents', { latents, prediction: (1 - share) * x0.prediction, noise: fresh })],
      denoised: x0,
    };
  });

  const largest = Math.max(...sigmas);
  const fromNoise = spacing === 'leading' ? Math.sqrt(largest * largest + 1) : largest;
  const start = first === 0 ? { image: 0, noise: fromNoise } : { image: 1, noise: sigmas[first] as number };
  return { steps, start, keptCount: 0 };
}

/** x0 of latents `x0 + sigma · noise`. */
function cleanLatents(type: 'epsilon' | 'v_prediction', sigma: number): LatentsAndPrediction {
  if (type === 'epsilon') return { latents: 1, prediction: -sigma };
  const square = sigma * sigma + 1;
  return { latents: 1 / square, prediction: -sigma / Math.sqrt(square) };
}

/** Euler's method on the probability flow ODE (Karras et al. 2022, algorithm 2 without churn; diffusers' EulerDiscreteScheduler). */
export function planEuler(request: ScheduleRequest): SamplingPlan {
  return planSigmas(request, (from, to) => ({ from, to, fresh: 0 }));
}

/** Euler steps that go further down than the next level and add fresh noise (diffusers' EulerAncestralDiscreteScheduler). */
export function planEulerAncestral(request: ScheduleRequest): SamplingPlan {
  return planSigmas(request, (from, to) => {
    const fresh = Math.sqrt((to * to * (from * from - to * to)) / (from * from));
    return { from, to: Math.sqrt(Math.max(0, to * to - fresh * fresh)), fresh };
  });
}
