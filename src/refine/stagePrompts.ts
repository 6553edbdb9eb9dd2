import type { DiffusionModel, TextConditioning } from '../pipeline/diffusionPorts.ts';
import { parseWeightedPrompt } from '../prompt/promptWeights.ts';
import type { WeightedPrompt } from '../prompt/weightedPrompt.ts';

/**
 * A stage's prompts as its model reads them, written in the syntax that weights prompts: encoded when first needed, once for all
 * regions that are told the same.
 */
export class StagePrompts {
  readonly #model: DiffusionModel;
  readonly #negative: WeightedPrompt | null;
  #positive: string;
  #encoded: { readonly positive: TextConditioning; readonly negative: TextConditioning | null } | null = null;

  /** @param prompts.negative null: no classifier-free guidance */
  constructor(
    model: DiffusionModel,
    { positive, negative }: { readonly positive: string; readonly negative: string | null },
  ) {
    this.#model = model;
    this.#positive = positive;
    this.#negative = negative === null ? null : parseWeightedPrompt(negative);
  }

  /** Changes what is asked for from here on, as for another region. */
  say(positive: string): void {
    if (positive === this.#positive) return;
    this.dispose();
    this.#positive = positive;
  }

  async encoded(): Promise<{ readonly positive: TextConditioning; readonly negative: TextConditioning | null }> {
    if (this.#encoded) return this.#encoded;
    const positive = await this.#model.encodePrompt(parseWeightedPrompt(this.#positive));
    try {
      const negative = this.#negative && (await this.#model.encodePrompt(this.#negative));
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
    positive,
    negative: guidanceScale === 1 ? null : negative,
  });
  try {
    return await work(prompts);
  } finally {
    prompts.dispose();
  }
}
