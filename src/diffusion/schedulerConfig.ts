/** diffusers' `scheduler_config.json`, the part that decides a schedule, with diffusers' names in camel case. */
export interface SchedulerConfig {
  /** 1000 in everything published. */
  readonly trainTimesteps: number;
  readonly betaStart: number;
  readonly betaEnd: number;
  readonly betaSchedule: 'linear' | 'scaled_linear' | 'squaredcos_cap_v2';
  readonly predictionType: 'epsilon' | 'v_prediction';
  readonly timestepSpacing: 'leading' | 'trailing' | 'linspace';
  readonly stepsOffset: number;
}
