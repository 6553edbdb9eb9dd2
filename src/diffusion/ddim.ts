import { noiseSchedule } from './noiseSchedule.ts';
import { cleanLatents, noiseInLatents } from './prediction.ts';
import type { SamplingPlan, SamplingStep } from './samplingPlan.ts';
import { type ScheduleRequest, update } from './scheduleRequest.ts';
import { scheduledTimesteps } from './timesteps.ts';

/**
 * DDIM (Song et al. 2020, eq. 12 and 16; diffusers' DDIMScheduler, without its clipping of x0, which the Stable Diffusion
 * pipelines switch off). As there, a step goes down by `trainTimesteps / scheduled`, rounded down, even where the next
 * timestep of the schedule lies elsewhere (`linspace`, and `trailing` that does not divide evenly).
 *
 * @param options.eta 0: deterministic; 1: as much fresh noise as DDPM
 */
export function planDdim(
  { scheduler, scheduled, first }: ScheduleRequest,
  { eta }: { readonly eta: number },
): SamplingPlan {
  const { alphasCumprod } = noiseSchedule(scheduler);
  const { predictionType, trainTimesteps } = scheduler;
  const finalAlpha = (scheduler.setAlphaToOne ?? true) ? 1 : (alphasCumprod[0] as number);
  const levelAt = (alphaCumprod: number) => ({ alpha: Math.sqrt(alphaCumprod), sigma: Math.sqrt(1 - alphaCumprod) });
  const timesteps = scheduledTimesteps(scheduler, {
    steps: scheduled,
    spacing: scheduler.timestepSpacing ?? 'leading',
    family: 'ddim',
  }).slice(first);

  const steps = timesteps.map((timestep): SamplingStep => {
    const here = alphasCumprod[timestep] as number;
    const earlier = timestep - Math.floor(trainTimesteps / scheduled);
    const next = earlier >= 0 ? (alphasCumprod[earlier] as number) : finalAlpha;
    const variance = ((1 - next) / (1 - here)) * (1 - here / next);
    const fresh = eta > 0 ? eta * Math.sqrt(Math.max(0, variance)) : 0;
    const x0 = cleanLatents(predictionType, levelAt(here));
    const noise = noiseInLatents(predictionType, levelAt(here));
    const signal = Math.sqrt(next);
    const direction = Math.sqrt(Math.max(0, 1 - next - fresh * fresh));
    return {
      timestep,
      inputScale: 1,
      updates: [
        update('latents', {
          latents: signal * x0.latents + direction * noise.latents,
          prediction: signal * x0.prediction + direction * noise.prediction,
          noise: fresh,
        }),
      ],
      denoised: x0,
    };
  });

  const begin = levelAt(alphasCumprod[timesteps[0] as number] as number);
  return {
    steps,
    start: first === 0 ? { image: 0, noise: 1 } : { image: begin.alpha, noise: begin.sigma },
    keptCount: 0,
  };
}
