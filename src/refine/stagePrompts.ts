import type { DiffusionModel, TextConditioning } from '../pipeline/diffusionPorts.ts';
import { parseWeightedPrompt } from '../prompt/promptWeights.ts';
import type { WeightedPrompt } from '../prompt/weightedPrompt.ts';

/** A stage's prompts as its model reads them: encoded when first needed, once for all its regions. */
export class StagePrompts {
  readonly #model: DiffusionModel;
  readonly #prompts: { readonly positive: WeightedPrompt; readonly negative: WeightedPrompt | null };
  #encoded: { readonly positive: TextConditioning; readonly negative: TextConditioning | null } | null = null;

  /** @param prompts.negative null: no classifier-free guidance */
  constructor(
    model: DiffusionModel,
    prompts: { readonly positive: WeightedPrompt; readonly negative: WeightedPrompt | null },
  ) {
    this.#model = model;
    this.#prompts = prompts;
  }

  async encoded(): Promise<{ readonly positive: TextConditioning; readonly negative: TextConditioning | null }> {
    if (this.#encoded) return this.#encoded;
    const positive = await this.#model.encodePrompt(this.#prompts.positive);
    try {
      const negative = this.#prompts.negative && (await this.#model.encodePrompt(this.#prompts.negative));
      this.#encoded = { positive, negative };
    } catch (error) {
      positive.dispose();
      throw error;
    }
    return this.#encoded;
  }

  /** Frees them; they are encoded again if needed again, as after the device was lost. */
  dispose(): void {
    this.#encoded?.positive.dispose();
    this.#encoded?.negative?.dispose();
    this.#encoded = null;
  }
}

/** Runs a stage with its prompts encoded; without guidance there is no negative one. */
export async function withPrompts<T>(
  model: DiffusionModel,
  {
    positive,
    negative,
    guidanceScale,
  }: { readonly positive: string; readonly negative: string; readonly guidanceScale: number },
  work: (prompts: StagePrompts) => Promise<T>,
): Promise<T> {
  const prompts = new StagePrompts(model, {
    positive: parseWeightedPrompt(positive),
    negative: guidanceScale === 1 ? null : parseWeightedPrompt(negative),
  });
  try {
    return await work(prompts);
  } finally {
    prompts.dispose();
  }
}
