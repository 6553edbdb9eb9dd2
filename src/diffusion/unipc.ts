import { interpolate, noiseSchedule } from './noiseSchedule.ts';
import { cleanLatents, variancePreserving } from './prediction.ts';
import type { LinearUpdate, SamplingPlan, SamplingStep } from './samplingPlan.ts';
import { type ScheduleRequest, update } from './scheduleRequest.ts';
import { scheduledTimesteps } from './timesteps.ts';

/** A move from one noise level to another, as both halves of UniPC write it. */
interface Move {
  /** Factor of the latents moved. */
  readonly latents: number;
  /** −α (e^−h − 1): factor of x0 at the level moved from, and with bh2 also of the corrections. */
  readonly gain: number;
  /** −h, where h is by how much λ = log(α/σ) grows. */
  readonly hh: number;
}

/** @param from,to noise against signal */
function moveBetween(from: number, to: number): Move {
  const hh = Math.log(to) - Math.log(from);
  const next = variancePreserving(to);
  return { latents: next.sigma / variancePreserving(from).sigma, gain: -next.alpha * Math.expm1(hh), hh };
}

/**
 * The weights of the corrector of order 2: of `(x0 two steps ago − x0 one step ago) / r` and of `x0 now − x0 one step ago`.
 * They solve `[[1, 1], [r, 1]] ρ = b` (Zhao et al. 2023, eq. 5).
 */
function secondOrderCorrector({ hh }: Move, r: number): readonly [older: number, newest: number] {
  const growth = Math.expm1(hh);
  const phi2 = growth / hh - 1;
  const b1 = phi2 / growth;
  const b2 = (2 * (phi2 / hh - 0.5)) / growth;
  const older = (b1 - b2) / (1 - r);
  return [older, b1 - older];
}

/**
 * UniPC of order 2, bh2, predictor and corrector, on x0 (Zhao et al. 2023; diffusers' UniPCMultistepScheduler with
 * `lower_order_final`, `final_sigmas_type: 'zero'`). A step first corrects the latents it was given with what the model now
 * says about them, then predicts the next ones. PASD's own sampler.
 *
 * Kept: x0 of the last two steps in `kept0` and `kept1` by turns, and the corrected latents of the last step in `kept2`.
 */
export function planUnipc({ scheduler, scheduled, first }: ScheduleRequest): SamplingPlan {
  const { sigmas } = noiseSchedule(scheduler);
  const spacing = scheduler.timestepSpacing ?? 'linspace';
  const timesteps = scheduledTimesteps(scheduler, { steps: scheduled, spacing, family: 'multistep' });
  const ratios = [...timesteps.map((timestep) => interpolate(sigmas, timestep)), 0].slice(first);
  const ratio = (i: number) => ratios[i] as number;
  /** λ of step `earlier` minus λ of the next one, against a move's h. */
  const distance = (earlier: number, { hh }: Move) => (Math.log(ratio(earlier + 1)) - Math.log(ratio(earlier))) / -hh;

  const steps = timesteps.slice(first).map((timestep, i): SamplingStep => {
    const x0 = cleanLatents(scheduler.predictionType, variancePreserving(ratio(i)));
    const [newest, before] = i % 2 === 0 ? (['kept0', 'kept1'] as const) : (['kept1', 'kept0'] as const);

    const correct = (): LinearUpdate => {
      const move = moveBetween(ratio(i - 1), ratio(i));
      const r = i > 1 ? distance(i - 2, move) : 1;
      const [older, now] = i > 1 ? secondOrderCorrector(move, r) : [0, 0.5];
      return update('kept2', {
        kept2: move.latents,
        [before]: move.gain * (1 - older / r - now),
        // Still x0 of two steps ago.
        [newest]: (move.gain * older) / r,
        latents: move.gain * now * x0.latents,
        prediction: move.gain * now * x0.prediction,
      });
    };

    const predict = (): LinearUpdate => {
      const move = moveBetween(ratio(i), ratio(i + 1));
      const older = i > 0 && i < timesteps.length - first - 1 ? 0.5 / distance(i - 1, move) : 0;
      return update('latents', {
        kept2: move.latents,
        [newest]: move.gain * (1 - older),
        [before]: move.gain * older,
      });
    };

    return {
      timestep,
      inputScale: 1,
      updates: [
        i === 0 ? update('kept2', { latents: 1 }) : correct(),
        update(newest, { latents: x0.latents, prediction: x0.prediction }),
        predict(),
      ],
      denoised: x0,
    };
  });

  const begin = variancePreserving(ratio(0));
  return {
    steps,
    start: first === 0 ? { image: 0, noise: 1 } : { image: begin.alpha, noise: begin.sigma },
    keptCount: 3,
  };
}
