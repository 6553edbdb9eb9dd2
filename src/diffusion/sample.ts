import { abortError, UserError } from '../errors.ts';
import type { Denoiser, DeviceTensor, TensorDevice } from '../pipeline/diffusionPorts.ts';
import type { SamplingPlan, SamplingStep, StepSource } from './samplingPlan.ts';

/** Everything a sampling needs to go on after some step, read back from the device. */
export interface SamplingSnapshot {
  /** The step to go on with: as many are done. */
  readonly nextStep: number;
  readonly latents: Float32Array<ArrayBuffer>;
  /** What the sampler keeps between steps. */
  readonly kept: readonly Float32Array<ArrayBuffer>[];
}

/** What a preview brings along. */
export interface SamplingPreview {
  /** Steps done. */
  readonly done: number;
  /** x0 as the step saw it: the latents of the picture so far. */
  readonly denoised: Float32Array<ArrayBuffer>;
  /** To go on from, should the device be lost. */
  readonly snapshot: SamplingSnapshot;
}

export interface SampleOptions {
  readonly plan: SamplingPlan;
  readonly denoiser: Denoiser;
  readonly device: TensorDevice;
  /** The start ({@link startingLatents}); the result afterwards. Stays the caller's. */
  readonly latents: DeviceTensor;
  /** g of `u + g (c − u)`; without effect where the denoiser predicts nothing unconditional. */
  readonly guidanceScale: number;
  /** N(0, 1) for a step, as many numbers as latents; asked only for steps that add fresh noise. */
  readonly noise: (step: number) => Float32Array;
  /** A preview after every so many steps, the last one excepted. Default: none. */
  readonly previewEvery?: number;
  /** Told after each step, how many are done of how many; the GPU may still be at work on it. */
  readonly onStep?: (done: number, total: number) => void;
  readonly onPreview?: (preview: SamplingPreview) => void;
  /** Looked at before every run of the model. */
  readonly signal?: { readonly aborted: boolean };
  /** Goes on from here; `latents` are overwritten. */
  readonly resumeFrom?: SamplingSnapshot;
}

/**
 * The latents a plan starts from.
 *
 * @param options.image clean latents; may be null where the plan starts from noise alone
 * @param options.noise N(0, 1), as many numbers as latents
 * @returns a tensor of the caller's, as large as `dims`, or as `image` is
 */
export function startingLatents(
  { start }: SamplingPlan,
  {
    device,
    image,
    noise,
  }: {
    readonly device: TensorDevice;
    readonly image: DeviceTensor;
    readonly noise: Float32Array;
  },
): DeviceTensor {
  const latents = device.create(image.dims, noise);
  device.combine(latents, [
    { source: latents, factor: start.noise },
    ...(start.image === 0 ? [] : [{ source: image, factor: start.image }]),
  ]);
  return latents;
}

/** A sampling at work, and the tensors it needs besides the latents: made when first used, freed together. */
class Sampling {
  readonly #options: SampleOptions;
  readonly #tensors = new Map<string, DeviceTensor>();

  constructor(options: SampleOptions) {
    this.#options = options;
  }

  /** A tensor of the latents' size; zeros at first. */
  #tensor(name: Exclude<StepSource, 'latents'> | 'input' | 'denoised'): DeviceTensor {
    const { device, latents } = this.#options;
    const tensor = this.#tensors.get(name) ?? device.create(latents.dims);
    this.#tensors.set(name, tensor);
    return tensor;
  }

  /** What the model says about the latents, guided. */
  async #predict({ timestep, inputScale }: SamplingStep): Promise<DeviceTensor> {
    const { denoiser, device, guidanceScale, latents, signal } = this.#options;
    let input = latents;
    if (inputScale !== 1) {
      input = this.#tensor('input');
      device.combine(input, [{ source: latents, factor: inputScale }]);
    }
    if (signal?.aborted) throw abortError();
    const { conditional, unconditional } = await denoiser.predict(input, timestep);
    if (!unconditional || guidanceScale === 1) return conditional;
    const guided = this.#tensor('prediction');
    device.combine(guided, [
      { source: unconditional, factor: 1 - guidanceScale },
      { source: conditional, factor: guidanceScale },
    ]);
    return guided;
  }

  /** Does one step. `withDenoised`: notes x0 as the step sees it. */
  async step(index: number, { withDenoised }: { readonly withDenoised: boolean }): Promise<void> {
    const { device, latents, noise, plan } = this.#options;
    const step = plan.steps[index] as SamplingStep;
    const prediction = await this.#predict(step);
    if (withDenoised) {
      device.combine(this.#tensor('denoised'), [
        { source: latents, factor: step.denoised.latents },
        { source: prediction, factor: step.denoised.prediction },
      ]);
    }
    if (step.updates.some(({ terms }) => terms.some(({ source }) => source === 'noise'))) {
      device.write(this.#tensor('noise'), noise(index));
    }
    const place = (source: StepSource) => {
      if (source === 'latents') return latents;
      return source === 'prediction' ? prediction : this.#tensor(source);
    };
    for (const { target, terms } of step.updates) {
      device.combine(
        place(target),
        terms.map(({ source, factor }) => ({ source: place(source), factor })),
      );
    }
  }

  /** @throws {UserError} `NumbersError` */
  async checkNumbers(): Promise<void> {
    const { device, latents } = this.#options;
    if (await device.allFinite(latents)) return;
    throw new UserError(
      'NumbersError',
      'The diffusion model gave numbers that are no picture (NaN or infinite), so the image was left as it is; a higher precision of the model avoids this',
    );
  }

  async preview(done: number): Promise<SamplingPreview> {
    const { device, latents, plan } = this.#options;
    const kept: Float32Array<ArrayBuffer>[] = [];
    for (let i = 0; i < plan.keptCount; i++) kept.push(await device.read(this.#tensor(`kept${i}`)));
    const denoised = await device.read(this.#tensor('denoised'));
    return { done, denoised, snapshot: { nextStep: done, latents: await device.read(latents), kept } };
  }

  /** Puts everything back as it was. */
  restore({ latents, kept }: SamplingSnapshot): void {
    const { device, plan } = this.#options;
    if (kept.length !== plan.keptCount) throw new RangeError('The snapshot is of another sampler');
    device.write(this.#options.latents, latents);
    kept.forEach((values, i) => {
      device.write(this.#tensor(`kept${i}`), values);
    });
  }

  dispose(): void {
    for (const tensor of this.#tensors.values()) tensor.dispose();
  }
}

/**
 * Runs a sampling plan. Nothing is read back from the device but previews, and whether all latents are finite at previews and
 * after the last step.
 *
 * @throws AbortError once `signal.aborted` is set, within one step
 * @throws {UserError} `NumbersError`: a latent is NaN or infinite. Whatever the denoiser throws; after a `DeviceLostError`,
 *   call again with new tensors, a new denoiser and the last snapshot as `resumeFrom`
 * @throws RangeError for a snapshot that is not of this plan
 */
export async function sample(options: SampleOptions): Promise<void> {
  const { plan, onPreview, onStep, previewEvery, resumeFrom } = options;
  const total = plan.steps.length;
  const sampling = new Sampling(options);
  try {
    if (resumeFrom) sampling.restore(resumeFrom);
    for (let index = resumeFrom?.nextStep ?? 0; index < total; index++) {
      const done = index + 1;
      const previewing = previewEvery !== undefined && done % previewEvery === 0 && done < total;
      await sampling.step(index, { withDenoised: previewing });
      onStep?.(done, total);
      if (!previewing) continue;
      await sampling.checkNumbers();
      onPreview?.(await sampling.preview(done));
    }
    await sampling.checkNumbers();
  } finally {
    sampling.dispose();
  }
}
