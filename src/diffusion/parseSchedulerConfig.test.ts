import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseSchedulerConfig } from './parseSchedulerConfig.ts';

/** As `runwayml/stable-diffusion-inpainting` publishes it. */
const sd15 = {
  _class_name: 'PNDMScheduler',
  _diffusers_version: '0.6.0.dev0',
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  beta_start: 0.00085,
  num_train_timesteps: 1000,
  set_alpha_to_one: false,
  skip_prk_steps: true,
  steps_offset: 1,
  trained_betas: null,
  clip_sample: false,
};

describe('what is published', () => {
  test('a file without spacing leaves it to the sampler, as from_config does', () => {
    expect(parseSchedulerConfig(sd15)).toEqual({
      trainTimesteps: 1000,
      betaStart: 0.00085,
      betaEnd: 0.012,
      betaSchedule: 'scaled_linear',
      predictionType: 'epsilon',
      timestepSpacing: null,
      stepsOffset: 1,
      setAlphaToOne: false,
    });
  });

  test.each(['sd-inpainting-tiny', 'sdxl-inpainting-tiny', 'pasd-tiny'])('%s', (model) => {
    const path = new URL(`../../reference/fixtures/${model}/scheduler/scheduler_config.json`, import.meta.url);
    expect(parseSchedulerConfig(JSON.parse(readFileSync(path, 'utf8')))).toMatchObject({
      betaEnd: 0.012,
      stepsOffset: 1,
    });
  });

  test('every member diffusers itself writes for a DPM-Solver with its defaults', () => {
    const config = parseSchedulerConfig({
      _class_name: 'DPMSolverMultistepScheduler',
      algorithm_type: 'sde-dpmsolver++',
      dynamic_thresholding_ratio: 0.995,
      euler_at_final: false,
      final_sigmas_type: 'zero',
      flow_shift: 1.0,
      lower_order_final: true,
      prediction_type: 'v_prediction',
      rescale_betas_zero_snr: false,
      sample_max_value: 1.0,
      solver_order: 2,
      solver_type: 'midpoint',
      thresholding: false,
      time_shift_type: 'exponential',
      timestep_spacing: 'trailing',
      use_beta_sigmas: false,
      use_dynamic_shifting: false,
      use_exponential_sigmas: false,
      use_flow_sigmas: false,
      use_karras_sigmas: true,
      use_lu_lambdas: false,
      variance_type: null,
    });
    expect(config).toMatchObject({ betaStart: 0.0001, betaEnd: 0.02, betaSchedule: 'linear' });
    expect(config).toMatchObject({ predictionType: 'v_prediction', timestepSpacing: 'trailing', stepsOffset: 0 });
  });
});

describe('what is refused', () => {
  test.each([
    ['_class_name', 'FlowMatchEulerDiscreteScheduler'],
    ['_class_name', 'LCMScheduler'],
    ['_class_name', undefined],
    ['prediction_type', 'sample'],
    ['beta_schedule', 'sigmoid'],
    ['timestep_spacing', 'quadratic'],
    ['rescale_betas_zero_snr', true],
    ['thresholding', true],
    ['trained_betas', [0.1, 0.2]],
    ['variance_type', 'learned_range'],
    ['interpolation_type', 'log_linear'],
    ['timestep_type', 'continuous'],
    ['sigma_max', 80],
    ['final_sigmas_type', 'sigma_min'],
    ['use_flow_sigmas', true],
    ['something_new', 1],
  ])('%s: %j', (member, value) => {
    const parse = () => parseSchedulerConfig({ ...sd15, [member]: value });
    expect(parse).toThrow(expect.objectContaining({ name: 'UnsupportedModelError' }));
    expect(parse).toThrow(`${member} is ${JSON.stringify(value) ?? 'missing'}`);
  });

  test.each([
    ['num_train_timesteps', 1.5],
    ['num_train_timesteps', 1e9],
    ['beta_start', 0],
    ['beta_end', '0.012'],
    ['steps_offset', 1000],
    ['set_alpha_to_one', 'no'],
  ])('impossible %s: %j', (member, value) => {
    const parse = () => parseSchedulerConfig({ ...sd15, [member]: value });
    expect(parse).toThrow(expect.objectContaining({ name: 'CheckpointError' }));
    expect(parse).toThrow(`${member} is ${JSON.stringify(value)}`);
  });
});
