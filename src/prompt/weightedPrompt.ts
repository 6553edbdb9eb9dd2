/** A stretch of a prompt with one weight; syntax stripped, white space kept so that pieces join as typed. */
export interface WeightedPiece {
  readonly text: string;
  /** 1 = as it is; `z′ = z_∅ + w (z − z_∅)` per token (spec "Prompt weighting"). */
  readonly weight: number;
}

/** A prompt as a diffusion model's text encoder is given it. `BREAK` starts a new chunk of 77 tokens. */
export interface WeightedPrompt {
  readonly chunks: readonly (readonly WeightedPiece[])[];
}
