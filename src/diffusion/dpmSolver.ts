import { karrasSigmas, timestepOfSigma } from './karrasSigmas.ts';
import { noiseSchedule } from './noiseSchedule.ts';
import { cleanLatents, variancePreserving } from './prediction.ts';
import type { SamplingPlan, SamplingStep } from './samplingPlan.ts';
import { type ScheduleRequest, update } from './scheduleRequest.ts';
import { roundHalfEven } from './timesteps.ts';

/**
 * DPM-Solver++ 2M on Karras' noise levels (Lu et al. 2022, algorithm 2; diffusers' DPMSolverMultistepScheduler with
 * `dpmsolver++`, order 2, midpoint, `use_karras_sigmas`, `final_sigmas_type: 'zero'`). The first step executed and the last one,
 * which goes down to no noise at all, are of first order, as there. Spacing and offset of timesteps play no part.
 *
 * What a step saw as x0 is kept for the next one, in two tensors by turns.
 */
export function planDpmSolver2mKarras({ scheduler, scheduled, first }: ScheduleRequest): SamplingPlan {
  const { sigmas: trained } = noiseSchedule(scheduler);
  const ratios = karrasSigmas(scheduled, {
    largest: trained[trained.length - 1] as number,
    smallest: trained[0] as number,
  });
  // diffusers rounds the timesteps, but cuts those of the cosine schedule off.
  const toInteger = scheduler.betaSchedule === 'squaredcos_cap_v2' ? Math.trunc : roundHalfEven;

  const steps = ratios.slice(first).map((ratio, i): SamplingStep => {
    const index = first + i;
    const here = variancePreserving(ratio);
    const next = variancePreserving(ratios[index + 1] ?? 0);
    const x0 = cleanLatents(scheduler.predictionType, here);
    const [now, before] = i % 2 === 0 ? (['kept0', 'kept1'] as const) : (['kept1', 'kept0'] as const);
    // e^−h − 1, where h is by how much λ = log(α/σ) grows.
    const decay = next.sigma / next.alpha / ratio - 1;
    const whole = -next.alpha * decay;
    // D1 / 2 = (x0 − x0 before) / (2 r), where r is the last step against this one, in λ.
    const secondOrder = i > 0 && index < scheduled - 1;
    const r = secondOrder
      ? Math.log((ratios[index - 1] as number) / ratio) / Math.log(ratio / (ratios[index + 1] as number))
      : Number.POSITIVE_INFINITY;
    return {
      timestep: toInteger(timestepOfSigma(ratio, trained)),
      inputScale: 1,
      updates: [
        update(now, { latents: x0.latents, prediction: x0.prediction }),
        update('latents', {
          latents: next.sigma / here.sigma,
          [now]: whole * (1 + 0.5 / r),
          [before]: secondOrder ? -whole * (0.5 / r) : 0,
        }),
      ],
      denoised: x0,
    };
  });

  const begin = variancePreserving(ratios[first] as number);
  return {
    steps,
    start: first === 0 ? { image: 0, noise: 1 } : { image: begin.alpha, noise: begin.sigma },
    keptCount: 2,
  };
}
