import { UserError } from '../errors.ts';
import type { SchedulerConfig } from './schedulerConfig.ts';

/** Where the file lies in a model's folder; named in errors. */
const file = 'scheduler/scheduler_config.json';

/**
 * diffusers' classes whose models predict noise, or v, at the timesteps of one schedule of betas. Which of these solvers a model
 * was published with says nothing about the model: any of ours can take its place.
 */
const classes = [
  'DDIMScheduler',
  'DDPMScheduler',
  'DEISMultistepScheduler',
  'DPMSolverMultistepScheduler',
  'DPMSolverSDEScheduler',
  'DPMSolverSinglestepScheduler',
  'EulerAncestralDiscreteScheduler',
  'EulerDiscreteScheduler',
  'HeunDiscreteScheduler',
  'KDPM2AncestralDiscreteScheduler',
  'KDPM2DiscreteScheduler',
  'LMSDiscreteScheduler',
  'PNDMScheduler',
  'UniPCMultistepScheduler',
] as const;

/** Members that change the model's schedule, and the values with which they do not. */
const required: Readonly<Record<string, readonly unknown[]>> = {
  trained_betas: [],
  rescale_betas_zero_snr: [false],
  thresholding: [false],
  variance_type: ['fixed_small', 'fixed_small_log', 'fixed_large', 'fixed_large_log'],
  interpolation_type: ['linear'],
  timestep_type: ['discrete'],
  sigma_min: [],
  sigma_max: [],
  final_sigmas_type: ['zero'],
  use_flow_sigmas: [false],
  flow_shift: [1],
  use_dynamic_shifting: [false],
  shift_terminal: [],
  snr_shift_scale: [1],
};

/**
 * Members that say how the solver of the file works, in whose place ours comes; `clip_sample` is switched off by the Stable
 * Diffusion pipelines themselves, and the others do nothing while what they belong to is off.
 */
const ignored = [
  'algorithm_type',
  'clip_sample',
  'clip_sample_range',
  'disable_corrector',
  'dynamic_thresholding_ratio',
  'euler_at_final',
  'lambda_min_clipped',
  'lower_order_final',
  'noise_sampler_seed',
  'predict_x0',
  'sample_max_value',
  'skip_prk_steps',
  'solver_order',
  'solver_p',
  'solver_type',
  'tensor_format',
  'time_shift_type',
  'use_beta_sigmas',
  'use_exponential_sigmas',
  'use_karras_sigmas',
  'use_lu_lambdas',
];

const read = [
  'num_train_timesteps',
  'beta_start',
  'beta_end',
  'beta_schedule',
  'prediction_type',
  'timestep_spacing',
  'steps_offset',
  'set_alpha_to_one',
];

/** Most timesteps believed; 1000 in everything published. */
const mostTimesteps = 100_000;

/**
 * Reads diffusers' `scheduler_config.json`. What it leaves out has the defaults of our samplers' classes in diffusers, as after
 * `Sampler.from_config(pipe.scheduler.config)`; all of them agree but on the spacing of timesteps, which is null then.
 *
 * @throws {UserError} `UnsupportedModelError` naming the member: another kind of scheduler (flow matching, consistency models),
 *   and everything that changes the schedule and is not known here. `CheckpointError` for values no schedule can have
 */
export function parseSchedulerConfig(json: Readonly<Record<string, unknown>>): SchedulerConfig {
  const value = (member: string) => json[member] ?? undefined;
  oneOf('_class_name', value('_class_name'), classes);
  for (const [member, allowed] of Object.entries(required)) {
    const found = value(member);
    if (found !== undefined && !allowed.includes(found)) throw unsupported(member, found, allowed);
  }
  for (const member of Object.keys(json)) {
    const known = member in required || ignored.includes(member) || read.includes(member) || member.startsWith('_');
    if (!known && value(member) !== undefined) throw unsupported(member, value(member), []);
  }
  const trainTimesteps = wholeNumber('num_train_timesteps', value('num_train_timesteps') ?? 1000, 2, mostTimesteps);
  const setAlphaToOne = value('set_alpha_to_one') ?? true;
  if (typeof setAlphaToOne !== 'boolean') throw invalid('set_alpha_to_one', setAlphaToOne, 'true or false');
  const spacing = value('timestep_spacing');
  return {
    trainTimesteps,
    betaStart: beta('beta_start', value('beta_start') ?? 0.0001),
    betaEnd: beta('beta_end', value('beta_end') ?? 0.02),
    betaSchedule: oneOf('beta_schedule', value('beta_schedule') ?? 'linear', [
      'linear',
      'scaled_linear',
      'squaredcos_cap_v2',
    ]),
    predictionType: oneOf('prediction_type', value('prediction_type') ?? 'epsilon', ['epsilon', 'v_prediction']),
    timestepSpacing:
      spacing === undefined ? null : oneOf('timestep_spacing', spacing, ['leading', 'trailing', 'linspace']),
    stepsOffset: wholeNumber('steps_offset', value('steps_offset') ?? 0, 0, trainTimesteps - 1),
    setAlphaToOne,
  };
}

function oneOf<const T extends string>(member: string, value: unknown, allowed: readonly T[]): T {
  if (!allowed.includes(value as T)) throw unsupported(member, value, allowed);
  return value as T;
}

function wholeNumber(member: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw invalid(member, value, `a whole number from ${min} to ${max}`);
  }
  return value;
}

function beta(member: string, value: unknown): number {
  if (typeof value !== 'number' || !(value > 0 && value < 1)) throw invalid(member, value, 'a number between 0 and 1');
  return value;
}

function unsupported(member: string, value: unknown, allowed: readonly unknown[]): UserError {
  const expected = allowed.length > 0 ? allowed.map((one) => JSON.stringify(one)).join(' or ') : 'it left out';
  return new UserError(
    'UnsupportedModelError',
    `Cannot use "${file}": ${member} is ${JSON.stringify(value) ?? 'missing'}, expected ${expected}; the model was made for another way of sampling`,
  );
}

function invalid(member: string, value: unknown, expected: string): UserError {
  return new UserError(
    'CheckpointError',
    `Cannot read "${file}": ${member} is ${JSON.stringify(value)}, expected ${expected}`,
  );
}
