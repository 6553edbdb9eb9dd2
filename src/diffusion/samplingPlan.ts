/**
 * A sampling schedule as plain arithmetic. Every scheduler we use is linear in what it reads: the latents, the model's
 * prediction, what it remembers and fresh noise. So a schedule is worked out beforehand, in double precision on the CPU, and
 * running it takes one kernel: a weighted sum of tensors. Latents therefore never leave the GPU, whatever the scheduler.
 */

/** A tensor a step may read: the latents, the guided prediction, fresh noise, or what an earlier step kept. */
export type StepSource = 'latents' | 'prediction' | 'noise' | `kept${number}`;

/** `target := Σ factor · source`. The target may be among the sources; it then still has its old value there. */
export interface LinearUpdate {
  readonly target: 'latents' | `kept${number}`;
  /** At most 8. */
  readonly terms: readonly { readonly source: StepSource; readonly factor: number }[];
}

/** One run of the model and what becomes of the latents. */
export interface SamplingStep {
  /** What the model is told, 0..999; may be fractional. */
  readonly timestep: number;
  /** The model reads `inputScale · latents` (diffusers' `scale_model_input`). */
  readonly inputScale: number;
  /** Done in order once the prediction is there; each sees what those before it wrote. */
  readonly updates: readonly LinearUpdate[];
  /** x0 as this step sees it, of the latents before the updates: `latents · factor + prediction · factor`; for previews. */
  readonly denoised: { readonly latents: number; readonly prediction: number };
}

/** The steps to execute, and how to start. */
export interface SamplingPlan {
  readonly steps: readonly SamplingStep[];
  /** The first latents: `image · clean latents + noise · N(0, 1)`. `image` is 0 where the schedule starts from noise alone. */
  readonly start: { readonly image: number; readonly noise: number };
  /** How many `kept` tensors there are: `kept0` … */
  readonly keptCount: number;
}
