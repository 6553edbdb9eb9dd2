/** diffusers' `scheduler_config.json`, the part that decides a schedule, with diffusers' names in camel case. */
export interface SchedulerConfig {
  /** 1000 in everything published. */
  readonly trainTimesteps: number;
  readonly betaStart: number;
  readonly betaEnd: number;
  readonly betaSchedule: 'linear' | 'scaled_linear' | 'squaredcos_cap_v2';
  readonly predictionType: 'epsilon' | 'v_prediction';
  /**
   * Null where the file does not say: then each sampler has the default of its own class in diffusers, as after
   * `Sampler.from_config(pipe.scheduler.config)`, which hands on only what the file says.
   */
  readonly timestepSpacing: 'leading' | 'trailing' | 'linspace' | null;
  readonly stepsOffset: number;
  /** DDIM alone: whether the last step ends at no noise at all, or at the noise of timestep 0. Default true. */
  readonly setAlphaToOne?: boolean;
}
